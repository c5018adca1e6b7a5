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

// sessionChannel is the Redis channel of session events.
const sessionChannel = "bedside:sessions"

// pingAfter is how long a subscription may receive nothing before it is pinged. When the ping gets
// no response for as long again, the connection counts as lost.
const pingAfter = 5 * time.Second

// PublishSessionEvent sends an event to the subscribers in all processes, including this one.
// After an error it retries in the background for a minute.
func (p *Presence) PublishSessionEvent(ctx context.Context, e store.SessionEvent) error {
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("session event: %w", err)
	}
	publish := func(ctx context.Context) error {
		return p.client.Publish(ctx, sessionChannel, b).Err()
	}
	err = p.do(ctx, publish)
	if err != nil {
		// Other processes may still reach Redis, and so trust what they remember.
		p.done.Go(func() {
			for range publishRetries {
				if !p.sleep(time.Second) || p.do(context.Background(), publish) == nil {
					return
				}
			}
		})
	}
	return err
}

// publishRetries is how often publishing an event is retried, one second apart. Together they take
// longer than any process remembers a session.
const publishRetries = 60

// SubscribeSessionEvents calls event for every published session event, and link whenever the
// connection to Redis is made or lost. Events that are published while it is lost are not
// delivered. One goroutine makes both calls, until Close.
func (p *Presence) SubscribeSessionEvents(event func(store.SessionEvent), link func(up bool)) {
	ctx, cancel := context.WithCancel(context.Background())
	subscription := p.client.Subscribe(ctx, sessionChannel)
	p.done.Go(func() {
		<-p.stop
		cancel()
		_ = subscription.Close() // nobody reads from it any more
	})
	p.done.Go(func() {
		for up, pinged := false, false; ; {
			m, err := subscription.ReceiveTimeout(ctx, pingAfter)
			var netErr net.Error
			switch {
			case ctx.Err() != nil:
				return
			case up && !pinged && errors.As(err, &netErr) && netErr.Timeout():
				pinged = true
				err = subscription.Ping(ctx)
				if err == nil {
					continue
				}
			}
			if err != nil {
				if up {
					p.log.Warn(
						"lost the subscription to session events; each request asks the database",
						"error", err)
					up = false
					link(false)
				}
				pinged = false
				if !p.sleep(time.Second) {
					return
				}
				// If Redis was only paused, the connection still works and answers this ping,
				// which the next ReceiveTimeout returns.
				_ = subscription.Ping(ctx)
				continue
			}
			pinged = false
			// Any message shows that the connection works. A new subscription means that events
			// were lost in between.
			if _, made := m.(*redis.Subscription); made || !up {
				up = true
				link(true)
			}
			if m, ok := m.(*redis.Message); ok {
				var e store.SessionEvent
				if err := json.Unmarshal([]byte(m.Payload), &e); err != nil {
					p.log.Warn("received a session event that cannot be read", "error", err)
					continue
				}
				event(e)
			}
		}
	})
}

// sleep waits, and returns false early when the Presence is closed.
func (p *Presence) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.stop:
		return false
	}
}
