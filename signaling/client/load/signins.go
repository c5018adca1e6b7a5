package load

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	// bounds how many sign-ins wait for their answers; those that would come on top are left out,
	// and counted
	inFlight = 512
	patience = 5 * time.Second // with those that wait when everybody has spoken
)

// SignIns is what became of those who signed in while everybody spoke.
type SignIns struct {
	PerSecond int   `json:"per_second"`
	Asked     int   `json:"asked"`
	Hashed    int   `json:"hashed"`    // cost a password hash
	Busy      int   `json:"busy"`      // were asked to come again
	Failed    int   `json:"failed"`    // had another answer, or none
	Left      int   `json:"left_out"`  // were not sent, or not waited for at the end
	Answer    Times `json:"answer_ms"` // of those that were hashed
}

// crowd signs in at a steady rate, however long the answers take, from start to stop.
type crowd struct {
	signIn func(ctx context.Context, i int) (status int, err error)
	clock  clock
	places chan struct{}
	ended  chan struct{}
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	counts SignIns
	times  histogram
}

// crowd begins to sign in; nil: nobody does.
func (r *run) crowd(ctx context.Context) *crowd {
	if r.cfg.SignIns == 0 {
		return nil
	}
	c := &crowd{
		signIn: r.cfg.SignIn, clock: r.clock, places: make(chan struct{},
			inFlight), ended: make(chan struct{}), counts: SignIns{
			PerSecond: r.cfg.SignIns,
		},
	}
	ctx, c.cancel = context.WithCancel(ctx)
	c.wait.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(r.cfg.SignIns))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				c.send(ctx, i)
			case <-c.ended:
				return
			}
		}
	})
	return c
}

// stop lets those under way be answered still, but not for ever, and counts.
func (c *crowd) stop() *SignIns {
	if c == nil {
		return nil
	}
	close(c.ended)
	limit := time.AfterFunc(patience, c.cancel)
	c.wait.Wait()
	limit.Stop()
	c.cancel()
	c.counts.Answer = c.times.times()
	return &c.counts
}

func (c *crowd) send(ctx context.Context, i int) {
	select {
	case c.places <- struct{}{}:
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.counts.Left++
		return
	}
	c.wait.Go(func() {
		defer func() { <-c.places }()
		began := c.clock.now()
		status, err := c.signIn(ctx, i)
		c.answered(status, err, c.clock.now()-began)
	})
}

func (c *crowd) answered(status int, err error, in time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, context.Canceled) {
		c.counts.Left++
		return
	}
	c.counts.Asked++
	switch {
	case err == nil && (status == http.StatusOK || status == http.StatusUnauthorized):
		c.counts.Hashed++
		c.times.add(in)
	case err == nil && status == http.StatusTooManyRequests:
		c.counts.Busy++
	default:
		c.counts.Failed++
	}
}
