package sfu

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Room is a meeting: who is in it, what they publish, and who listens in. Its node owns it. It
// has no goroutine. Safe for concurrent use.
type Room struct {
	id   string
	node *Node

	// guards membership: the fields below. Never held during a call to Pion or to a Handler
	mu         sync.Mutex
	members    map[string]*Participant
	joining    int
	tracks     []*Track // of all members, in order of publication
	tap        Tap
	tapped     map[*Track]Sink
	onSpeakers func([]Speaker)
	idle       *time.Timer // runs while the room is empty
	draining   bool

	speakers speakers // owned by the node's speaker loop
}

// Info is what a room tells of a participant.
type Info struct {
	ID, Name   string
	Publish    bool // may publish
	Publishing bool // has published a track
	Connected  bool
	JoinedAt   time.Time
}

func newRoom(n *Node, id string) *Room {
	return &Room{id: id, node: n, members: map[string]*Participant{}, tapped: map[*Track]Sink{}}
}

// validID accepts what is safe in an SDP, a log and a subject name.
func validID(id string) bool {
	return len(id) >= 1 && len(id) <= 64 && !slices.ContainsFunc([]byte(id), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' &&
			c != '_' && c != '.' && c != ':'
	})
}

// ID of the room.
func (r *Room) ID() string { return r.id }

// Join brings a participant in: it answers the offer, with all candidates in the answer, and
// starts the participant's loop. A participant with the same id who is in the room is replaced,
// once the offer has proved usable. The first server offer comes after the client has connected,
// so never before the answer.
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
	answer, err := p.accept(ctx, checked)
	if err == nil {
		err = ctx.Err() // nobody waits for the answer any more
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

// reserve counts a join that is under way, so that limits and Close see it.
func (r *Room) reserve(id string) error {
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	if err := r.node.enter(r); err != nil {
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

// admit makes the participant a member. Whoever had its id is gone for the others at the same
// moment.
func (r *Room) admit(p *Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joining--
	if old := r.members[p.who.ID]; old != nil {
		r.withdraw(old)
		old.Leave(ErrReplaced)
	}
	r.members[p.who.ID] = p
	r.node.metrics.participants.Inc()
	r.wake()
	if r.draining {
		p.Leave(ErrDraining)
	}
}

// remove takes the participant out for good.
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

// withdraw takes the participant's tracks out. mu is held.
func (r *Room) withdraw(p *Participant) {
	r.tracks = slices.DeleteFunc(r.tracks, func(t *Track) bool {
		if t.publisher != p {
			return false
		}
		delete(r.tapped, t)
		t.end()
		return true
	})
}

// wake has every loop compare what it sends with what there is. mu is held.
func (r *Room) wake() {
	for _, p := range r.members {
		p.wakeUp()
	}
}

// waitIdle starts the time after which an empty room leaves the node. mu is held.
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
	if r.members[t.publisher.who.ID] != t.publisher {
		return false
	}
	r.tracks = append(r.tracks, t)
	r.tapTrack(t)
	r.wake()
	return true
}

// others are the tracks that p is to be sent.
func (r *Room) others(p *Participant) []*Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.tracks), func(t *Track) bool {
		return t.publisher.who.ID == p.who.ID
	})
}

// StartTap adds the tap's sinks to every published track, present and future, until StopTap. A
// tap that is there already is stopped first.
func (r *Room) StartTap(tap Tap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopTap()
	r.tap = tap
	for _, t := range r.tracks {
		r.tapTrack(t)
	}
}

// StopTap takes the tap's sinks off and closes them; none is written to afterwards.
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
	if s := r.tap.Sink(r.id, t.publisher.who.ID); s != nil && t.add(s) {
		r.tapped[t] = s
	}
}

// OnSpeakers has f called with those who are speaking, loudest first, whenever that changes, at
// most four times a second. It must not block. There is one f for a room; nil ends it.
func (r *Room) OnSpeakers(f func([]Speaker)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onSpeakers = f
}

func (r *Room) tellSpeakers() {
	r.mu.Lock()
	tell, tracks := r.onSpeakers, r.tracks
	if tell != nil {
		tracks = slices.Clone(tracks)
	}
	r.mu.Unlock()
	if tell == nil {
		return
	}
	if now, changed := r.speakers.update(tracks); changed {
		tell(now)
	}
}

// Participants lists who is in the room, in order of joining.
func (r *Room) Participants() []Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Info, 0, len(r.members))
	for _, p := range r.members {
		list = append(list, Info{
			ID: p.who.ID, Name: p.who.Name, Publish: p.who.Publish, Connected: p.connected.Load(), JoinedAt: p.joinedAt,
			Publishing: slices.ContainsFunc(r.tracks, func(t *Track) bool {
				return t.publisher == p
			}),
		})
	}
	slices.SortFunc(list, func(a, b Info) int {
		return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Close sends everybody away with that reason. It does not wait.
func (r *Room) Close(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dismiss(reason)
}

// drain closes the room for good: joins under way are sent away as soon as they are admitted.
func (r *Room) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = true
	if r.idle != nil {
		r.idle.Stop()
	}
	r.dismiss(ErrDraining)
}

// dismiss stops the tap and tells every member to leave. mu is held.
func (r *Room) dismiss(reason error) {
	r.stopTap()
	for _, p := range r.members {
		p.Leave(reason)
	}
}
