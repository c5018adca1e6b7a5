package media_test

import (
	"log/slog"
	"testing"

	"bedside/api/apitest"
)

func TestMain(m *testing.M) { apitest.Main(m) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
