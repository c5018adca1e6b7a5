package presence

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	cacheKey = "bedside:cache:"
	loadKey  = "bedside:load:"
)

// releaseScript deletes a key whose value is the holder's token.
const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

// CacheGet returns what CacheSet has kept, or store.ErrNotFound.
func (p *Presence) CacheGet(ctx context.Context, key string) (value []byte, err error) {
	err = p.do(ctx, func(ctx context.Context) (err error) {
		value, err = p.client.Get(ctx, cacheKey+key).Bytes()
		return err
	})
	return value, err
}

// CacheSet keeps a value for a while. Redis may forget it at any time.
func (p *Presence) CacheSet(ctx context.Context, key string, value []byte,
	ttl time.Duration) error {
	return p.do(ctx, func(ctx context.Context) error {
		return p.client.Set(ctx, cacheKey+key, value, ttl).Err()
	})
}

// CacheLock reports whether the caller is the one that loads what belongs to a key, of all
// processes, until it calls done or the time is over.
func (p *Presence) CacheLock(ctx context.Context, key string, ttl time.Duration) (done func(),
	ok bool, err error) {
	token := rand.Text()
	err = p.do(ctx, func(ctx context.Context) error {
		err := p.client.SetArgs(ctx, loadKey+key, token, redis.SetArgs{
			Mode: "NX", TTL: ttl,
		}).Err()
		ok = err == nil
		if errors.Is(err, redis.Nil) {
			return nil
		}
		return err
	})
	if err != nil || !ok {
		return nil, false, err
	}
	return func() {
		// Otherwise the lock ends by itself.
		_ = p.do(context.WithoutCancel(ctx), func(ctx context.Context) error {
			return p.client.Eval(ctx, releaseScript, []string{loadKey + key}, token).Err()
		})
	}, true, nil
}
