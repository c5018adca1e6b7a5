package hearing_test

import (
	"testing"

	"bedside/api/apitest"
)

func TestMain(m *testing.M) { apitest.Main(m) }
