package scenarios

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"bedside/store"
	"bedside/store/wait"

	"golang.org/x/sync/singleflight"
)

// Cache keeps answers for a while, for all nodes. store/presence implements it.
type Cache interface {
	// CacheGet returns store.ErrNotFound when there is nothing.
	CacheGet(ctx context.Context, key string) ([]byte, error)
	CacheSet(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// CacheLock reports whether the caller is the one that loads what belongs to a key, of all
	// nodes, until it calls done or the time is over.
	CacheLock(ctx context.Context, key string, ttl time.Duration) (done func(), ok bool, err error)
}

// cacheFormat is part of each key and ETag. Raise it when an answer changes its form, so that
// nobody gets what another release has kept.
const cacheFormat = 1

const (
	cacheTTL     = 5 * time.Minute
	cacheTimeout = 250 * time.Millisecond // of one call
	// cachePause is how long the cache is not asked after it has not answered.
	cachePause   = time.Second
	loadTimeout  = 5 * time.Second       // of a load, and of the lock meanwhile
	loadInterval = 20 * time.Millisecond // at which a node looks for what another one loads
	loadPatience = time.Second           // of a node with one that loads, which may have died
)

// loader reads the catalogue through the cache. What is missing is loaded once at a time: those
// who ask for the same meanwhile wait for it, in this process and on other nodes. Without a cache,
// or while it does not answer, each process loads by itself. It is safe for concurrent use.
//
// Keys contain the generation of the catalogue, which changes in the transaction of each change.
// So what is cached is never out of date, on any node, and nothing has to be removed.
type loader struct {
	cache   Cache // may be nil
	flights singleflight.Group
	pause   atomic.Int64 // the cache is not asked before this time, in Unix nanoseconds
}

// through returns what belongs to the parts of a key, from the cache or by load. The result is the
// caller's own.
func through[T any](ctx context.Context, l *loader, load func(context.Context) (T, error),
	parts ...any) (v T, err error) {
	b, err := json.Marshal(append([]any{cacheFormat}, parts...))
	if err != nil {
		return v, err
	}
	sum := sha256.Sum256(b)
	key := hex.EncodeToString(sum[:])
	flight := l.flights.DoChan(key, func() (any, error) {
		// The others want it also when the first one has left.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return l.find(ctx, key, func() ([]byte, error) {
			v, err := load(ctx)
			if err != nil {
				return nil, err
			}
			return json.Marshal(v)
		})
	})
	select {
	case <-ctx.Done():
		return v, context.Cause(ctx)
	case r := <-flight:
		if r.Err != nil {
			return v, r.Err
		}
		if json.Unmarshal(r.Val.([]byte), &v) == nil {
			return v, nil
		}
	}
	// What was kept is damaged.
	if v, err = load(ctx); err != nil {
		return v, err
	}
	if b, err = json.Marshal(v); err == nil && l.cache != nil {
		l.keep(ctx, key, b)
	}
	return v, err
}

// find returns the cached value, waits for the node that loads it, or loads it.
func (l *loader) find(ctx context.Context, key string, load func() ([]byte, error)) ([]byte,
	error) {
	for since := time.Now(); ; {
		if l.cache == nil || time.Now().UnixNano() < l.pause.Load() {
			return load()
		}
		value, err := l.get(ctx, key)
		if err == nil {
			return value, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			continue // the cache is not asked now
		}
		done, mine, err := l.lock(ctx, key)
		switch {
		case err != nil:
			continue
		case mine:
			defer done()
			return l.fill(ctx, key, load)
		case time.Since(since) >= loadPatience:
			return l.fill(ctx, key, load)
		}
		if err := wait.For(ctx, loadInterval); err != nil {
			return nil, err
		}
	}
}

// fill loads a value and keeps it, unless another node did so just before this one had the lock.
func (l *loader) fill(ctx context.Context, key string, load func() ([]byte, error)) ([]byte,
	error) {
	if value, err := l.get(ctx, key); err == nil {
		return value, nil
	}
	value, err := load()
	if err == nil {
		l.keep(ctx, key, value)
	}
	return value, err
}

// keep puts a value into the cache if that answers.
func (l *loader) keep(ctx context.Context, key string, value []byte) {
	_ = l.ask(ctx, func(ctx context.Context) error {
		return l.cache.CacheSet(ctx, key, value, cacheTTL)
	})
}

func (l *loader) get(ctx context.Context, key string) (value []byte, err error) {
	err = l.ask(ctx, func(ctx context.Context) (err error) {
		value, err = l.cache.CacheGet(ctx, key)
		return err
	})
	return value, err
}

func (l *loader) lock(ctx context.Context, key string) (done func(), ok bool, err error) {
	err = l.ask(ctx, func(ctx context.Context) (err error) {
		done, ok, err = l.cache.CacheLock(ctx, key, loadTimeout)
		return err
	})
	return done, ok, err
}

// ask calls the cache, and leaves it alone for a moment when it does not answer.
func (l *loader) ask(ctx context.Context, call func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	err := call(limited)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		l.pause.Store(time.Now().Add(cachePause).UnixNano())
	}
	return err
}
