package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"bedside/store"

	"github.com/redis/go-redis/v9"
)

// sessionChannel carries what other processes must hear about sessions at once.
const sessionChannel = "bedside:sessions"

// quiet is for how long a subscription may say nothing before it is asked whether it lives; as
// long again and it is taken as dead.
const quiet = 5 * time.Second

// PublishSessionEvent tells every process that follows, this one included, what has become of sessions.
// After an error it goes on trying for a minute.
func (p *Presence) PublishSessionEvent(ctx context.Context, n store.SessionEvent) error {
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("session news: %w", err)
	}
	publish := func(ctx context.Context) error {
		return p.client.Publish(ctx, sessionChannel, b).Err()
	}
	err = p.do(ctx, publish)
	if err != nil {
		p.done.Go(func() { // others may hear Redis well, and believe what is stale
			for range newsTries {
				if !p.rest(time.Second) || p.do(context.Background(), publish) == nil {
					return
				}
			}
		})
	}
	return err
}

// newsTries is how often news that Redis did not take are offered again, a second apart: for
// longer than sessions are remembered.
const newsTries = 60

// SubscribeSessionEvents calls told with everything that PublishSessionEvent tells, and link whenever the
// connection that it comes by is made or lost: what is told while it is lost does not come. Both
// are called by one goroutine, until Close.
func (p *Presence) SubscribeSessionEvents(told func(store.SessionEvent), link func(up bool)) {
	ctx, cancel := context.WithCancel(context.Background())
	subscription := p.client.Subscribe(ctx, sessionChannel)
	p.done.Go(func() {
		<-p.stop
		cancel()
		_ = subscription.Close() // nothing is read from it any more
	})
	p.done.Go(func() {
		for up, asked := false, false; ; {
			m, err := subscription.ReceiveTimeout(ctx, quiet)
			var slow net.Error
			switch {
			case ctx.Err() != nil:
				return
			case up && !asked && errors.As(err, &slow) && slow.Timeout():
				asked = true
				err = subscription.Ping(ctx)
				if err == nil {
					continue
				}
			}
			if err != nil {
				if up {
					p.log.Warn(
						"news about sessions do not come from Redis; the database is asked each time",
						"error", err)
					up = false
					link(false)
				}
				asked = false
				if !p.rest(time.Second) {
					return
				}
				// a connection that only stood still answers, which the next receipt tells
				_ = subscription.Ping(ctx)
				continue
			}
			asked = false
			// what was told before did not come
			if _, made := m.(*redis.Subscription); made || !up {
				up = true
				link(true)
			}
			if m, ok := m.(*redis.Message); ok {
				var n store.SessionEvent
				if err := json.Unmarshal([]byte(m.Payload), &n); err != nil {
					p.log.Warn("news about sessions cannot be read", "error", err)
					continue
				}
				told(n)
			}
		}
	})
}

// rest waits; false when Presence is being closed.
func (p *Presence) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.stop:
		return false
	}
}
