// Package presence keeps what is true for a while and may be lost without losing a record: who is
// in which room, tickets that were used, how often somebody tried. It speaks Redis, to a server
// of its own inside the process when no address is given.
package presence

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"bedside/store"

	"github.com/redis/go-redis/v9"
)

// Config configures a Presence. A zero field means the value in Defaults.
type Config struct {
	URL string `key:"store.redis_url" env:"REDIS_URL" doc:"Redis, such as redis://, rediss:// or unix://; empty: a compatible server inside the process" secret:"true"`

	Timeout time.Duration // time limit of one call
	// Refresh is the interval at which the rooms of this process are published again. A room
	// expires after three intervals.
	Refresh time.Duration
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{Timeout: time.Second, Refresh: 20 * time.Second} }

// Presence is safe for concurrent use; whoever opened it closes it. Calls fail with
// store.ErrUnavailable while Redis is away.
type Presence struct {
	client  *redis.Client
	own     *server // nil when Redis is remote
	timeout time.Duration
	ttl     time.Duration
	log     *slog.Logger

	mu    sync.Mutex
	rooms map[string]store.RoomInfo // rooms that this process keeps; guarded by mu

	limits *limiter

	stop chan struct{}
	done sync.WaitGroup // the refresher
}

// Open connects, or starts the server inside the process. It does not wait for a remote Redis:
// Ping tells whether it is there.
func Open(cfg Config, log *slog.Logger) (*Presence, error) {
	p := &Presence{
		timeout: cmp.Or(cfg.Timeout, Defaults().Timeout), log: log,
		rooms: map[string]store.RoomInfo{}, limits: newLimiter(time.Now), stop: make(chan struct{}),
	}
	refresh := cmp.Or(cfg.Refresh, Defaults().Refresh)
	p.ttl = 3 * refresh
	options := &redis.Options{}
	if cfg.URL == "" {
		own, err := startServer()
		if err != nil {
			return nil, fmt.Errorf("presence: Redis inside the process: %w", err)
		}
		p.own, options = own, own.options()
	} else {
		var err error
		if options, err = redis.ParseURL(cfg.URL); err != nil {
			// the cause would show the password
			return nil, errors.New("the Redis address is not of the form redis://user:password@host:port/0")
		}
	}
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = p.timeout, p.timeout, p.timeout
	options.MaxRetries = 1
	options.DisableIdentity = true
	p.client = redis.NewClient(options)
	p.done.Go(func() { p.refresh(refresh) })
	return p, nil
}

// Close forgets the rooms of this process and disconnects.
func (p *Presence) Close() error {
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	left := slices.Collect(maps.Keys(p.rooms))
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	for _, id := range left {
		if err := p.RoomClosed(ctx, id); err != nil {
			p.log.Warn("a room could not be taken from the list; it lapses by itself", "room", id,
				"error", err)
			break
		}
	}
	err := p.client.Close()
	if p.own != nil {
		p.own.close()
	}
	return err
}

// Ping reports whether Redis answers.
func (p *Presence) Ping(ctx context.Context) error {
	return p.do(ctx, func(ctx context.Context) error { return p.client.Ping(ctx).Err() })
}

// do bounds a call and gives its errors a sentinel.
func (p *Presence) do(ctx context.Context, call func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	err := call(limited)
	var fault redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return store.ErrNotFound
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &fault) && !redis.HasErrorPrefix(err, "LOADING") &&
		!redis.HasErrorPrefix(err, "READONLY"):
		return fmt.Errorf("presence: Redis: %w", err)
	}
	return fmt.Errorf("presence: Redis is %w: %w", store.ErrUnavailable, err)
}

// A ticket's or limit's key is kept only for as long as it matters; rooms lapse unless they are
// told again.
const (
	ticketKey = "bedside:ticket:"
	limitKey  = "bedside:limit:"
	roomKey   = "bedside:room:"
	roomIndex = "bedside:rooms" // sorted set of room ids by when they lapse, in Unix milliseconds
)

// UseTicket marks a ticket as used until it expires. store.ErrReused: somebody used it before.
func (p *Presence) UseTicket(ctx context.Context, id string, ttl time.Duration) error {
	return p.do(ctx, func(ctx context.Context) error {
		err := p.client.SetArgs(ctx, ticketKey+id, 1, redis.SetArgs{
			Mode: "NX", TTL: max(ttl, time.Millisecond),
		}).Err()
		if errors.Is(err, redis.Nil) {
			return fmt.Errorf("the ticket was %w", store.ErrReused)
		}
		return err
	})
}

// RoomOpened tells that this process keeps a room; it is told again by itself until RoomClosed.
func (p *Presence) RoomOpened(ctx context.Context,
	r store.RoomInfo) error {
	return p.keep(ctx, r)
}

// RoomUpdated tells how a room has changed.
func (p *Presence) RoomUpdated(ctx context.Context,
	r store.RoomInfo) error {
	return p.keep(ctx, r)
}

func (p *Presence) keep(ctx context.Context, r store.RoomInfo) error {
	p.mu.Lock()
	p.rooms[r.ID] = r
	p.mu.Unlock()
	return p.tell(ctx, r)
}

// RoomClosed tells that a room is no more.
func (p *Presence) RoomClosed(ctx context.Context, id string) error {
	p.mu.Lock()
	delete(p.rooms, id)
	p.mu.Unlock()
	return p.do(ctx, func(ctx context.Context) error {
		_, err := p.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Del(ctx, roomKey+id)
			pipe.ZRem(ctx, roomIndex, id)
			return nil
		})
		return err
	})
}

// Room finds an open room. store.ErrNotFound: nobody keeps it.
func (p *Presence) Room(ctx context.Context, id string) (r store.RoomInfo, err error) {
	var b []byte
	err = p.do(ctx, func(ctx context.Context) (err error) {
		b, err = p.client.Get(ctx, roomKey+id).Bytes()
		return err
	})
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("room %s: %w", id, err)
	}
	return r, nil
}

// maxRooms bounds a list.
const maxRooms = 500

// Rooms lists the open rooms, those that were opened first in front.
func (p *Presence) Rooms(ctx context.Context) (list []store.RoomInfo, err error) {
	var values []any
	err = p.do(ctx, func(ctx context.Context) error {
		ids, err := p.client.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: roomIndex, Start: 0, Stop: maxRooms - 1,
		}).Result()
		if err != nil || len(ids) == 0 {
			return err
		}
		for i := range ids {
			ids[i] = roomKey + ids[i]
		}
		values, err = p.client.MGet(ctx, ids...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	list = []store.RoomInfo{}
	for _, v := range values {
		text, ok := v.(string)
		if !ok {
			continue // it has lapsed
		}
		var r store.RoomInfo
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("rooms: %w", err)
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b store.RoomInfo) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// tell writes a room and sweeps the index of rooms that have lapsed.
func (p *Presence) tell(ctx context.Context, r store.RoomInfo) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("room %s: %w", r.ID, err)
	}
	now := time.Now()
	return p.do(ctx, func(ctx context.Context) error {
		_, err := p.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, roomKey+r.ID, b, p.ttl)
			pipe.ZAdd(ctx, roomIndex, redis.Z{
				Score: float64(now.Add(p.ttl).UnixMilli()), Member: r.ID,
			})
			pipe.ZRemRangeByScore(ctx, roomIndex, "-inf", fmt.Sprint(now.UnixMilli()))
			return nil
		})
		return err
	})
}

// refresh tells this process's rooms again, so that they outlive a restart of Redis.
func (p *Presence) refresh(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
		p.mu.Lock()
		rooms := slices.Collect(maps.Values(p.rooms))
		p.mu.Unlock()
		for _, r := range rooms {
			if err := p.tellAgain(r); err != nil {
				p.log.Warn("rooms could not be told again", "rooms", len(rooms), "error", err)
				break
			}
		}
	}
}

func (p *Presence) tellAgain(r store.RoomInfo) error {
	p.mu.Lock()
	defer p.mu.Unlock() // so that a room closed meanwhile does not come back
	now, kept := p.rooms[r.ID]
	if !kept {
		return nil
	}
	return p.tell(context.Background(), now)
}
