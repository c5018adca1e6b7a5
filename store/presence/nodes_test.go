package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"bedside/store"
)

// fences issues fencing numbers from memory.
type fences struct {
	mu     sync.Mutex
	values map[string]int64
	err    error
}

func (f *fences) RaiseFence(_ context.Context, id string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	f.values[id]++
	return f.values[id], nil
}

func (f *fences) Fences(_ context.Context, ids []string) (map[string]int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.values), f.err
}

func (f *fences) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func newFences() *fences { return &fences{values: map[string]int64{}} }

// node opens a node whose beats the test calls itself.
func node(t *testing.T, p *Presence, f Fences, endpoint string) *Node {
	return openNode(t, p, NodeConfig{Endpoint: endpoint, MaxRooms: 10, Fences: f, Beat: time.Hour})
}

func openNode(t *testing.T, p *Presence, cfg NodeConfig) *Node {
	n := p.OpenNode(cfg)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func nodesOf(t *testing.T, p *Presence) map[string]store.MediaNode {
	t.Helper()
	list, err := p.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]store.MediaNode{}
	for _, n := range list {
		byID[n.ID] = n
	}
	return byID
}

func TestNodesAreListedWhileTheyRun(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		a := node(t, p, newFences(), "wss://a.example/ws")
		if list := nodesOf(t, p); len(list) != 0 {
			t.Errorf("before Announce: %v", list)
		}
		a.Announce()
		eventually(t, "the node is listed", func() bool {
			return nodesOf(t, p)[a.NodeID()].Endpoint == "wss://a.example/ws"
		})
		got := nodesOf(t, p)[a.NodeID()]
		if got.MaxRooms != 10 || got.Rooms != 0 || got.Draining || got.Name == "" ||
			time.Since(got.StartedAt) > time.Minute {
			t.Errorf("published as %+v", got)
		}
		a.SetDraining(true)
		eventually(t, "it is published as draining", func() bool {
			return nodesOf(t, p)[a.NodeID()].Draining
		})
		if _, err := a.Acquire(t.Context(), "play", store.Opener{}, t.FailNow); err != nil {
			t.Fatal(err)
		}
		a.SetDraining(false)
		eventually(t, "its room is counted", func() bool {
			n := nodesOf(t, p)[a.NodeID()]
			return n.Rooms == 1 && !n.Draining
		})
	})
}

func TestNodesExpireAndAreWithdrawn(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		closed := p.OpenNode(NodeConfig{MaxRooms: 1, Fences: newFences(), Beat: time.Hour})
		closed.Announce()
		eventually(t, "the node is listed", func() bool { return len(nodesOf(t, p)) == 1 })
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		if list := nodesOf(t, p); len(list) != 0 {
			t.Errorf("after Close: %v", list)
		}
		dead := openNode(t, p, NodeConfig{
			MaxRooms: 1, Fences: newFences(), Beat: 20 * time.Millisecond,
		})
		dead.Announce()
		eventually(t, "the node is listed", func() bool { return len(nodesOf(t, p)) == 1 })
		dead.mu.Lock()
		dead.announced = false // as if the process had been killed
		dead.mu.Unlock()
		eventually(t, "it has expired", func() bool { return len(nodesOf(t, p)) == 0 })
	})
}

func TestPlaceSpreadsABurst(t *testing.T) {
	onBoth(t, func(t *testing.T, p *Presence) {
		if _, err := p.Place(t.Context(), "play"); !errors.Is(err, store.ErrNoNode) {
			t.Errorf("without nodes: %v", err)
		}
		for range 2 {
			node(t, p, newFences(), "").Announce()
		}
		eventually(t, "both nodes are listed", func() bool { return len(nodesOf(t, p)) == 2 })
		given := map[string]int{}
		for i := range 20 {
			n, err := p.Place(t.Context(), fmt.Sprint("play-", i))
			if err != nil {
				t.Fatal(err)
			}
			given[n.ID]++
		}
		if counts := slices.Sorted(maps.Values(given)); !slices.Equal(counts, []int{10, 10}) {
			t.Errorf("the nodes got %v rooms of 20", counts)
		}
		if n, err := p.Place(t.Context(), "another"); !errors.Is(err, store.ErrNoNode) {
			t.Errorf("when both are full: %v, %v", n, err)
		}
	})
}
