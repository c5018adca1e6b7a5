package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bedside/store"
)

// fakeCache is a Cache that several loaders share, as nodes share Redis.
type fakeCache struct {
	mu     sync.Mutex
	values map[string][]byte
	locked map[string]bool
	down   bool
	stuck  bool // another node has every lock and never releases one
	calls  int
}

func newFakeCache() *fakeCache {
	return &fakeCache{values: map[string][]byte{}, locked: map[string]bool{}}
}

func (f *fakeCache) begin() (unlock func(), err error) {
	f.mu.Lock()
	f.calls++
	if f.down {
		err = fmt.Errorf("redis: %w", store.ErrUnavailable)
	}
	return f.mu.Unlock, err
}

func (f *fakeCache) CacheGet(_ context.Context, key string) ([]byte, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return nil, err
	}
	if v, ok := f.values[key]; ok {
		return v, nil
	}
	return nil, store.ErrNotFound
}

func (f *fakeCache) CacheSet(_ context.Context, key string, v []byte, _ time.Duration) error {
	unlock, err := f.begin()
	defer unlock()
	if err == nil {
		f.values[key] = v
	}
	return err
}

func (f *fakeCache) CacheLock(_ context.Context, key string, _ time.Duration) (func(), bool,
	error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil || f.stuck || f.locked[key] {
		return nil, false, err
	}
	f.locked[key] = true
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.locked, key)
	}, true, nil
}

// TestOneLoadForManyReaders has 100 readers on each of three nodes ask for the same at once.
func TestOneLoadForManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := newFakeCache()
		var loads atomic.Int32
		for range 3 {
			node := &loader{cache: cache}
			for range 100 {
				go func() {
					v, err := through(t.Context(), node, func(context.Context) (string, error) {
						loads.Add(1)
						time.Sleep(loadPatience / 2) // of the fake clock
						return "the catalogue", nil
					}, "page", "1-token")
					if v != "the catalogue" || err != nil {
						t.Errorf("%q, %v", v, err)
					}
				}()
			}
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if loads.Load() != 1 {
			t.Errorf("%d loads", loads.Load())
		}
	})
}

// TestNextNodeLoadsAfterAFailure checks that a node whose load fails keeps no other from loading.
func TestNextNodeLoadsAfterAFailure(t *testing.T) {
	cache := newFakeCache()
	fails := errors.New("a failure")
	_, err := through(t.Context(), &loader{cache: cache},
		func(context.Context) (int, error) { return 0, fails }, "page")
	if !errors.Is(err, fails) {
		t.Errorf("error %v", err)
	}
	v, err := through(t.Context(), &loader{cache: cache},
		func(context.Context) (int, error) { return 7, nil }, "page")
	if v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}

func TestReaderWhoLeavesTakesNothingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, loads := &loader{}, atomic.Int32{}
		load := func(ctx context.Context) (string, error) {
			loads.Add(1)
			time.Sleep(time.Second)
			return "the catalogue", ctx.Err()
		}
		first, leave := context.WithCancel(t.Context())
		go func() {
			if _, err := through(first, l, load, "page"); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		}()
		synctest.Wait()
		go func() {
			if v, err := through(t.Context(), l, load, "page"); v == "" || err != nil {
				t.Errorf("%q, %v", v, err)
			}
		}()
		synctest.Wait()
		leave()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if loads.Load() != 1 {
			t.Errorf("%d loads", loads.Load())
		}
	})
}

func TestCatalogueWithoutRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := newFakeCache()
		cache.down = true
		l, loads := &loader{cache: cache}, 0
		read := func() {
			t.Helper()
			if v, err := through(t.Context(), l, func(context.Context) (int, error) {
				loads++
				return 7, nil
			}, "page"); v != 7 || err != nil {
				t.Errorf("%d, %v", v, err)
			}
		}
		for range 10 {
			read()
		}
		if cache.calls != 1 || loads != 10 {
			t.Errorf("%d calls of a cache that is down, %d loads", cache.calls, loads)
		}
		cache.down = false
		time.Sleep(cachePause)
		read()
		read()
		if loads != 11 {
			t.Errorf("%d loads after the cache has come back", loads)
		}
	})
}

// TestNodeThatDiesWhileItLoads checks that others wait for it a second, not as long as its lock.
func TestNodeThatDiesWhileItLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := newFakeCache()
		cache.stuck = true
		begun := time.Now()
		v, err := through(t.Context(), &loader{cache: cache},
			func(context.Context) (int, error) { return 7, nil }, "page")
		if waited := time.Since(begun); v != 7 || err != nil || waited > 2*loadPatience {
			t.Errorf("%d, %v after %v", v, err, waited)
		}
		if len(cache.values) != 1 {
			t.Errorf("%d values are kept", len(cache.values))
		}
	})
}

func TestDamagedEntryIsLoadedAgain(t *testing.T) {
	cache, loads := newFakeCache(), 0
	for range 3 {
		v, err := through(t.Context(), &loader{cache: cache}, func(context.Context) (int, error) {
			loads++
			return 7, nil
		}, "page")
		if v != 7 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
		if loads == 1 {
			for key := range cache.values {
				cache.values[key] = []byte(`{"half`)
			}
		}
	}
	if loads != 2 {
		t.Errorf("%d loads", loads)
	}
}
