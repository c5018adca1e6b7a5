package pionlog_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"bedside/sfu/pionlog"
)

func TestLevels(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l := pionlog.New(log, slog.LevelWarn).NewLogger("ice")
	l.Trace("trace")
	l.Debugf("debug %d", 1)
	l.Info("info")
	l.Warn("100% ordinary")
	l.Errorf("error %d", 2)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 ||
		!strings.Contains(lines[0], `level=DEBUG msg="100% ordinary" pion=ice`) ||
		!strings.Contains(lines[1], `level=WARN msg="error 2" pion=ice`) {
		t.Errorf("wrote %q", lines)
	}
}
