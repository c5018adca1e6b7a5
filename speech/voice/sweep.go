package voice

import (
	"context"
	"errors"
	"time"
)

const (
	// prefix is that of the keys of rendered lines.
	prefix = "voice/"
	// keptFor is how long a rendered line is kept. One that is still needed is rendered anew.
	keptFor = 90 * 24 * time.Hour
)

// SweepFiles are the files of rendered lines. *blob.Store implements it.
type SweepFiles interface {
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string, each func(key string, modified time.Time) error) error
}

// Sweep deletes lines that were rendered long ago: of voices that were changed, and of scripts
// that nobody plays any more. It returns how many.
func Sweep(ctx context.Context, files SweepFiles, now time.Time) (n int, err error) {
	var errs []error
	err = files.List(ctx, prefix, func(key string, modified time.Time) error {
		if now.Sub(modified) < keptFor {
			return nil
		}
		err := files.Delete(ctx, key)
		if err == nil {
			n++
		}
		errs = append(errs, err)
		return ctx.Err()
	})
	return n, errors.Join(append(errs, err)...)
}
