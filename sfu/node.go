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

// Node is a media server: the owner of the UDP port and of the rooms. Safe for concurrent use.
// Close ends it.
type Node struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	network  transport.Net
	listener *listener

	mu       sync.Mutex // guards the fields below; taken before a room's mu
	rooms    map[string]*Room
	draining bool

	participants sync.WaitGroup // loops, and joins under way
	closing      sync.Once
	closeErr     error
	stop         chan struct{} // ends the speaker loop
	stopped      chan struct{}
}

// NewNode opens the UDP port. The registerer may be nil.
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

// Addr is the UDP address that the node listens on; its IP is unspecified when that is all of
// them.
func (n *Node) Addr() net.Addr { return n.listener.addr }

// RoomCount is how many rooms there are.
func (n *Node) RoomCount() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.rooms)
}

// Room gets the room with that id, or makes it. A room that stays empty for the grace leaves the
// node; the pointer stays usable: a join brings the room back.
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
	if err := n.enter(r); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.waitIdle()
	r.mu.Unlock()
	return r, nil
}

// enter puts the room into the table, if it is not there. n.mu is held.
func (n *Node) enter(r *Room) error {
	there, ok := n.rooms[r.id]
	switch {
	case n.draining:
		return ErrDraining
	case there == r:
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

// dropIfEmpty is called when a room has been empty for the grace.
func (n *Node) dropIfEmpty(r *Room) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rooms[r.id] == r && r.empty() {
		delete(n.rooms, r.id)
		n.metrics.rooms.Set(float64(len(n.rooms)))
	}
}

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
			r.tellSpeakers()
		}
	}
}

// Close refuses new joins, sends everybody away with ErrDraining, waits until they are gone or
// ctx ends, and closes the port. It may be called more than once.
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
