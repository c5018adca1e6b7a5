package signaling

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

// room is the live side of one attempt. Its loop alone touches the fields below "owned by run"; everybody else posts or asks. The hub owns
// it; it ends by itself when its people have gone and everything is handed over.
type room struct {
	id    string
	hub   *Hub
	media *sfu.Room
	log   *slog.Logger

	mu    sync.Mutex // guards the mailbox
	mail  []func()
	over  bool // no more mail is taken
	wake  chan struct{}
	ended chan struct{} // closed when run has returned

	// Owned by run.
	attempt  store.Attempt
	stage    *stage
	seats    map[string]*seat
	timer    *time.Timer // the stage's deadline, or the end of waiting
	records  *ledger     // to the database
	audio    *ledger     // to the analysis
	announce *announcer
	tapping  bool
	unsub    func() // of the report's news
	reported bool
	openedAt time.Time
	emptyAt  time.Time // since when nobody is here
	endedAt  time.Time
	closing  bool
	sentAway bool // everybody was told to go, the role play being over
}

// errRoomGone means that a room ended while somebody came in.
var errRoomGone = errors.New("the room has just ended")

func openRoom(h *Hub, a store.Attempt, sc store.Scenario, media *sfu.Room) *room {
	now := time.Now()
	r := &room{
		id: a.ID, hub: h, media: media, log: h.log.With("room", a.ID), wake: make(chan struct{}, 1), ended: make(chan struct{}),
		attempt: a, seats: map[string]*seat{}, openedAt: now, emptyAt: now, timer: time.NewTimer(time.Hour),
	}
	play := time.Duration(sc.PlaySeconds) * time.Second
	r.records = newLedger(h.ctx, "records", r.log, func(string, error) {})
	r.audio = newLedger(h.ctx, "audio", r.log, func(string, error) {
		r.post(func() {
			r.tellAll(protocol.Error{Code: protocol.CodeUnavailable, Message: "the recording could not be handed over; there may be no report"})
		})
	})
	r.announce = newAnnouncer(h.ctx, h.presence, r.log)
	if a.State == store.AttemptPlaying && a.StartedAt != nil {
		r.stage = resumedStage(play, *a.StartedAt, now)
		r.beginAudio(*a.StartedAt)
	} else {
		r.stage = newStage(time.Duration(sc.PrepareSeconds)*time.Second, play, now)
		r.records.add("prepare", func(ctx context.Context) error {
			_, err := h.attempts.PrepareAttempt(ctx, r.id, now)
			return err
		})
	}
	media.OnSpeakers(func(list []sfu.Speaker) { r.post(func() { r.speakers(list) }) })
	h.work.Add(1)
	go r.run()
	return r
}

// post has the loop call f soon. After the room has ended it is dropped.
func (r *room) post(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.mail = append(r.mail, f)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// ask has the loop call f and gives its answer.
func (r *room) ask(ctx context.Context, f func() error) error {
	answer := make(chan error, 1)
	if !r.post(func() { answer <- f() }) {
		return errRoomGone
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return errRoomGone
	}
}

func (r *room) letters() []func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	mail := r.mail
	r.mail = nil
	return mail
}

// run is the room's loop.
func (r *room) run() {
	defer r.hub.work.Done()
	defer close(r.ended)
	for !r.done(time.Now()) {
		r.schedule()
		select {
		case <-r.wake:
		case <-r.timer.C:
		}
		for _, f := range r.letters() {
			f()
		}
		r.advance(time.Now())
	}
	r.wind()
}

// done says whether the room may go: nobody is here, and nobody is waited for. It closes the mailbox.
func (r *room) done(now time.Time) bool {
	if len(r.seats) > 0 || now.Before(r.keepUntil()) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = len(r.mail) == 0
	return r.over
}

// keepUntil is how long an empty room waits for people.
func (r *room) keepUntil() time.Time {
	switch {
	case r.closing || r.stage.name == protocol.PhaseEnded:
		return time.Time{}
	case r.stage.name == protocol.PhasePlaying:
		return r.emptyAt.Add(r.hub.cfg.Grace)
	}
	return r.emptyAt.Add(r.hub.cfg.Linger)
}

// schedule sets the timer to whatever comes first.
func (r *room) schedule() {
	next := time.Now().Add(time.Hour)
	if at, ok := r.stage.deadline(); ok && at.Before(next) {
		next = at
	}
	if len(r.seats) == 0 && r.keepUntil().Before(next) {
		next = r.keepUntil()
	}
	if at := r.endedAt.Add(r.hub.cfg.ReportWait); r.stage.name == protocol.PhaseEnded && !r.sentAway && at.Before(next) {
		next = at
	}
	r.timer.Reset(time.Until(next))
}

// advance lets time take effect.
func (r *room) advance(now time.Time) {
	before := *r.stage
	r.stage.tick(now)
	r.changed(before, now)
	if len(r.seats) == 0 && r.stage.name == protocol.PhasePlaying && !now.Before(r.keepUntil()) {
		r.end(protocol.ReasonCandidateLeft)
	}
	if r.stage.name == protocol.PhaseEnded && !r.sentAway && (r.reported || !now.Before(r.endedAt.Add(r.hub.cfg.ReportWait))) {
		r.sentAway = true
		for _, s := range r.seats {
			if s.conn != nil {
				s.conn.end(websocket.StatusNormalClosure, "the role play is over")
			}
			s.media.Leave(nil)
		}
	}
}

// changed does what a change of the stage brings with it.
func (r *room) changed(before stage, now time.Time) {
	after := *r.stage
	if before.name != after.name {
		switch after.name {
		case protocol.PhasePlaying:
			r.beginPlay(now)
		case protocol.PhaseEnded:
			r.endPlay(before.name, now)
		}
	}
	if before.name != after.name || before.running != after.running || before.reason != after.reason {
		r.tellAll(protocol.PhaseChanged{Phase: after.phase(now)})
		r.tellPresence(now)
	}
}

// update changes the stage, with all that follows.
func (r *room) update(change func(now time.Time)) {
	now, before := time.Now(), *r.stage
	change(now)
	r.changed(before, now)
}

func (r *room) end(reason protocol.PhaseReason) {
	r.update(func(now time.Time) { r.stage.end(reason, now) })
}

func (r *room) tellAll(m protocol.ServerMessage) {
	for _, s := range r.seats {
		s.tell(m)
	}
}

// others lists everybody but one, candidate first.
func (r *room) others(than *seat) []protocol.Peer {
	peers := []protocol.Peer{}
	for _, id := range slices.Sorted(maps.Keys(r.seats)) {
		if s := r.seats[id]; s != than {
			peers = append(peers, s.peer())
		}
	}
	return peers
}

func (r *room) speakers(list []sfu.Speaker) {
	m := protocol.Speaking{Speakers: []protocol.Speaker{}}
	for _, s := range list {
		m.Speakers = append(m.Speakers, protocol.Speaker{ParticipantID: s.ID, Level: s.Level})
	}
	r.tellAll(m)
}

func (r *room) tellPresence(now time.Time) {
	info := store.RoomInfo{
		ID: r.id, Node: r.hub.cfg.Endpoint, Phase: string(r.stage.name), Remaining: r.stage.remaining(now).Seconds(),
		People: []store.RoomPerson{}, OpenedAt: r.openedAt,
	}
	for _, id := range slices.Sorted(maps.Keys(r.seats)) {
		s := r.seats[id]
		info.People = append(info.People, store.RoomPerson{UserID: s.join.UserID, Name: s.join.Name, Role: s.join.Role, Connected: s.connected})
	}
	r.announce.tell(info)
}

// shutDown ends the room because the server is closing.
func (r *room) shutDown() {
	r.closing = true
	r.tellAll(protocol.Closing{Reason: "the server is shutting down"})
	if r.stage.name == protocol.PhasePlaying {
		r.end(protocol.ReasonServerClosing)
	}
	for _, s := range r.seats {
		if s.conn != nil {
			s.conn.end(websocket.StatusGoingAway, "the server is shutting down")
		}
		s.media.Leave(sfu.ErrDraining)
	}
}

// wind hands over what is left once everybody has gone, and takes the room off the hub. An attempt that never came to play is given up, unless
// the server is only restarting.
func (r *room) wind() {
	if r.stage.name == protocol.PhasePreparing && !r.closing {
		now := time.Now()
		r.records.add("abandon", func(ctx context.Context) error {
			_, err := r.hub.attempts.AbandonAttempt(ctx, r.id, now)
			return err
		})
	}
	r.hub.forget(r)
	r.timer.Stop()
	r.media.OnSpeakers(nil)
	if r.unsub != nil {
		r.unsub()
	}
	r.audio.Close()
	r.records.Close()
	r.announce.Close(r.id)
	<-r.audio.Done()
	<-r.records.Done()
	<-r.announce.Done()
}
