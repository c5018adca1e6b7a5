// Package presence stores short-lived state that the processes of a server share: which media
// nodes there are (Node), which of them has the lease of which room, which rooms are open and who
// is in them, which tickets were used, and how much of each quota was used. It also carries
// session events between the processes. The state is in Redis. When no address is configured, a
// Redis-compatible server runs inside the process. Losing the state loses no record: nodes, leases
// and rooms are published again, and quotas start afresh.
//
// Example: the process that holds a room calls RoomOpened, and RoomUpdated at every change. Any
// process can then list it (Rooms) for tutors. The entry expires unless it is published again,
// which happens automatically until RoomClosed. So the rooms of a process that crashed disappear
// within a minute.
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

// Presence is a client of Redis. It is safe for concurrent use. The caller of Open closes it.
// Except for those of quotas, calls return store.ErrUnavailable while Redis does not answer.
type Presence struct {
	client  *redis.Client
	local   *server // the server inside the process; nil when Redis is remote
	timeout time.Duration
	ttl     time.Duration
	log     *slog.Logger

	mu    sync.Mutex
	rooms map[string]store.RoomInfo // the open rooms of this process; guarded by mu

	limits  *limiter
	scripts scripts
	placed  placements

	stop chan struct{}
	done sync.WaitGroup // every goroutine of the Presence
}

// Open returns a client of cfg.URL, or starts the server inside the process. It does not connect
// to a remote Redis yet: Ping reports whether it answers.
func Open(cfg Config, log *slog.Logger) (*Presence, error) {
	p := &Presence{
		timeout: cmp.Or(cfg.Timeout, Defaults().Timeout), log: log,
		rooms: map[string]store.RoomInfo{}, limits: newLimiter(time.Now),
		scripts: newScripts(), stop: make(chan struct{}),
	}
	refresh := cmp.Or(cfg.Refresh, Defaults().Refresh)
	p.ttl = 3 * refresh
	options := &redis.Options{}
	if cfg.URL == "" {
		local, err := startServer()
		if err != nil {
			return nil, fmt.Errorf("presence: Redis inside the process: %w", err)
		}
		p.local, options = local, local.options()
	} else {
		var err error
		if options, err = redis.ParseURL(cfg.URL); err != nil {
			// The cause would contain the password.
			return nil, errors.New(
				"the Redis address is not of the form redis://user:password@host:port/0")
		}
	}
	options.ContextTimeoutEnabled = true
	options.DialTimeout = p.timeout
	options.ReadTimeout, options.WriteTimeout = p.timeout, p.timeout
	options.MaxRetries = 1
	options.DisableIdentity = true
	p.client = redis.NewClient(options)
	p.done.Go(func() { p.refresh(refresh) })
	return p, nil
}

// Close removes the rooms of this process and disconnects.
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
			p.log.Warn("could not remove a room, which will expire by itself", "room", id,
				"error", err)
			break
		}
	}
	err := p.client.Close()
	if p.local != nil {
		p.local.close()
	}
	return err
}

// Ping writes a key. It returns store.ErrUnavailable when Redis does not answer, and an error when
// it refuses the write, for example because its memory is full.
func (p *Presence) Ping(ctx context.Context) error {
	return p.do(ctx, func(ctx context.Context) error {
		return p.client.Set(ctx, healthKey, 1, time.Minute).Err()
	})
}

// do runs a call with the configured timeout, and wraps its error in a sentinel.
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

// Prefixes of keys. Every key expires: tickets and quotas when they no longer matter, rooms unless
// they are published again.
const (
	ticketKey = "bedside:ticket:"
	limitKey  = "bedside:limit:"
	roomKey   = "bedside:room:"
	healthKey = "bedside:health"
	roomIndex = "bedside:rooms" // sorted set of room ids by their expiry, in Unix milliseconds
)

// UseTicket marks a ticket as used, for the rest of its validity (ttl). It returns store.ErrReused
// when the ticket was used before.
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

// RoomOpened publishes a room of this process. Presence publishes it again at regular intervals
// until RoomClosed, also when this call returns an error.
func (p *Presence) RoomOpened(ctx context.Context, r store.RoomInfo) error {
	return p.setRoom(ctx, r)
}

// RoomUpdated publishes the new state of a room of this process.
func (p *Presence) RoomUpdated(ctx context.Context, r store.RoomInfo) error {
	return p.setRoom(ctx, r)
}

func (p *Presence) setRoom(ctx context.Context, r store.RoomInfo) error {
	p.remember(r)
	return p.publishRoom(ctx, r)
}

// remember makes refresh publish a room again.
func (p *Presence) remember(r store.RoomInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rooms[r.ID] = r
}

// RoomClosed removes a room of this process.
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

// Room returns an open room, or store.ErrNotFound.
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

// maxRooms is the length limit of the list that Rooms returns.
const maxRooms = 500

// Rooms returns the open rooms of all processes, oldest first.
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
			continue // expired
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

// publishRoom writes a room, and removes expired rooms from the index.
func (p *Presence) publishRoom(ctx context.Context, r store.RoomInfo) error {
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

// refresh publishes the rooms of this process again at an interval, before they expire. So they
// also come back after a restart of Redis. It runs in a goroutine of its own until Close.
func (p *Presence) refresh(interval time.Duration) {
	tick := time.NewTicker(interval)
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
			if err := p.republish(r); err != nil {
				p.log.Warn("could not publish the rooms again", "rooms", len(rooms), "error", err)
				break
			}
		}
	}
}

// republish publishes a room unless it was closed meanwhile.
func (p *Presence) republish(r store.RoomInfo) error {
	p.mu.Lock()
	defer p.mu.Unlock() // held while publishing, so that RoomClosed cannot come in between
	now, open := p.rooms[r.ID]
	if !open {
		return nil
	}
	return p.publishRoom(context.Background(), now)
}
