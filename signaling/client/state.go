package client

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"bedside/signaling/protocol"
)

// State is what a participant knows about its room.
type State struct {
	Link     Link
	Phase    protocol.Phase // as last received
	Peers    []protocol.Peer
	Speakers []protocol.Speaker
	Muted    bool
	Patient  protocol.Patient // the automatic one
	Report   *protocol.Report // nil until it is received

	seats    int             // joins and resumes so far
	rejoins  int             // joins after the first so far
	media    bool            // the PeerConnection is connected
	mediaAt  time.Time       // when it first was
	restarts int             // of ICE, requested so far
	refusals int             // errors of the server so far
	refusal  *protocol.Error // the last one
}

// Peer returns the first peer with a role.
func (s State) Peer(role protocol.Role) (protocol.Peer, bool) {
	i := slices.IndexFunc(s.Peers, func(p protocol.Peer) bool { return p.Role == role })
	if i < 0 {
		return protocol.Peer{}, false
	}
	return s.Peers[i], true
}

// board holds the state and wakes goroutines that wait for a change. It is safe for concurrent
// use. The slices in a State are never modified.
type board struct {
	mu      sync.Mutex
	now     State         // guarded by mu
	changed chan struct{} // guarded by mu; closed at the next change
}

func newBoard() *board {
	return &board{now: State{Link: LinkConnecting}, changed: make(chan struct{})}
}

func (b *board) update(change func(*State)) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.now)
	close(b.changed)
	b.changed = make(chan struct{})
	return b.now
}

func (b *board) look() (State, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now, b.changed
}

func (b *board) snapshot() State {
	s, _ := b.look()
	return s
}

// Await waits until wanted returns true and returns that state. It returns the context's cause if
// ctx ends first, and Err, or ErrClosed if that is nil, if the participant is gone.
func (c *Client) Await(ctx context.Context, wanted func(State) bool) (State, error) {
	for {
		s, changed := c.state.look()
		if wanted(s) {
			return s, nil
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
			return s, context.Cause(ctx)
		case <-c.done:
		}
		if s = c.state.snapshot(); wanted(s) { // the last change before the end
			return s, nil
		}
		return s, c.ended()
	}
}

// State returns the current state.
func (c *Client) State() State { return c.state.snapshot() }

// apply applies a message of the server.
func (s *State) apply(m protocol.ServerMessage) {
	switch m := m.(type) {
	case protocol.Resumed:
		s.Phase, s.Peers = m.Phase, sorted(m.Peers)
		s.seats++
	case protocol.PhaseChanged:
		s.Phase = m.Phase
	case protocol.PeerJoined:
		s.Peers = with(s.Peers, m.Peer)
	case protocol.PeerUpdated:
		s.Peers = with(s.Peers, m.Peer)
	case protocol.PeerLeft:
		s.Peers = without(s.Peers, m.ParticipantID)
	case protocol.Speaking:
		s.Speakers = m.Speakers
	case protocol.Patient:
		s.Patient = m
	case protocol.Report:
		s.Report = &m
	case protocol.Error:
		s.refusals++
		s.refusal = &m
	}
}

func sorted(peers []protocol.Peer) []protocol.Peer {
	return slices.SortedFunc(slices.Values(peers), func(a, b protocol.Peer) int {
		return cmp.Compare(a.ParticipantID, b.ParticipantID)
	})
}

func with(peers []protocol.Peer, p protocol.Peer) []protocol.Peer {
	return sorted(append(without(peers, p.ParticipantID), p))
}

func without(peers []protocol.Peer, id string) []protocol.Peer {
	return slices.DeleteFunc(slices.Clone(peers), func(p protocol.Peer) bool {
		return p.ParticipantID == id
	})
}
