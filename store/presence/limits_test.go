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

// manualClock is a clock that a test sets.
type manualClock struct{ at atomic.Int64 }

func (c *manualClock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *manualClock) forward(d time.Duration) { c.at.Add(int64(d)) }

// setClock makes p use a manual clock for its limits.
func setClock(p *Presence) *manualClock {
	c := &manualClock{}
	c.at.Store(time.Now().UnixNano())
	p.limits.clock = c.now
	return c
}

func TestSpendCountsEachQuota(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		address := store.Quota{Key: "address", Units: 3, Window: time.Hour}
		account := store.Quota{Key: "account", Units: 5, Window: time.Hour}
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
				t.Errorf("over the limit: %v, %+v", ok, b)
			}
		}
		if b, ok := p.Check(t.Context(), account); !ok || b[0].Left != 2 {
			t.Errorf("a refused request spent a unit: %v, %+v", ok, b)
		}
		if _, ok := p.Check(t.Context(), address); ok {
			t.Error("Check succeeds without a unit left")
		}
		if _, ok := p.Peek(address); ok {
			t.Error("Peek succeeds without a unit left")
		}
		if b, ok := p.Spend(t.Context(), store.Quota{Key: "none"}); !ok || b[0].Left == 0 {
			t.Errorf("no quota: %v, %+v", ok, b)
		}
	})
}

func TestUnitsComeBack(t *testing.T) {
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

// TestSpendIsExactAcrossProcesses spends one quota through several clients at once.
func TestSpendIsExactAcrossProcesses(t *testing.T) {
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
		t.Errorf("%d of 30 units were spent", n)
	}
}

// TestSpendWithoutRedis stops Redis: the process continues with what it remembers, and a used-up
// quota stays used up.
func TestSpendWithoutRedis(t *testing.T) {
	r := redisServer(t)
	p := open(t, Config{URL: r.url})
	clock := setClock(p)
	q := store.Quota{Key: "somebody", Units: 10, Window: time.Hour}
	for range 4 {
		if _, ok := p.Spend(t.Context(), q); !ok {
			t.Fatal("refused")
		}
	}
	r.kill(t)
	for i := range 6 {
		if b, ok := p.Spend(t.Context(), q); !ok || b[0].Left != 5-i {
			t.Errorf("without Redis, %d: %v, %+v", i+1, ok, b)
		}
	}
	if b, ok := p.Spend(t.Context(), q); ok || b[0].Retry <= 0 {
		t.Errorf("over the limit: %v, %+v", ok, b)
	}
	if _, ok := p.Check(t.Context(), q); ok {
		t.Error("Check succeeds without a unit left")
	}
	r.start(t)
	clock.forward(limitPause)
	other := open(t, Config{URL: r.url})
	eventually(t, "Redis counts again", func() bool {
		clock.forward(limitPause)
		p.Spend(t.Context(), store.Quota{Key: "another", Units: 1000, Window: time.Hour})
		b, _ := other.Check(t.Context(), store.Quota{
			Key: "another", Units: 1000, Window: time.Hour,
		})
		return b[0].Left < 1000
	})
}

func TestCancelledRequestIsLimited(t *testing.T) {
	p := open(t, Config{URL: redisServer(t).url})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := store.Quota{Key: "gone", Units: 1, Window: time.Hour}
	p.Spend(ctx, q)
	if !p.limits.pauseUntil.IsZero() {
		t.Error("a cancelled request counts as an outage of Redis")
	}
	if _, ok := p.Spend(ctx, q); ok {
		t.Error("cancelled requests are not limited")
	}
}

// TestLimiterMemoryIsBounded spends far more quotas than the limiter may remember.
func TestLimiterMemoryIsBounded(t *testing.T) {
	p := &Presence{limits: newLimiter(nil), local: &server{}, log: slog.New(slog.DiscardHandler)}
	clock := setClock(p)
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
		t.Errorf("%d are remembered, though nearly all have expired", n)
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

func TestReturnGivesAUnitBack(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		address := store.Quota{Key: "address", Units: 2, Window: time.Hour}
		account := store.Quota{Key: "account", Units: 5, Window: time.Hour}
		for range 20 {
			if _, ok := p.Spend(t.Context(), address, account); !ok {
				t.Fatal("a unit that was given back is missing")
			}
			p.Return(t.Context(), address, account)
		}
		p.Return(t.Context(), address, account) // never gives more than there are units
		for i := range 2 {
			if b, ok := p.Spend(t.Context(), address, account); !ok || b[0].Left != 1-i ||
				b[1].Left != 4-i {
				t.Errorf("%d: %v, %+v", i+1, ok, b)
			}
		}
		if _, ok := p.Spend(t.Context(), address, account); ok {
			t.Error("more units were given back than spent")
		}
	})
}
