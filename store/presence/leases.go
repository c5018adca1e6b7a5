package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"bedside/store"
)

const (
	leaseKey   = "bedside:lease:"         // + attempt: a hash of node, endpoint and fence
	accountKey = "bedside:rooms-account:" // + account: its rooms, by the expiry of their leases
	addressKey = "bedside:rooms-address:" // + address: the same
)

// holdLeases takes or renews leases for a node, those that no other node holds. It uses the clock
// of Redis. The result has a number for each lease, one of those below.
//
//   - KEYS: for each lease, its own key and those of the rooms of the account and of the address
//     that it counts for.
//   - ARGV: the node's id and endpoint, the lifetime in milliseconds, the largest number of rooms
//     of an account and of an address (0: any), then the attempt and the fence of each lease.
const holdLeases = `
local node, endpoint, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
local limits = {tonumber(ARGV[4]), tonumber(ARGV[5])}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function full(counted, room)
  for i, key in ipairs(counted) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if limits[i] > 0 and not redis.call('ZSCORE', key, room) and
        redis.call('ZCARD', key) >= limits[i] then
      return i
    end
  end
end
local results = {}
for i = 1, #KEYS / 3 do
  local key, counted = KEYS[3 * i - 2], {KEYS[3 * i - 1], KEYS[3 * i]}
  local room, fence = ARGV[4 + 2 * i], ARGV[5 + 2 * i]
  local holder = redis.call('HGET', key, 'node')
  local over = full(counted, room)
  if holder and holder ~= node then
    results[i] = 0
  elseif over then
    results[i] = -over
  else
    redis.call('HSET', key, 'node', node, 'endpoint', endpoint, 'fence', fence)
    redis.call('PEXPIRE', key, ttl)
    for _, other in ipairs(counted) do
      redis.call('ZADD', other, now + ttl, room)
      redis.call('PEXPIRE', other, ttl)
    end
    results[i] = holder and 1 or 2
  end
end
return results`

// Results of holdLeases.
const (
	fullAddress = -2
	fullAccount = -1
	heldByOther = 0
	renewed     = 1
	taken       = 2
)

// releaseLease removes a lease if the node holds it. KEYS are as for holdLeases. ARGV: the node's
// id, the attempt, and the fence that the lease must have (empty: any).
const releaseLease = `
if redis.call('HGET', KEYS[1], 'node') ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'fence') ~= ARGV[3] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
return redis.call('DEL', KEYS[1])`

// renewBatch is the number of leases in one call of holdLeases.
const renewBatch = 500

// Fences issues the fencing numbers of rooms. store/postgres implements it.
type Fences interface {
	// RaiseFence increments and returns the number of an attempt: the node that held its room
	// before can no longer change the attempt. It returns store.ErrNotFound when there is no
	// such attempt.
	RaiseFence(ctx context.Context, attemptID string) (int64, error)
	// Fences returns the present numbers of attempts, and leaves out those that do not exist.
	Fences(ctx context.Context, attemptIDs []string) (map[string]int64, error)
}

// lease is the node's hold on the room of one attempt.
type lease struct {
	by    store.Opener
	fence int64  // 0 until Acquire has it; guarded by Node.mu
	lost  func() // called when another node has the lease
	// checked is false after the lease had to be taken again, because Redis had lost it or let it
	// expire, until the fence shows that no other node had it in between; guarded by Node.mu
	checked bool
}

// keys returns the keys of a lease, as holdLeases takes them.
func (l *lease) keys(attemptID string) []string {
	return []string{leaseKey + attemptID, accountKey + l.by.Account, addressKey + l.by.Address}
}

// Acquire takes the lease of an attempt's room for this node, and renews it until Release. The
// room counts for by, and for no other account and address. Acquire returns the lease's fence, a
// number that is greater than those of all leases of the room before. lost is called once, from
// any goroutine, if another node has taken the lease; then the room must stop. Acquire returns
// store.ErrConflict when another node holds the lease, store.ErrAccountRooms or
// store.ErrAddressRooms when by has opened as many rooms as it may on all nodes,
// store.ErrNotFound when there is no such attempt, and store.ErrUnavailable while Redis or the
// database does not answer.
func (n *Node) Acquire(ctx context.Context, attemptID string, by store.Opener,
	lost func()) (int64, error) {
	l := &lease{by: by, lost: lost, checked: true}
	n.mu.Lock()
	_, held := n.leases[attemptID]
	n.mu.Unlock()
	if held {
		return 0, fmt.Errorf("this node has the room %s already: %w", attemptID, store.ErrConflict)
	}
	results, err := n.hold(ctx, map[string]*lease{attemptID: l}, map[string]int64{attemptID: 0},
		n.cfg.PerAccount, n.cfg.PerAddress)
	if err != nil {
		return 0, err
	}
	switch results[attemptID] {
	case heldByOther:
		return 0, fmt.Errorf("another media node holds the room: %w", store.ErrConflict)
	case fullAccount:
		return 0, store.ErrAccountRooms
	case fullAddress:
		return 0, store.ErrAddressRooms
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
	l := n.leases[attemptID]
	delete(n.leases, attemptID)
	n.mu.Unlock()
	if l == nil {
		return nil
	}
	return n.remove(ctx, attemptID, l, "")
}

// remove removes a lease from Redis, if this node has it, and with the given fence unless that is
// empty.
func (n *Node) remove(ctx context.Context, attemptID string, l *lease, fence string) error {
	return n.do(ctx, func(ctx context.Context) error {
		return n.scripts.releaseLease.Run(ctx, n.client, l.keys(attemptID), n.info.ID,
			attemptID, fence).Err()
	})
}

// hold runs holdLeases for leases with their fences.
func (n *Node) hold(ctx context.Context, leases map[string]*lease, fences map[string]int64,
	perAccount, perAddress int) (map[string]int64, error) {
	results := make(map[string]int64, len(leases))
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(leases)), renewBatch) {
		var keys []string
		args := []any{
			n.info.ID, n.info.Endpoint, n.lifetime().Milliseconds(), perAccount, perAddress,
		}
		for _, id := range ids {
			keys = append(keys, leases[id].keys(id)...)
			args = append(args, id, fences[id])
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
	results, err := n.hold(ctx, held, fences, 0, 0)
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
			n.removals.Go(func() { n.removeLost(id, l) })
		}
	}
}

// lose ends a lease that belongs to another node now. The room is no longer published from here.
// It does not wait for Redis: the next room may be lost as well.
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
	if ready { // otherwise Acquire returns an error
		l.lost()
	}
}

// removeLost removes a lost lease from Redis where this node had taken it again, so that others
// need not wait until it expires. A lease that the node has acquired since has another fence, and
// stays.
func (n *Node) removeLost(id string, l *lease) {
	n.mu.Lock()
	fence := strconv.FormatInt(l.fence, 10)
	n.mu.Unlock()
	if err := n.remove(context.Background(), id, l, fence); err != nil {
		n.log.Debug("a lease expires by itself", "room", id, "error", err)
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
