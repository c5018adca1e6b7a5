package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/prometheus/client_golang/prometheus"
)

// Node is a media server. It owns the UDP port and the rooms. It is safe for concurrent use and
// lives until Close.
type Node struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	network  transport.Net
	listener *listener

	mu       sync.Mutex // guards the fields below; taken before a room's mu
	rooms    map[string]*Room
	draining bool

	participants sync.WaitGroup // loops, and joins in progress
	closing      sync.Once
	closeErr     error
	stop         chan struct{} // ends the speaker loop
	stopped      chan struct{}
}

// NewNode opens the UDP port and returns a node. The registerer may be nil.
func NewNode(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Node, error) {
	network, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("network interfaces: %w", err)
	}
	return newNode(cfg, log, reg, network)
}

func newNode(cfg Config, log *slog.Logger, reg prometheus.Registerer,
	network transport.Net) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	l, err := listen(cfg, network, log)
	if err != nil {
		m.unregister()
		return nil, err
	}
	n := &Node{
		cfg: cfg, log: log, metrics: m, network: network, listener: l,
		rooms: map[string]*Room{}, stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go n.watchSpeakers()
	return n, nil
}

// Addr returns the UDP address that the node listens on. Its IP is unspecified if the node listens
// on all addresses.
func (n *Node) Addr() net.Addr { return n.listener.addr }

// RoomCount returns the number of rooms.
func (n *Node) RoomCount() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.rooms)
}

// Room returns the room with that id, and creates it if necessary. A room that stays empty for the
// grace period is removed from the node; a later join to the same Room adds it again. Room returns
// ErrBadID, ErrDraining or ErrTooManyRooms.
func (n *Node) Room(id string) (*Room, error) {
	if !validID(id) {
		return nil, fmt.Errorf("room %.80q: %w", id, ErrBadID)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if r, ok := n.rooms[id]; ok && !n.draining {
		return r, nil
	}
	r := newRoom(n, id)
	if err := n.addRoom(r); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.waitIdle()
	r.mu.Unlock()
	return r, nil
}

// addRoom adds the room to the table if it is not there. The caller holds n.mu.
func (n *Node) addRoom(r *Room) error {
	existing, ok := n.rooms[r.id]
	switch {
	case n.draining:
		return ErrDraining
	case existing == r:
		return nil
	case ok:
		return ErrRoomClosed
	case len(n.rooms) >= n.cfg.MaxRooms:
		return ErrTooManyRooms
	}
	n.rooms[r.id] = r
	n.metrics.rooms.Set(float64(len(n.rooms)))
	return nil
}

// dropIfEmpty removes a room that has been empty for the grace period.
func (n *Node) dropIfEmpty(r *Room) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rooms[r.id] == r && r.empty() {
		delete(n.rooms, r.id)
		n.metrics.rooms.Set(float64(len(n.rooms)))
	}
}

// watchSpeakers is the node's speaker loop. It updates the speakers of every room.
func (n *Node) watchSpeakers() {
	defer close(n.stopped)
	tick := time.NewTicker(speakersEvery)
	defer tick.Stop()
	var rooms []*Room
	for {
		select {
		case <-n.stop:
			return
		case <-tick.C:
		}
		n.mu.Lock()
		rooms = rooms[:0]
		for _, r := range n.rooms {
			rooms = append(rooms, r)
		}
		n.mu.Unlock()
		for _, r := range rooms {
			r.reportSpeakers()
		}
	}
}

// Close refuses new joins, removes everybody with ErrDraining, waits until they are gone or ctx
// ends, and closes the port. Later calls return the result of the first.
func (n *Node) Close(ctx context.Context) error {
	n.closing.Do(func() { n.closeErr = n.close(ctx) })
	return n.closeErr
}

func (n *Node) close(ctx context.Context) error {
	n.mu.Lock()
	n.draining = true
	rooms := n.rooms
	n.rooms = map[string]*Room{}
	n.metrics.rooms.Set(0)
	n.mu.Unlock()
	for _, r := range rooms {
		r.drain()
	}
	gone := make(chan struct{})
	go func() {
		n.participants.Wait()
		close(gone)
	}()
	var err error
	select {
	case <-gone:
	case <-ctx.Done():
		err = fmt.Errorf("media server closed before all participants were gone: %w", ctx.Err())
	}
	close(n.stop)
	<-n.stopped
	err = errors.Join(err, n.listener.mux.Close())
	n.metrics.unregister()
	return err
}
