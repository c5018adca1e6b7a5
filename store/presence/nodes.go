package presence

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"bedside/store"

	"github.com/redis/go-redis/v9"
)

const (
	nodeKey   = "bedside:node:"
	nodeIndex = "bedside:nodes" // sorted set of node ids by their expiry, in milliseconds
	// maxNodes is the length limit of the list that Nodes returns.
	maxNodes = 1000
	// beats is the number of beats after which a node or a lease expires that was not renewed.
	beats = 3
)

// publishNode writes a node and removes expired ones from the index. It uses the clock of Redis,
// so that the processes' clocks need not agree. KEYS: the node's, the index. ARGV: id, value,
// lifetime in milliseconds.
const publishNode = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
return 1`

// NodeConfig configures a Node. A zero Beat means a second.
type NodeConfig struct {
	Endpoint string // WebSocket address that clients dial; empty: the same host as the API
	MaxRooms int
	// PerAccount and PerAddress are how many rooms one account, and one address, may have opened
	// at a time on all nodes; 0: any number.
	PerAccount, PerAddress int
	Fences                 Fences
	Beat                   time.Duration // interval at which the node and its leases are renewed
}

// Node is this process as a media node. It publishes itself in the registry, from which tickets
// get their nodes, and holds the leases of its rooms, so that no other node opens the same room.
// Safe for concurrent use. The caller of OpenNode closes it when its rooms have ended, before the
// Presence.
type Node struct {
	*Presence
	cfg  NodeConfig
	info store.MediaNode // rooms and draining are filled in when it is published
	log  *slog.Logger

	mu        sync.Mutex
	announced bool              // guarded by mu
	draining  bool              // guarded by mu
	leases    map[string]*lease // by attempt; guarded by mu
	published int64             // how often; guarded by mu
	renewing  sync.Mutex        // held from the list of leases to its call to Redis

	away bool // Redis did not answer the last time; owned by run

	wake     chan struct{} // asks for a beat now
	stop     chan struct{}
	done     sync.WaitGroup // the beats
	removals sync.WaitGroup // of lost leases from Redis
}

// nodeEntry is the value of a node's key. Beat counts how often it was published.
type nodeEntry struct {
	store.MediaNode
	Beat int64 `json:"beat"`
}

// OpenNode makes this process a media node. Others do not see it before Announce.
func (p *Presence) OpenNode(cfg NodeConfig) *Node {
	if cfg.Beat == 0 {
		cfg.Beat = time.Second
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unnamed"
	}
	n := &Node{
		Presence: p, cfg: cfg, info: store.MediaNode{
			ID: strings.ToLower(rand.Text()), Name: name, Endpoint: cfg.Endpoint,
			MaxRooms: cfg.MaxRooms, StartedAt: time.Now().UTC(),
		},
		leases: map[string]*lease{}, wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	n.log = p.log.With("node", n.info.ID)
	n.done.Go(n.run)
	return n
}

// RoomOpened is Presence.RoomOpened for a room whose lease the node has. For any other it returns
// store.ErrConflict.
func (n *Node) RoomOpened(ctx context.Context, r store.RoomInfo) error {
	return n.RoomUpdated(ctx, r)
}

// RoomUpdated is Presence.RoomUpdated for a room whose lease the node has. For any other it
// returns store.ErrConflict.
func (n *Node) RoomUpdated(ctx context.Context, r store.RoomInfo) error {
	n.mu.Lock()
	held := n.leases[r.ID] != nil
	if held { // under the lock, so that lose comes after it
		n.remember(r)
	}
	n.mu.Unlock()
	if !held {
		return fmt.Errorf("another media node has the room %s: %w", r.ID, store.ErrConflict)
	}
	return n.publishRoom(ctx, r)
}

// RoomClosed is Presence.RoomClosed for a room whose lease the node has. For any other it does
// nothing.
func (n *Node) RoomClosed(ctx context.Context, id string) error {
	n.mu.Lock()
	held := n.leases[id] != nil
	n.mu.Unlock()
	if !held {
		return nil
	}
	return n.Presence.RoomClosed(ctx, id)
}

// NodeID returns the node's id, which tickets name.
func (n *Node) NodeID() string { return n.info.ID }

// Announce publishes the node from now on, so that it gets rooms. It returns after the first try.
func (n *Node) Announce() {
	n.mu.Lock()
	n.announced = true
	n.mu.Unlock()
	n.publish()
	n.log.Info("registered as a media node", "name", n.info.Name, "endpoint", n.info.Endpoint)
}

// SetDraining publishes whether the node takes new rooms. It does not wait.
func (n *Node) SetDraining(draining bool) {
	n.mu.Lock()
	n.draining = draining
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Close removes the node from the registry.
func (n *Node) Close() error {
	close(n.stop)
	n.done.Wait()
	n.removals.Wait()
	return n.do(context.Background(), func(ctx context.Context) error {
		_, err := n.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Del(ctx, nodeKey+n.info.ID)
			pipe.ZRem(ctx, nodeIndex, n.info.ID)
			return nil
		})
		return err
	})
}

// run beats until Close.
func (n *Node) run() {
	tick := time.NewTicker(n.cfg.Beat)
	defer tick.Stop()
	for {
		select {
		case <-n.stop:
			return
		case <-tick.C:
		case <-n.wake:
		}
		n.renew(context.Background())
		n.publish()
	}
}

// publish writes the node to the registry, once it was announced.
func (n *Node) publish() {
	n.mu.Lock()
	announced, info := n.announced, n.info
	info.Draining, info.Rooms = n.draining, len(n.leases)
	n.published++
	entry := nodeEntry{info, n.published}
	n.mu.Unlock()
	if !announced {
		return
	}
	b, err := json.Marshal(entry)
	if err == nil {
		err = n.do(context.Background(), func(ctx context.Context) error {
			return n.scripts.publishNode.Run(ctx, n.client, []string{nodeKey + info.ID, nodeIndex},
				info.ID, b, n.lifetime().Milliseconds()).Err()
		})
	}
	if err != nil {
		n.log.Warn("could not publish this media node", "error", err)
	}
}

// lifetime is how long a node and its leases live without another beat.
func (n *Node) lifetime() time.Duration { return beats * n.cfg.Beat }

// Nodes returns the live media nodes of all processes.
func (p *Presence) Nodes(ctx context.Context) ([]store.MediaNode, error) {
	entries, err := p.nodeEntries(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]store.MediaNode, len(entries))
	for i, e := range entries {
		list[i] = e.MediaNode
	}
	return list, nil
}

func (p *Presence) nodeEntries(ctx context.Context) (list []nodeEntry, err error) {
	var values []any
	err = p.do(ctx, func(ctx context.Context) error {
		ids, err := p.client.ZRange(ctx, nodeIndex, 0, maxNodes-1).Result()
		if err != nil || len(ids) == 0 {
			return err
		}
		for i := range ids {
			ids[i] = nodeKey + ids[i]
		}
		values, err = p.client.MGet(ctx, ids...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		text, ok := v.(string)
		if !ok {
			continue // expired
		}
		var e nodeEntry
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, fmt.Errorf("media nodes: %w", err)
		}
		list = append(list, e)
	}
	return list, nil
}

// placements counts the rooms that this process has given to nodes since they were last published,
// so that a burst of tickets does not all go to one node.
type placements struct {
	mu     sync.Mutex
	byNode map[string]placed // guarded by mu
}

// placed is the number of rooms given to a node since one of its beats.
type placed struct {
	beat  int64
	rooms int
}

// choose returns the node for a new room and counts the room.
func (p *placements) choose(entries []nodeEntry) (store.MediaNode, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Among equal nodes another one each time: other processes choose as well.
	mrand.Shuffle(len(entries), func(i, j int) {
		entries[i], entries[j] = entries[j], entries[i]
	})
	since, nodes := map[string]placed{}, make([]store.MediaNode, len(entries))
	for i, e := range entries {
		nodes[i] = e.MediaNode
		since[e.ID] = placed{beat: e.Beat}
		if given := p.byNode[e.ID]; given.beat == e.Beat {
			since[e.ID] = given
			nodes[i].Rooms += given.rooms
		}
	}
	p.byNode = since
	best, err := store.LeastLoaded(nodes)
	if err != nil {
		return best, err
	}
	given := since[best.ID]
	given.rooms++
	since[best.ID] = given
	return best, nil
}
