package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"

	"github.com/redis/go-redis/v9"
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
	got, err := n.Acquire(t.Context(), id, store.Opener{}, lost)
	if err != nil || got != fence {
		t.Fatalf("fence %d, %v; want %d", got, err, fence)
	}
}

// refused tries to take a lease and returns the error.
func refused(t *testing.T, n *Node, id string) error {
	_, err := n.Acquire(t.Context(), id, store.Opener{}, func() {})
	return err
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
		if err := refused(t, b, "play"); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a second node: %v", err)
		}
		if err := refused(t, a, "play"); !errors.Is(err, store.ErrConflict) {
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
		if err := refused(t, b, "play"); !errors.Is(err, store.ErrConflict) {
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
		if err := refused(t, b, "play"); !errors.Is(err, store.ErrConflict) {
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
		a.removals.Wait()
		acquire(t, b, "play", lost.of("b"), 3) // the node has released it
	})
}

// heldRemovals is a hook of Redis' client: calls of releaseLease wait until it is closed.
type heldRemovals struct {
	t *testing.T
	scripts
	closed chan struct{}
}

func (h heldRemovals) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h heldRemovals) ProcessPipelineHook(
	next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h heldRemovals) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if slices.Contains(cmd.Args(), any(h.releaseLease.Hash())) {
			select {
			case <-h.closed:
			case <-ctx.Done():
				h.t.Error("something waits for the removal of a lost lease")
			}
		}
		return next(ctx, cmd)
	}
}

// Rooms stop as soon as the node knows that they are lost, though Redis does not answer, and a
// room that comes back meanwhile keeps its lease.
func TestLostRoomsDoNotWaitForRedis(t *testing.T) {
	f, lost := newFences(), make(losses, 10)
	p := open(t, Config{Timeout: 5 * time.Second})
	a, b := node(t, p, f, ""), node(t, p, f, "")
	for _, id := range []string{"play", "other"} {
		acquire(t, a, id, lost.of(id), 1)
		drop(t, p, id)
		acquire(t, b, id, lost.of("b"), 2)
		if err := b.Release(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	removals := heldRemovals{t, p.scripts, make(chan struct{})}
	p.client.AddHook(removals)
	a.renew(t.Context())
	lost.want(t, "play", "other")
	a.renew(t.Context()) // the beat goes on
	acquire(t, a, "play", lost.of("play"), 3)
	close(removals.closed)
	a.removals.Wait()
	if err := refused(t, b, "play"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the removal of the lost lease removed the next one: %v", err)
	}
	acquire(t, b, "other", lost.of("b"), 3)
	lost.want(t)
}

func TestFailedAcquireLeavesTheRoomFree(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f := newFences()
		a, b := node(t, p, f, ""), node(t, p, f, "")
		f.fail(store.ErrUnavailable)
		if err := refused(t, a, "play"); !errors.Is(err, store.ErrUnavailable) {
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
	if err := refused(t, a, "third"); !errors.Is(err, store.ErrUnavailable) {
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
		_, err := b.Acquire(t.Context(), "play", store.Opener{}, func() {})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func TestAnAccountHasOnlyAFewRoomsOnAllNodes(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f := newFences()
		cfg := NodeConfig{
			MaxRooms: 100, PerAccount: 2, PerAddress: 3, Fences: f, Beat: time.Hour,
		}
		a, b := openNode(t, p, cfg), openNode(t, p, cfg)
		open := func(n *Node, id, account, address string, want error) {
			t.Helper()
			_, err := n.Acquire(t.Context(), id, store.Opener{Account: account, Address: address},
				func() { t.Errorf("%s is lost", id) })
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s: %v, want %v", id, err, want)
			}
		}
		open(a, "1", "anna", "10.0.0.1", nil)
		open(b, "2", "anna", "10.0.0.1", nil)
		open(b, "3", "anna", "10.0.0.2", store.ErrAccountRooms)
		open(b, "3", "tutor", "10.0.0.1", nil)
		open(a, "4", "other", "10.0.0.1", store.ErrAddressRooms)
		open(a, "4", "other", "10.0.0.2", nil)
		a.renew(t.Context()) // where rooms that are open are not refused
		b.renew(t.Context())
		open(a, "2", "anna", "10.0.0.1", store.ErrConflict) // the other node has it
		if err := a.Release(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		open(b, "5", "anna", "10.0.0.1", nil)
		open(b, "6", "anna", "10.0.0.2", store.ErrAccountRooms)
	})
}

func TestConcurrentJoinsDoNotExceedTheRoomsOfAnAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		f := newFences()
		cfg := NodeConfig{MaxRooms: 100, PerAccount: 3, Fences: f, Beat: time.Hour}
		nodes := []*Node{openNode(t, p, cfg), openNode(t, p, cfg)}
		var joins sync.WaitGroup
		var opened atomic.Int64
		for i := range 40 {
			joins.Go(func() {
				_, err := nodes[i%2].Acquire(t.Context(), fmt.Sprint(i),
					store.Opener{Account: "anna"}, func() {})
				if err == nil {
					opened.Add(1)
				}
			})
		}
		joins.Wait()
		if n := opened.Load(); n != 3 {
			t.Errorf("%d rooms were opened, want 3", n)
		}
	})
}

func TestRoomsOfADeadNodeNoLongerCount(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		cfg := NodeConfig{
			MaxRooms: 100, PerAccount: 1, Fences: newFences(), Beat: 30 * time.Millisecond,
		}
		anna := store.Opener{Account: "anna"}
		dead := p.OpenNode(cfg)
		if _, err := dead.Acquire(t.Context(), "1", anna, func() {}); err != nil {
			t.Fatal(err)
		}
		if err := dead.Close(); err != nil { // without a release
			t.Fatal(err)
		}
		live := openNode(t, p, cfg)
		eventually(t, "the account can open a room", func() bool {
			_, err := live.Acquire(t.Context(), "2", anna, func() {})
			return err == nil
		})
	})
}
