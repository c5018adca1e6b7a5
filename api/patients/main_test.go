package patients_test

import (
	"testing"

	"bedside/api/apitest"
)

func TestMain(m *testing.M) { apitest.Main(m) }
