package presence

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"
)

// stopped is a clock that is set by hand.
type stopped struct{ at atomic.Int64 }

func (s *stopped) now() time.Time          { return time.Unix(0, s.at.Load()) }
func (s *stopped) forward(d time.Duration) { s.at.Add(int64(d)) }

func stop(p *Presence) *stopped {
	s := &stopped{}
	s.at.Store(time.Now().UnixNano())
	p.limits.clock = s.now
	return s
}

func TestSpend(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		address, account := store.Quota{
			Key: "address", Units: 3, Window: time.Hour,
		}, store.Quota{Key: "account", Units: 5, Window: time.Hour}
		for i := range 3 {
			b, ok := p.Spend(t.Context(), address, account)
			if !ok || b[0].Left != 2-i || b[1].Left != 4-i || b[0].Retry != 0 || b[0].Full <= 0 {
				t.Errorf("%d: %v, %+v", i+1, ok, b)
			}
		}
		for range 2 {
			b, ok := p.Spend(t.Context(), address, account)
			if ok || b[0].Left != 0 || b[0].Retry <= 0 || b[0].Retry > 20*time.Minute ||
				b[1].Left != 2 || b[1].Retry != 0 {
				t.Errorf("beyond: %v, %+v", ok, b)
			}
		}
		if b, ok := p.Check(t.Context(), account); !ok || b[0].Left != 2 {
			t.Errorf("what was refused was taken: %v, %+v", ok, b)
		}
		if _, ok := p.Check(t.Context(), address); ok {
			t.Error("a check finds a unit where there is none")
		}
		if _, ok := p.Peek(address); ok {
			t.Error("a peek finds a unit where there is none")
		}
		if b, ok := p.Spend(t.Context(), store.Quota{Key: "none"}); !ok || b[0].Left == 0 {
			t.Errorf("no quota: %v, %+v", ok, b)
		}
	})
}

func TestSpendComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		q := store.Quota{Key: "somebody", Units: 2, Window: 200 * time.Millisecond}
		for range 2 {
			p.Spend(t.Context(), q)
		}
		eventually(t, "a unit comes back", func() bool {
			_, ok := p.Spend(t.Context(), q)
			return ok
		})
	})
}

// TestSpendIsExact has many processes want the same units.
func TestSpendIsExact(t *testing.T) {
	url := redisServer(t).url
	var all sync.WaitGroup
	var taken atomic.Int32
	for range 4 {
		p := open(t, Config{URL: url})
		for range 20 {
			all.Go(func() {
				if _, ok := p.Spend(t.Context(), store.Quota{
					Key: "shared", Units: 30, Window: 24 * time.Hour,
				}); ok {
					taken.Add(1)
				}
			})
		}
	}
	all.Wait()
	if n := taken.Load(); n != 30 {
		t.Errorf("%d of 30 units were taken", n)
	}
}

// TestSpendWithoutRedis takes Redis away: each process goes on with what it knows, and what was
// used up stays used up.
func TestSpendWithoutRedis(t *testing.T) {
	r := redisServer(t)
	p := open(t, Config{URL: r.url})
	clock := stop(p)
	q := store.Quota{Key: "somebody", Units: 10, Window: time.Hour}
	for range 4 {
		if _, ok := p.Spend(t.Context(), q); !ok {
			t.Fatal("refused")
		}
	}
	r.kill(t)
	for i := range 6 {
		if b, ok := p.Spend(t.Context(), q); !ok || b[0].Left != 5-i {
			t.Errorf("while away, %d: %v, %+v", i+1, ok, b)
		}
	}
	if b, ok := p.Spend(t.Context(), q); ok || b[0].Retry <= 0 {
		t.Errorf("beyond: %v, %+v", ok, b)
	}
	if _, ok := p.Check(t.Context(), q); ok {
		t.Error("a check finds a unit where there is none")
	}
	r.start(t)
	clock.forward(limitRest)
	other := open(t, Config{URL: r.url})
	eventually(t, "Redis counts again", func() bool {
		clock.forward(limitRest)
		p.Spend(t.Context(), store.Quota{Key: "another", Units: 1000, Window: time.Hour})
		b, _ := other.Check(t.Context(), store.Quota{
			Key: "another", Units: 1000, Window: time.Hour,
		})
		return b[0].Left < 1000
	})
}

func TestSpendOfAGoneClient(t *testing.T) {
	p := open(t, Config{URL: redisServer(t).url})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := store.Quota{Key: "gone", Units: 1, Window: time.Hour}
	p.Spend(ctx, q)
	if !p.limits.rest.IsZero() {
		t.Error("a client that went away is taken for Redis being away")
	}
	if _, ok := p.Spend(ctx, q); ok {
		t.Error("who goes away at once has no limit")
	}
}

// TestLimiterIsBounded fills the table with addresses that are all in debt.
func TestLimiterIsBounded(t *testing.T) {
	p := &Presence{limits: newLimiter(nil), own: &server{}, log: slog.New(slog.DiscardHandler)}
	clock := stop(p)
	for i := range 3 * maxBuckets {
		p.Spend(t.Context(), store.Quota{Key: fmt.Sprint(i), Units: 5, Window: time.Hour})
	}
	if n := len(p.limits.full); n > maxBuckets {
		t.Errorf("%d are remembered", n)
	}
	for i := range maxBuckets {
		clock.forward(time.Minute)
		p.Spend(t.Context(), store.Quota{
			Key: fmt.Sprint("later", i), Units: 5, Window: time.Minute,
		})
	}
	if n := len(p.limits.full); n > maxBuckets/2 {
		t.Errorf("%d are remembered, though nearly all are full", n)
	}
}

func BenchmarkSpend(b *testing.B) {
	p, err := Open(Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for b.Loop() {
		p.Spend(b.Context(), store.Quota{Key: "address", Units: 1e9, Window: time.Hour},
			store.Quota{Key: "account", Units: 1e9, Window: time.Hour})
	}
}
