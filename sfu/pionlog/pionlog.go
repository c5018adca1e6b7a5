// Package pionlog writes the log of Pion, the WebRTC library, to an slog.Logger.
//
// Pion warns about ordinary events such as a peer that left or a late packet. Its warnings become
// debug lines, its errors have the level that the caller chooses, and its info and debug lines
// are dropped.
package pionlog

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// Factory makes a logger for each of Pion's scopes (ice, dtls, ...). It implements
// logging.LoggerFactory and is safe for concurrent use.
type Factory struct {
	log    *slog.Logger
	errors slog.Level
}

// New returns a factory that writes to log, and writes Pion's errors at the given level.
func New(log *slog.Logger, errors slog.Level) Factory { return Factory{log, errors} }

// NewLogger returns the logger of one scope.
func (f Factory) NewLogger(scope string) logging.LeveledLogger {
	return logger{f.log.With("pion", scope), f.errors}
}

type logger struct {
	log    *slog.Logger
	errors slog.Level
}

func (l logger) Trace(string)                      {}
func (l logger) Tracef(string, ...any)             {}
func (l logger) Debug(string)                      {}
func (l logger) Debugf(string, ...any)             {}
func (l logger) Info(string)                       {}
func (l logger) Infof(string, ...any)              {}
func (l logger) Warn(msg string)                   { l.write(slog.LevelDebug, "%s", msg) }
func (l logger) Warnf(format string, args ...any)  { l.write(slog.LevelDebug, format, args...) }
func (l logger) Error(msg string)                  { l.write(l.errors, "%s", msg) }
func (l logger) Errorf(format string, args ...any) { l.write(l.errors, format, args...) }

func (l logger) write(level slog.Level, format string, args ...any) {
	ctx := context.Background()
	if l.log.Enabled(ctx, level) { // formatting costs more than the check
		l.log.Log(ctx, level, fmt.Sprintf(format, args...))
	}
}
