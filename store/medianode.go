package store

import (
	"fmt"
	"time"
)

// MediaNode is what presence knows about a media node, a process that holds rooms. The node
// publishes it every second, and presence removes it when it was not published for three. An
// attempt's room is on one node at a time: the node that has its lease.
type MediaNode struct {
	ID   string `json:"id"`   // generated at each start of the process
	Name string `json:"name"` // of its host, for people
	// WebSocket address that clients dial; empty: the same host as the API
	Endpoint  string    `json:"endpoint,omitempty"`
	Rooms     int       `json:"rooms"`
	MaxRooms  int       `json:"max_rooms"`
	Draining  bool      `json:"draining,omitempty"` // it takes no new rooms and will stop
	StartedAt time.Time `json:"started_at"`
}

// ErrNoNode is returned when there is no media node that can take another room.
var ErrNoNode = fmt.Errorf("a media node for another room is %w", ErrUnavailable)

// Opener is who opened a room: the account and the address of its first join. The room counts for
// them, and for nobody who joins it later.
type Opener struct{ Account, Address string }

// Errors of opening a room. Each wraps ErrLimit.
var (
	// ErrAccountRooms is returned when the account has opened as many rooms as it may.
	ErrAccountRooms = fmt.Errorf("rooms opened by the account: %w", ErrLimit)
	// ErrAddressRooms is returned when as many rooms as may be were opened from the address.
	ErrAddressRooms = fmt.Errorf("rooms opened from the address: %w", ErrLimit)
)

// TakesRooms reports whether the node may be given another room.
func (n MediaNode) TakesRooms() bool { return !n.Draining && n.Rooms < n.MaxRooms }

// LeastLoaded returns the node with the smallest share of its rooms in use, among those that take
// rooms, and the first of several. It returns ErrNoNode when none takes any.
func LeastLoaded(nodes []MediaNode) (best MediaNode, err error) {
	err = ErrNoNode
	for _, n := range nodes {
		if n.TakesRooms() && (err != nil || n.Rooms*best.MaxRooms < best.Rooms*n.MaxRooms) {
			best, err = n, nil
		}
	}
	return best, err
}
