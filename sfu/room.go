package sfu

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Room is a set of participants with their tracks, and a tap. Its node owns it. It has no
// goroutine and is safe for concurrent use.
type Room struct {
	id   string
	node *Node

	// mu guards membership: the fields below. It is never held during a call to Pion or a Handler.
	mu         sync.Mutex
	members    map[string]*Participant
	sources    map[string]*Source
	joining    int
	tracks     []*Track // of all members and sources, in order of publication
	tap        Tap
	tapped     map[*Track]Sink
	onSpeakers func([]Speaker)
	idle       *time.Timer // runs while the room is empty
	draining   bool

	speakers speakers // owned by the node's speaker loop
}

// Info describes a participant of a room.
type Info struct {
	ID, Name   string
	Publish    bool // may publish
	Publishing bool // has published a track
	Connected  bool
	JoinedAt   time.Time
}

func newRoom(n *Node, id string) *Room {
	return &Room{
		id: id, node: n, members: map[string]*Participant{}, sources: map[string]*Source{},
		tapped: map[*Track]Sink{},
	}
}

// validID reports whether an id is safe in an SDP, a log and a NATS subject.
func validID(id string) bool {
	return len(id) >= 1 && len(id) <= 64 && !slices.ContainsFunc([]byte(id), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' &&
			c != '_' && c != '.' && c != ':'
	})
}

// ID returns the room's id.
func (r *Room) ID() string { return r.id }

// Join adds a participant, starts its loop and returns the answer to its offer, with all
// candidates. A member with the same id is replaced, unless the join fails. The first server
// offer comes after the client has connected, and so never before the answer. Join returns
// ErrBadID, ErrBadSDP, ErrTooManyCandidates, ErrTooManyParticipants, ErrTooManyRooms,
// ErrRoomClosed or ErrDraining.
func (r *Room) Join(ctx context.Context, who Identity, offer string,
	h Handler) (*Participant, string, error) {
	p, answer, err := r.join(ctx, who, offer, h)
	if err != nil {
		return nil, "", fmt.Errorf("join of %.80q: %w", who.ID, err)
	}
	return p, answer, nil
}

func (r *Room) join(ctx context.Context, who Identity, offer string,
	h Handler) (*Participant, string, error) {
	if !validID(who.ID) {
		return nil, "", ErrBadID
	}
	checked, err := parseOffer(offer, who.Publish)
	if err != nil {
		return nil, "", err
	}
	if err := r.reserve(who.ID); err != nil {
		return nil, "", err
	}
	p, err := newParticipant(r, who, h)
	if err != nil {
		r.release()
		return nil, "", err
	}
	answer, err := p.acceptOffer(ctx, checked)
	if err == nil {
		err = ctx.Err() // the caller does not wait for the answer any more
	}
	if err != nil {
		p.discard()
		r.release()
		return nil, "", err
	}
	r.admit(p)
	go p.run()
	return p, answer, nil
}

// reserve counts a join in progress, so that the limits and Close include it.
func (r *Room) reserve(id string) error {
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	if err := r.node.addRoom(r); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, replaces := r.members[id]; !replaces &&
		len(r.members)+r.joining >= r.node.cfg.MaxParticipants {
		return ErrTooManyParticipants
	}
	if r.idle != nil {
		r.idle.Stop()
	}
	r.joining++
	r.node.participants.Add(1)
	return nil
}

// release undoes reserve.
func (r *Room) release() {
	r.mu.Lock()
	r.joining--
	r.waitIdle()
	r.mu.Unlock()
	r.node.participants.Done()
}

// admit makes the participant a member. In the same step it replaces the member with the same id.
func (r *Room) admit(p *Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joining--
	if old := r.members[p.who.ID]; old != nil {
		r.withdraw(old)
		old.Leave(ErrReplaced)
	}
	if old := r.sources[p.who.ID]; old != nil {
		r.removeSource(old, ErrReplaced)
	}
	r.members[p.who.ID] = p
	r.node.metrics.participants.Inc()
	r.wake()
	if r.draining {
		p.Leave(ErrDraining)
	}
}

// remove removes the participant for good.
func (r *Room) remove(p *Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.node.metrics.participants.Dec()
	if r.members[p.who.ID] == p {
		delete(r.members, p.who.ID)
	}
	r.withdraw(p)
	r.wake()
	r.waitIdle()
}

// withdraw removes the participant's tracks. The caller holds mu.
func (r *Room) withdraw(p *Participant) {
	r.tracks = slices.DeleteFunc(r.tracks, func(t *Track) bool {
		if t.member != p {
			return false
		}
		delete(r.tapped, t)
		t.end()
		return true
	})
}

// wake makes every participant's loop reconcile its tracks. The caller holds mu.
func (r *Room) wake() {
	for _, p := range r.members {
		p.wakeUp()
	}
}

// waitIdle starts the timer that removes the room from the node, if the room is empty. The caller
// holds mu.
func (r *Room) waitIdle() {
	if len(r.members)+r.joining > 0 || r.draining {
		return
	}
	if r.idle == nil {
		r.idle = time.AfterFunc(r.node.cfg.Grace, func() { r.node.dropIfEmpty(r) })
	} else {
		r.idle.Reset(r.node.cfg.Grace)
	}
}

func (r *Room) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members)+r.joining == 0
}

// publish adds a track, unless its publisher is no longer a member.
func (r *Room) publish(t *Track) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[t.publisher] != t.member {
		return false
	}
	r.addTrack(t)
	return true
}

// addTrack adds a track for everybody in the room and the tap. The caller holds mu.
func (r *Room) addTrack(t *Track) {
	r.tracks = append(r.tracks, t)
	r.tapTrack(t)
	r.wake()
}

// others returns the tracks to forward to p.
func (r *Room) others(p *Participant) []*Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.tracks), func(t *Track) bool {
		return t.publisher == p.who.ID
	})
}

// StartTap adds the tap's sinks to every present and future track, until StopTap. It stops an
// earlier tap first.
func (r *Room) StartTap(tap Tap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopTap()
	r.tap = tap
	for _, t := range r.tracks {
		r.tapTrack(t)
	}
}

// StopTap removes the tap's sinks and closes them. No sink is written to after that.
func (r *Room) StopTap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopTap()
}

func (r *Room) stopTap() {
	for t, s := range r.tapped {
		t.remove(s)
	}
	clear(r.tapped)
	r.tap = nil
}

func (r *Room) tapTrack(t *Track) {
	if r.tap == nil {
		return
	}
	if s := r.tap.Sink(r.id, t.publisher); s != nil && t.add(s) {
		r.tapped[t] = s
	}
}

// OnSpeakers sets the function that is called with the speakers, loudest first, whenever they
// change, at most four times a second. It must not block. nil removes it.
func (r *Room) OnSpeakers(f func([]Speaker)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onSpeakers = f
}

// reportSpeakers calls the function of OnSpeakers if the speakers have changed. Only the node's
// speaker loop calls it.
func (r *Room) reportSpeakers() {
	r.mu.Lock()
	report, tracks := r.onSpeakers, r.tracks
	if report != nil {
		tracks = slices.Clone(tracks)
	}
	r.mu.Unlock()
	if report == nil {
		return
	}
	if now, changed := r.speakers.update(tracks); changed {
		report(now)
	}
}

// Participants returns the members, in order of joining.
func (r *Room) Participants() []Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Info, 0, len(r.members))
	for _, p := range r.members {
		list = append(list, Info{
			ID: p.who.ID, Name: p.who.Name, Publish: p.who.Publish,
			Connected: p.connected.Load(), JoinedAt: p.joinedAt,
			Publishing: slices.ContainsFunc(r.tracks, func(t *Track) bool {
				return t.member == p
			}),
		})
	}
	slices.SortFunc(list, func(a, b Info) int {
		return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Close removes everybody for that reason. It does not wait.
func (r *Room) Close(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removeAll(reason)
}

// drain closes the room for good. Joins in progress are removed as soon as they are admitted.
func (r *Room) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = true
	if r.idle != nil {
		r.idle.Stop()
	}
	r.removeAll(ErrDraining)
}

// removeAll stops the tap, closes the sources and makes every member leave. The caller holds mu.
func (r *Room) removeAll(reason error) {
	r.stopTap()
	for _, s := range r.sources {
		r.removeSource(s, reason)
	}
	for _, p := range r.members {
		p.Leave(reason)
	}
}
