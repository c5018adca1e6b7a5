package presence

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"bedside/store"
)

// losses counts the calls of lost.
type losses chan string

func (l losses) of(id string) func() { return func() { l <- id } }

func (l losses) want(t *testing.T, ids ...string) {
	t.Helper()
	got := map[string]bool{}
	for range len(l) {
		got[<-l] = true
	}
	if len(got) != len(ids) {
		t.Errorf("lost %v, want %v", got, ids)
	}
	for _, id := range ids {
		if !got[id] {
			t.Errorf("lost %v, want %v", got, ids)
		}
	}
}

// acquire takes a lease and checks its fence.
func acquire(t *testing.T, n *Node, id string, lost func(), fence int64) {
	t.Helper()
	got, err := n.Acquire(t.Context(), id, lost)
	if err != nil || got != fence {
		t.Fatalf("fence %d, %v; want %d", got, err, fence)
	}
}

// drop removes a lease as if it had expired, or as if Redis had lost its data.
func drop(t *testing.T, p *Presence, id string) {
	t.Helper()
	if err := p.client.Del(t.Context(), leaseKey+id).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestOneNodeHoldsARoom(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f, lost := newFences(), make(losses, 10)
		a, b := node(t, p, f, "wss://a.example/ws"), node(t, p, f, "wss://b.example/ws")
		acquire(t, a, "play", lost.of("play"), 1)
		if _, err := b.Acquire(t.Context(), "play", lost.of("b")); !errors.Is(err,
			store.ErrConflict) {
			t.Errorf("a second node: %v", err)
		}
		if _, err := a.Acquire(t.Context(), "play", lost.of("b")); !errors.Is(err,
			store.ErrConflict) {
			t.Errorf("the same node: %v", err)
		}
		a.renew(t.Context())
		b.renew(t.Context())
		n, err := p.Place(t.Context(), "play")
		if err != nil || n.ID != a.NodeID() || n.Endpoint != "wss://a.example/ws" {
			t.Errorf("placed at %+v, %v", n, err)
		}
		if err := b.Release(t.Context(), "play"); err != nil { // it does not have it
			t.Fatal(err)
		}
		if _, err := b.Acquire(t.Context(), "play", nil); !errors.Is(err, store.ErrConflict) {
			t.Errorf("after another node's release: %v", err)
		}
		if err := a.Release(t.Context(), "play"); err != nil {
			t.Fatal(err)
		}
		acquire(t, b, "play", lost.of("play"), 2)
		a.renew(t.Context())
		lost.want(t)
	})
}

func TestLeaseOfAnotherNodeIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f, lost := newFences(), make(losses, 10)
		a, b := node(t, p, f, ""), node(t, p, f, "")
		acquire(t, a, "play", lost.of("play"), 1)
		acquire(t, a, "other", lost.of("other"), 1)
		if err := a.RoomOpened(t.Context(), store.RoomInfo{ID: "play"}); err != nil {
			t.Fatal(err)
		}
		drop(t, p, "play")
		acquire(t, b, "play", lost.of("b"), 2)
		a.renew(t.Context())
		lost.want(t, "play")
		a.renew(t.Context())
		lost.want(t) // once
		if _, ok := p.rooms["play"]; ok {
			t.Error("the node still publishes a room that it has lost")
		}
		if n, err := p.Place(t.Context(), "play"); err != nil || n.ID != b.NodeID() {
			t.Errorf("placed at %v, %v", n, err)
		}
	})
}

func TestLeaseComesBackWhenRedisLostIt(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f, lost := newFences(), make(losses, 10)
		a, b := node(t, p, f, ""), node(t, p, f, "")
		acquire(t, a, "play", lost.of("play"), 1)
		drop(t, p, "play")
		a.renew(t.Context())
		if _, err := b.Acquire(t.Context(), "play", nil); !errors.Is(err, store.ErrConflict) {
			t.Errorf("the lease did not come back: %v", err)
		}
		lost.want(t)
	})
}

// A node whose lease had expired finds it free again, but another one had the room in between.
func TestLeaseThatAnotherNodeHadMeanwhileIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f, lost := newFences(), make(losses, 10)
		a, b := node(t, p, f, ""), node(t, p, f, "")
		acquire(t, a, "play", lost.of("play"), 1)
		drop(t, p, "play")
		acquire(t, b, "play", lost.of("b"), 2)
		if err := b.Release(t.Context(), "play"); err != nil {
			t.Fatal(err)
		}
		f.fail(store.ErrUnavailable)
		a.renew(t.Context())
		lost.want(t) // it cannot be told yet
		f.fail(nil)
		a.renew(t.Context())
		lost.want(t, "play")
		acquire(t, b, "play", lost.of("b"), 3) // the node has released it
	})
}

func TestFailedAcquireLeavesTheRoomFree(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f := newFences()
		a, b := node(t, p, f, ""), node(t, p, f, "")
		f.fail(store.ErrUnavailable)
		if _, err := a.Acquire(t.Context(), "play", nil); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without a fence: %v", err)
		}
		f.fail(nil)
		acquire(t, b, "play", func() {}, 1)
	})
}

// While Redis is away nobody can take a lease, so rooms go on. A node that is cut off from Redis
// alone learns from the fences that another has taken its room.
func TestRoomsOutliveRedis(t *testing.T) {
	redis := redisServer(t)
	f, lost := newFences(), make(losses, 10)
	p := open(t, Config{URL: redis.url, Timeout: 200 * time.Millisecond})
	a := p.OpenNode(NodeConfig{MaxRooms: 10, Fences: f, Beat: time.Hour})
	acquire(t, a, "play", lost.of("play"), 1)
	acquire(t, a, "other", lost.of("other"), 1)
	redis.kill(t)
	a.renew(t.Context())
	lost.want(t)
	if _, err := a.Acquire(t.Context(), "third", nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without Redis: %v", err)
	}
	if _, err := f.RaiseFence(t.Context(), "other"); err != nil { // another node, elsewhere
		t.Fatal(err)
	}
	a.renew(t.Context())
	lost.want(t, "other")
	redis.start(t) // empty
	eventually(t, "the lease is in Redis again", func() bool {
		a.renew(t.Context())
		n, err := p.Place(t.Context(), "play")
		return err == nil && n.ID == a.NodeID()
	})
	lost.want(t)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestLeasesExpireWithTheirProcess(t *testing.T) {
	redis := redisServer(t)
	f := newFences()
	dead, err := Open(Config{URL: redis.url}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	killed := dead.OpenNode(NodeConfig{MaxRooms: 10, Fences: f, Beat: 20 * time.Millisecond})
	acquire(t, killed, "play", func() {}, 1)
	killed.renew(t.Context())
	if err := dead.client.Close(); err != nil { // nothing reaches Redis any more
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = killed.Close(), dead.Close() }) // fails, as after a kill
	p := open(t, Config{URL: redis.url})
	b := node(t, p, f, "")
	eventually(t, "another node can take the room", func() bool {
		_, err := b.Acquire(t.Context(), "play", func() {})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
		return err == nil
	})
}
