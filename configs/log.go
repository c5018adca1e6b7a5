package configs

import (
	"errors"
	"io"
	"log/slog"
)

// Log configures logging.
type Log struct {
	Level  string `key:"log.level" env:"BEDSIDE_LOG_LEVEL" doc:"debug, info, warn or error"`
	Format string `key:"log.format" env:"BEDSIDE_LOG_FORMAT" doc:"text or json"`
}

// Validate reports every setting that cannot work.
func (l Log) Validate() error {
	return errors.Join(oneOf("log.level", l.Level, "debug", "info", "warn", "error"),
		oneOf("log.format", l.Format, "text", "json"))
}

// Logger returns a logger that writes to w.
func (l Log) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo // Validate has refused anything else
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
