// Package wait has the one way to sleep that also ends with a context. Retry loops in every
// layer use it, so it imports nothing.
package wait

import (
	"context"
	"time"
)

// For blocks for d and returns nil, or returns the context's cause as soon as ctx ends.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
