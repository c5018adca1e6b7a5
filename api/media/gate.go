package media

import (
	"context"
	"fmt"

	"bedside/store"
)

// gate admits a number of callers at the same time, and lets a number of others wait. It is safe
// for concurrent use.
type gate struct {
	inside  chan struct{}
	present chan struct{} // those inside and those that wait
}

func newGate(inside, waiting int) *gate {
	return &gate{
		inside: make(chan struct{}, inside), present: make(chan struct{}, inside+waiting),
	}
}

// enter waits for a place inside until ctx ends; leave gives it back. When as many wait already as
// may, it returns store.ErrLimit at once.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.present <- struct{}{}:
	default:
		return nil, fmt.Errorf("uploads: %w", store.ErrLimit)
	}
	select {
	case g.inside <- struct{}{}:
		return func() { <-g.inside; <-g.present }, nil
	case <-ctx.Done():
		<-g.present
		return nil, ctx.Err()
	}
}
