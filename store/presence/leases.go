package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"bedside/store"
)

// leaseKey is the prefix of the keys of leases: hashes of node, endpoint and fence.
const leaseKey = "bedside:lease:"

// holdLeases takes or renews leases for a node, those that no other node holds. KEYS: the leases.
// ARGV: the node's id and endpoint, the lifetime in milliseconds, then the fence of each lease.
// The result has for each lease 0 (another node holds it), 1 (renewed) or 2 (taken, since nobody
// held it).
const holdLeases = `
local results = {}
for i, key in ipairs(KEYS) do
  local holder = redis.call('HGET', key, 'node')
  if holder and holder ~= ARGV[1] then
    results[i] = 0
  else
    redis.call('HSET', key, 'node', ARGV[1], 'endpoint', ARGV[2], 'fence', ARGV[3 + i])
    redis.call('PEXPIRE', key, ARGV[3])
    results[i] = holder and 1 or 2
  end
end
return results`

// releaseLease removes a lease if the node holds it. KEYS: the lease. ARGV: the node's id.
const releaseLease = `
if redis.call('HGET', KEYS[1], 'node') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

// Results of holdLeases.
const (
	heldByOther = 0
	renewed     = 1
	taken       = 2
)

// renewBatch is the number of leases in one call of holdLeases.
const renewBatch = 500

// Fences issues the fencing numbers of rooms. store/postgres implements it.
type Fences interface {
	// RaiseFence increments and returns the number of an attempt: whoever held its room before can
	// no longer change the attempt. It returns store.ErrNotFound when there is no such attempt.
	RaiseFence(ctx context.Context, attemptID string) (int64, error)
	// Fences returns the present numbers of attempts, and leaves out those that do not exist.
	Fences(ctx context.Context, attemptIDs []string) (map[string]int64, error)
}

// lease is the node's hold on the room of one attempt.
type lease struct {
	fence int64  // 0 until Acquire has it; guarded by Node.mu
	lost  func() // called when another node has the lease
	// checked is false after the lease had to be taken again, because Redis had lost it or let it
	// expire, until the fence shows that no other node had it in between; guarded by Node.mu
	checked bool
}

// Acquire takes the lease of an attempt's room for this node, and renews it until Release. It
// returns the lease's fence, a number that is greater than those of all leases of the room before.
// lost is called once, from any goroutine, if another node has taken the lease; then the room must
// stop. Acquire returns store.ErrConflict when another node holds the lease, store.ErrNotFound
// when there is no such attempt, and store.ErrUnavailable while Redis or the database does not
// answer.
func (n *Node) Acquire(ctx context.Context, attemptID string, lost func()) (int64, error) {
	l := &lease{lost: lost, checked: true}
	n.mu.Lock()
	_, held := n.leases[attemptID]
	n.mu.Unlock()
	if held {
		return 0, fmt.Errorf("this node has the room %s already: %w", attemptID, store.ErrConflict)
	}
	results, err := n.hold(ctx, map[string]int64{attemptID: 0})
	if err != nil {
		return 0, err
	}
	if results[attemptID] == heldByOther {
		return 0, fmt.Errorf("another media node holds the room: %w", store.ErrConflict)
	}
	n.mu.Lock()
	n.leases[attemptID] = l
	n.mu.Unlock()
	fence, err := n.cfg.Fences.RaiseFence(ctx, attemptID)
	if err != nil {
		if rerr := n.Release(context.WithoutCancel(ctx), attemptID); rerr != nil {
			n.log.Debug("a lease expires by itself", "room", attemptID, "error", rerr)
		}
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leases[attemptID] != l {
		return 0, fmt.Errorf("another media node has just taken the room: %w", store.ErrConflict)
	}
	l.fence = fence
	return fence, nil
}

// Release ends the lease of a room, if this node has it. After an error it expires by itself.
func (n *Node) Release(ctx context.Context, attemptID string) error {
	// No beat is between its list of leases and its call to Redis, which would take the lease
	// again.
	n.renewing.Lock()
	defer n.renewing.Unlock()
	n.mu.Lock()
	delete(n.leases, attemptID)
	n.mu.Unlock()
	return n.do(ctx, func(ctx context.Context) error {
		return n.scripts.releaseLease.Run(ctx, n.client, []string{leaseKey + attemptID},
			n.info.ID).Err()
	})
}

// hold runs holdLeases for leases with their fences.
func (n *Node) hold(ctx context.Context, fences map[string]int64) (map[string]int64, error) {
	results := make(map[string]int64, len(fences))
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(fences)), renewBatch) {
		keys := make([]string, len(ids))
		args := []any{n.info.ID, n.info.Endpoint, n.lifetime().Milliseconds()}
		for i, id := range ids {
			keys[i], args = leaseKey+id, append(args, fences[id])
		}
		var values []int64
		if err := n.do(ctx, func(ctx context.Context) (err error) {
			values, err = n.scripts.holdLeases.Run(ctx, n.client, keys, args...).Int64Slice()
			return err
		}); err != nil {
			return results, err
		}
		for i, id := range ids[:min(len(ids), len(values))] {
			results[id] = values[i]
		}
	}
	return results, nil
}

// renew renews all leases. Those that another node holds are lost. Where it cannot tell, because
// Redis does not answer or had lost the lease, the fence in the database tells whether another
// node has had the room since.
func (n *Node) renew(ctx context.Context) {
	n.renewing.Lock()
	n.mu.Lock()
	fences, held := map[string]int64{}, maps.Clone(n.leases)
	for id, l := range held {
		fences[id] = l.fence
	}
	n.mu.Unlock()
	results, err := n.hold(ctx, fences)
	n.renewing.Unlock()
	if (err != nil) != n.away {
		n.away = err != nil
		if n.away {
			n.log.Warn("cannot renew the leases; rooms go on while nobody can take them",
				"rooms", len(held), "error", err)
		} else {
			n.log.Info("leases are renewed again", "rooms", len(held))
		}
	}
	var unsure []string
	for id, l := range held {
		result, ok := results[id]
		n.mu.Lock()
		if !ok || result == taken {
			l.checked = false
		}
		checked, fence := l.checked, l.fence
		n.mu.Unlock()
		switch {
		case ok && result == heldByOther:
			n.lose(id, l, "another node holds the lease")
		case !checked && fence > 0:
			unsure = append(unsure, id)
		}
	}
	n.check(ctx, unsure, held, results)
}

// check compares the fences of leases with those in the database.
func (n *Node) check(ctx context.Context, ids []string, held map[string]*lease,
	results map[string]int64) {
	if len(ids) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	newest, err := n.cfg.Fences.Fences(limited, ids)
	if err != nil {
		n.log.Warn("cannot check whether another node has rooms of this one; trying again",
			"rooms", len(ids), "error", err)
		return
	}
	for _, id := range ids {
		l := held[id]
		n.mu.Lock()
		lost := newest[id] > l.fence
		if _, answered := results[id]; !lost && answered {
			l.checked = true
		}
		n.mu.Unlock()
		if lost {
			n.lose(id, l, "another node has had the room since")
		}
	}
}

// lose ends a lease that belongs to another node now. The room is no longer published from here.
func (n *Node) lose(id string, l *lease, why string) {
	n.mu.Lock()
	mine, ready := n.leases[id] == l, l.fence > 0
	if mine {
		delete(n.leases, id)
	}
	n.mu.Unlock()
	if !mine {
		return
	}
	n.Presence.mu.Lock()
	delete(n.Presence.rooms, id)
	n.Presence.mu.Unlock()
	n.log.Warn("lost a room to another media node", "room", id, "reason", why)
	if err := n.Release(context.Background(), id); err != nil {
		n.log.Debug("a lease expires by itself", "room", id, "error", err)
	}
	if ready { // otherwise Acquire returns an error
		l.lost()
	}
}

// Place returns the media node for an attempt's room: the one that has its lease, otherwise the
// one with the smallest share of its rooms in use. It returns store.ErrNoNode when none takes
// another room.
func (p *Presence) Place(ctx context.Context, attemptID string) (store.MediaNode, error) {
	holder, err := p.holder(ctx, attemptID)
	if !errors.Is(err, store.ErrNotFound) {
		return holder, err
	}
	entries, err := p.nodeEntries(ctx)
	if err != nil {
		return store.MediaNode{}, err
	}
	return p.placed.choose(entries)
}

// holder returns the id and the endpoint of the node that has a room's lease, or
// store.ErrNotFound.
func (p *Presence) holder(ctx context.Context, attemptID string) (n store.MediaNode, err error) {
	var fields []any
	err = p.do(ctx, func(ctx context.Context) (err error) {
		fields, err = p.client.HMGet(ctx, leaseKey+attemptID, "node", "endpoint").Result()
		return err
	})
	if err != nil {
		return n, err
	}
	if len(fields) == 2 {
		n.ID, _ = fields[0].(string)
		n.Endpoint, _ = fields[1].(string)
	}
	if n.ID == "" {
		return n, fmt.Errorf("lease of %s: %w", attemptID, store.ErrNotFound)
	}
	return n, nil
}
