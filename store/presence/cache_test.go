package presence

import (
	"errors"
	"testing"
	"time"

	"bedside/store"
)

func TestCache(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		ctx := t.Context()
		if _, err := p.CacheGet(ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an entry that is not there: %v", err)
		}
		if err := p.CacheSet(ctx, "a", []byte("1"), time.Minute); err != nil {
			t.Fatal(err)
		}
		if v, err := p.CacheGet(ctx, "a"); err != nil || string(v) != "1" {
			t.Errorf("%q, %v", v, err)
		}
		done, ok, err := p.CacheLock(ctx, "a", time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, ok, err := p.CacheLock(ctx, "a", time.Minute); ok || err != nil {
			t.Errorf("a second loader: %v, %v", ok, err)
		}
		done()
		again, ok, err := p.CacheLock(ctx, "a", time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		done() // no longer its lock
		if _, ok, _ := p.CacheLock(ctx, "a", time.Minute); ok {
			t.Error("a loader has released another one's lock")
		}
		again()
	})
}

func TestCacheWithoutRedis(t *testing.T) {
	r := redisServer(t)
	p := open(t, Config{URL: r.url})
	r.kill(t)
	defer r.start(t) // the test's end stops it
	if _, err := p.CacheGet(t.Context(), "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
