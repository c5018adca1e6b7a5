package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"
)

// onBoth runs a test on the server inside the process and on a real Redis.
func onBoth(t *testing.T, test func(t *testing.T, p *Presence)) {
	for name, url := range map[string]string{"inside": "", "redis": redisServer(t).url} {
		t.Run(name, func(t *testing.T) {
			p := open(t, Config{URL: url, Refresh: 100 * time.Millisecond})
			test(t, p)
		})
	}
}

// open opens a Presence that is closed when the test ends.
func open(t *testing.T, cfg Config) *Presence {
	t.Helper()
	p, err := Open(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// realRedis is a redis-server process of the test.
type realRedis struct {
	url  string
	addr string
	cmd  *exec.Cmd
}

func redisServer(t *testing.T) *realRedis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := &realRedis{url: "redis://" + addr + "/0", addr: addr}
	r.start(t)
	t.Cleanup(func() { r.kill(t) })
	return r
}

func (r *realRedis) start(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(r.addr)
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", "--dir", t.TempDir())
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("a real redis-server is needed: %v", err)
	}
	for range 500 {
		conn, err := net.Dial("tcp", r.addr)
		if err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer")
}

func (r *realRedis) kill(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = r.cmd.Wait() // reports the kill
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("this did not happen: " + what)
}

func TestTicketsWorkOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		var used atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				switch err := p.UseTicket(t.Context(), "one", time.Minute); {
				case err == nil:
					used.Add(1)
				case !errors.Is(err, store.ErrReused):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if used.Load() != 1 {
			t.Errorf("used %d times", used.Load())
		}
		if err := p.UseTicket(t.Context(), "other", time.Minute); err != nil {
			t.Error(err)
		}
	})
}

func TestRoomsAreListedUntilClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		ctx := t.Context()
		now := time.Now().UTC()
		for i, id := range []string{"b", "a"} {
			r := store.RoomInfo{
				ID: id, Phase: "preparing", OpenedAt: now.Add(time.Duration(i) * time.Second),
			}
			if err := p.RoomOpened(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		waiting := store.RoomInfo{
			ID: "b", Phase: "playing", OpenedAt: now,
			People: []store.RoomPerson{{UserID: "u", Name: "U", Role: store.ParticipantPatient}},
		}
		if err := p.RoomUpdated(ctx, waiting); err != nil {
			t.Fatal(err)
		}
		list, err := p.Rooms(ctx)
		if err != nil || len(list) != 2 || list[0].ID != "b" || list[0].Phase != "playing" ||
			len(list[0].People) != 1 {
			t.Fatalf("rooms %+v, %v", list, err)
		}
		if r, err := p.Room(ctx, "b"); err != nil || !r.Taken(store.ParticipantPatient, "other") ||
			r.Taken(store.ParticipantPatient, "u") {
			t.Errorf("room %+v, %v", r, err)
		}
		if err := p.RoomClosed(ctx, "b"); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Room(ctx, "b"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("closed room: %v", err)
		}
	})
}

// TestRoomsOfACrashedProcessExpire stops a Presence without closing its rooms.
func TestRoomsOfACrashedProcessExpire(t *testing.T) {
	url := redisServer(t).url
	reader := open(t, Config{URL: url})
	crashed, err := Open(Config{URL: url, Refresh: 50 * time.Millisecond},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := crashed.RoomOpened(t.Context(), store.RoomInfo{ID: "left"}); err != nil {
		t.Fatal(err)
	}
	close(crashed.stop)
	crashed.done.Wait()
	if err := crashed.client.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the room expires", func() bool {
		list, err := reader.Rooms(t.Context())
		return err == nil && len(list) == 0
	})
}

// TestRoomsComeBackAfterARestartOfRedis stops Redis and starts it again without its data.
func TestRoomsComeBackAfterARestartOfRedis(t *testing.T) {
	r := redisServer(t)
	p := open(t, Config{
		URL: r.url, Timeout: 200 * time.Millisecond, Refresh: 100 * time.Millisecond,
	})
	if err := p.RoomOpened(t.Context(), store.RoomInfo{ID: "kept"}); err != nil {
		t.Fatal(err)
	}
	r.kill(t)
	for _, err := range []error{
		p.Ping(t.Context()), p.UseTicket(t.Context(), "x", time.Minute), p.RoomUpdated(t.Context(),
			store.RoomInfo{ID: "kept", Phase: "playing"}),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without Redis: %v", err)
		}
	}
	r.start(t)
	eventually(t, "the room is published again", func() bool {
		room, err := p.Room(t.Context(), "kept")
		return err == nil && room.Phase == "playing"
	})
}

func TestPingNoticesThatRedisRefusesWrites(t *testing.T) {
	p := open(t, Config{URL: redisServer(t).url})
	for limit, refused := range map[string]bool{"1": true, "0": false} {
		if err := p.client.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
			t.Fatal(err)
		}
		if err := p.Ping(t.Context()); (err != nil) != refused {
			t.Errorf("maxmemory %s: %v", limit, err)
		}
	}
}

func TestLargePipelineDoesNotDeadlock(t *testing.T) {
	p := open(t, Config{})
	people := make([]store.RoomPerson, 200)
	for i := range people {
		people[i].Name = strings.Repeat("n", 100)
	}
	for i := range 20 {
		if err := p.RoomOpened(t.Context(), store.RoomInfo{
			ID: fmt.Sprint(i), People: people,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := p.Rooms(t.Context()); err != nil || len(list) != 20 {
		t.Errorf("%d rooms, %v", len(list), err)
	}
}

func TestBadAddressIsNotShown(t *testing.T) {
	_, err := Open(Config{URL: "http://user:secret@host"}, slog.New(slog.DiscardHandler))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestCancelledCallerIsNotAnOutage(t *testing.T) {
	p := open(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Ping(ctx); !errors.Is(err, context.Canceled) ||
		errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
