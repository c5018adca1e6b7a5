package load

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	inFlight    = 512             // sign-ins at a time; more are left out, and counted
	signInLimit = 5 * time.Second // for the sign-ins that are still waiting at the end
)

// SignIns counts the sign-ins that were made while everybody spoke.
type SignIns struct {
	PerSecond int   `json:"per_second"`
	Asked     int   `json:"asked"`
	Hashed    int   `json:"hashed"`    // the server compared a password hash
	Busy      int   `json:"busy"`      // status 429
	Failed    int   `json:"failed"`    // any other response, or none
	Left      int   `json:"left_out"`  // not sent, or not waited for at the end
	Answer    Times `json:"answer_ms"` // response time of those that were hashed
}

// signInLoad signs in at a steady rate, independent of the response times, until stop.
type signInLoad struct {
	signIn func(ctx context.Context, i int) (status int, err error)
	clock  clock
	slots  chan struct{} // limits the sign-ins in flight
	ended  chan struct{}
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	counts SignIns
	times  histogram
}

// startSignIns starts to sign in. It returns nil, which has a stop method too, if there are no
// sign-ins.
func (r *run) startSignIns(ctx context.Context) *signInLoad {
	if r.cfg.SignIns == 0 {
		return nil
	}
	c := &signInLoad{
		signIn: r.cfg.SignIn, clock: r.clock, slots: make(chan struct{}, inFlight),
		ended: make(chan struct{}), counts: SignIns{PerSecond: r.cfg.SignIns},
	}
	ctx, c.cancel = context.WithCancel(ctx)
	c.tasks.Go(func() {
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

// stop waits for the sign-ins in flight, for signInLimit at most, and returns the counts.
func (c *signInLoad) stop() *SignIns {
	if c == nil {
		return nil
	}
	close(c.ended)
	limit := time.AfterFunc(signInLimit, c.cancel)
	c.tasks.Wait()
	limit.Stop()
	c.cancel()
	c.counts.Answer = c.times.times()
	return &c.counts
}

func (c *signInLoad) send(ctx context.Context, i int) {
	select {
	case c.slots <- struct{}{}:
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.counts.Left++
		return
	}
	c.tasks.Go(func() {
		defer func() { <-c.slots }()
		began := c.clock.now()
		status, err := c.signIn(ctx, i)
		c.answered(status, err, c.clock.now()-began)
	})
}

func (c *signInLoad) answered(status int, err error, in time.Duration) {
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
