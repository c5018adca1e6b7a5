package voice

import (
	"cmp"
	"errors"
	"time"
)

// Config configures Voices. A zero field means the value in Defaults.
type Config struct {
	Timeout time.Duration // of rendering a line
	Clock   func() time.Time
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{Timeout: 20 * time.Second, Clock: time.Now} }

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Timeout = cmp.Or(c.Timeout, d.Timeout)
	if c.Clock == nil {
		c.Clock = d.Clock
	}
	return c
}

// engines returns the engines that there are, by preference, and why others are missing.
func (c Config) engines() ([]engine, error) {
	var list []engine
	var errs []error
	for _, open := range []func() (engine, error){newFlite} {
		if e, err := open(); err == nil {
			list = append(list, e)
		} else {
			errs = append(errs, err)
		}
	}
	return list, errors.Join(errs...)
}
