package speech

import (
	"cmp"
	"errors"
	"time"
)

// Config configures a Worker. A zero field means the value in Defaults.
type Config struct {
	Attempts int `key:"speech.workers" env:"BEDSIDE_SPEECH_WORKERS" doc:"number of role plays analysed at the same time"`

	MaxTries int              // tries of an attempt before the worker gives it up
	SpoolDir string           // where recordings grow until they are stored; empty: the system's
	Clock    func() time.Time // dates the reports
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{Attempts: 8, MaxTries: 5, Clock: time.Now} }

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Attempts = cmp.Or(c.Attempts, d.Attempts)
	c.MaxTries = cmp.Or(c.MaxTries, d.MaxTries)
	if c.Clock == nil {
		c.Clock = d.Clock
	}
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	if c.Attempts < 1 {
		return errors.New("speech.workers: at least 1 is needed")
	}
	return nil
}
