package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// closers is a stack of functions that each close one opened part. The goroutine that opens the
// parts also closes them.
type closers struct {
	stack []closer
	log   *slog.Logger
	last  time.Time // when the last part was opened
}

type closer struct {
	part  string
	close func(context.Context) error
}

func newClosers(log *slog.Logger) *closers { return &closers{log: log, last: time.Now()} }

// add registers the closing of a part that was just opened.
func (c *closers) add(part string, close func(context.Context) error) {
	c.stack = append(c.stack, closer{part, close})
	c.log.Debug("opened", "part", part, "took", time.Since(c.last))
	c.last = time.Now()
}

// closeAll closes every part, the last opened first. It continues after an error.
func (c *closers) closeAll(ctx context.Context) error {
	var errs []error
	for len(c.stack) > 0 {
		last := c.stack[len(c.stack)-1]
		c.stack = c.stack[:len(c.stack)-1]
		if err := last.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", last.part, err))
		}
	}
	return errors.Join(errs...)
}
