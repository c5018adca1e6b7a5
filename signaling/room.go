package signaling

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

// room is the live side of one attempt. Its loop alone touches the fields below "owned by run";
// everybody else posts or asks. The hub owns it; it ends by itself when its people have gone and
// everything is handed over.
type room struct {
	id    string
	hub   *Hub
	media mediaRoom
	log   *slog.Logger

	mu    sync.Mutex // guards the mailbox
	mail  []func()
	shut  bool // no more mail is taken
	wake  chan struct{}
	ended chan struct{} // closed when run has returned

	// Owned by run.
	attempt  store.Attempt
	stage    *stage
	seats    map[string]*seat
	timer    *time.Timer // for whatever comes first
	records  *ledger     // to the database
	audio    *ledger     // to the analysis
	announce *announcer
	prepared bool   // the candidate was here, so that an empty room means an attempt given up
	tapping  bool   // a play is recorded
	unsub    func() // of the report's news; the audio ledger's until that is done
	reported bool
	openedAt time.Time
	emptyAt  time.Time // since when nobody is here
	endedAt  time.Time
	closing  bool // the server is
	sentAway bool // everybody was told to go, the role play being over
}

// errRoomGone means that a room ended while somebody came in.
var errRoomGone = errors.New("the room has just ended")

func openRoom(h *Hub, a store.Attempt, sc store.Scenario, media mediaRoom) *room {
	now := time.Now()
	r := &room{
		id: a.ID, hub: h, media: media, log: h.log.With("room", a.ID), wake: make(chan struct{},
			1), ended: make(chan struct{}),
		attempt: a, seats: map[string]*seat{}, openedAt: now, emptyAt: now, timer: time.NewTimer(time.Hour),
	}
	prepare, play := time.Duration(sc.PrepareSeconds)*time.Second, time.Duration(sc.PlaySeconds)*time.Second
	r.records = newLedger(h.ctx, "records", r.log, r.inTrouble)
	r.audio = newLedger(h.ctx, "audio", r.log, r.inTrouble)
	r.announce = newAnnouncer(h.ctx, h.presence, r.log)
	switch {
	case a.State == store.AttemptPlaying && a.StartedAt != nil: // an earlier process began it
		r.stage, r.prepared = resumedStage(play, *a.StartedAt, now), true
		r.beginAudio(*a.StartedAt)
	case a.PreparedAt != nil:
		r.stage, r.prepared = newStage(leftOf(prepare, *a.PreparedAt, now), play, now), true
	default:
		r.stage = newStage(prepare, play, now)
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
	if r.shut {
		return false
	}
	r.mail = append(r.mail, f)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// ask has the loop call f and gives its answer; errRoomGone when f was not called because the
// room has ended. It waits for f, which must be bounded itself, so that what f did is never done
// behind the caller's back.
func (r *room) ask(f func() error) error {
	answer := make(chan error, 1)
	if !r.post(func() { answer <- f() }) {
		return errRoomGone
	}
	return <-answer // the loop does not end before its mail is read
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
	for !r.over(time.Now()) {
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

// over says whether the room may go: nobody is here, and nobody is waited for. It closes the
// mailbox.
func (r *room) over(now time.Time) bool {
	if at, ok := r.patience(); len(r.seats) > 0 || ok && now.Before(at) ||
		r.stage.name == protocol.PhasePlaying || r.tapping {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = len(r.mail) == 0
	return r.shut
}

// patience is how long the room waits for people who are not here, if it does: for anybody during
// preparation, for the candidate when a play is taken up again after a restart, for the report at
// the end.
func (r *room) patience() (until time.Time, waits bool) {
	switch {
	case r.closing:
	case r.stage.name == protocol.PhasePreparing && len(r.seats) == 0:
		return r.emptyAt.Add(r.hub.cfg.Linger), true
	case r.stage.name == protocol.PhasePlaying &&
		r.seats[string(store.ParticipantCandidate)] == nil:
		return r.openedAt.Add(r.hub.cfg.Linger), true
	case r.stage.name == protocol.PhaseEnded && len(r.seats) > 0 && !r.sentAway:
		return r.endedAt.Add(r.hub.cfg.ReportWait), true
	}
	return time.Time{}, false
}

// schedule sets the timer to whatever comes first.
func (r *room) schedule() {
	next := time.Now().Add(time.Hour)
	if at, ok := r.stage.deadline(); ok && at.Before(next) {
		next = at
	}
	if at, ok := r.patience(); ok && at.Before(next) {
		next = at
	}
	if at, ok := r.tailing(); ok && at.Before(next) {
		next = at
	}
	r.timer.Reset(time.Until(next))
}

// advance lets time take effect.
func (r *room) advance(now time.Time) {
	r.update(func(now time.Time) { r.stage.tick(now) })
	at, waits := r.patience()
	if waits && !now.Before(at) && r.stage.name == protocol.PhasePlaying {
		r.end(protocol.ReasonCandidateLeft)
	}
	if until, ok := r.tailing(); ok && (r.closing || len(r.seats) == 0 || !now.Before(until)) {
		r.handOver()
	}
	if r.stage.name == protocol.PhaseEnded && !r.sentAway &&
		(r.reported || waits && !now.Before(at)) {
		r.sentAway = true
		r.sendAway(websocket.StatusNormalClosure, "the role play is over", nil)
	}
}

// sendAway closes every socket, with a word before it so that clients do not try to come back,
// and lets everybody's media go.
func (r *room) sendAway(code websocket.StatusCode, why string, reason error) {
	for _, s := range r.seats {
		s.tell(protocol.Closing{Reason: why})
		if s.conn != nil {
			s.conn.end(code, why)
		}
		s.media.Leave(reason)
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
			r.endPlay(now)
		}
	}
	if before.name != after.name || before.running != after.running ||
		before.reason != after.reason {
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

// shutDown ends the room because the server is closing.
func (r *room) shutDown() {
	r.closing = true
	if r.stage.name == protocol.PhasePlaying {
		r.end(protocol.ReasonServerClosing)
	}
	r.sendAway(websocket.StatusGoingAway, shuttingDown, sfu.ErrDraining)
}

const shuttingDown = "the server is shutting down"

// wind hands over what is left once everybody has gone, and takes the room off the hub. An
// attempt whose candidate came and went before the play is given up, unless the server is only
// restarting.
func (r *room) wind() {
	r.timer.Stop()
	r.media.OnSpeakers(nil)
	if r.stage.name == protocol.PhasePreparing && r.prepared && !r.closing {
		now := time.Now()
		r.records.add("abandon", func(ctx context.Context) error {
			_, err := r.hub.attempts.AbandonAttempt(ctx, r.id, now)
			return err
		})
	}
	r.audio.Close()
	r.records.Close()
	r.announce.Close(r.id)
	<-r.audio.Done()
	<-r.records.Done()
	<-r.announce.Done()
	if r.unsub != nil {
		r.unsub()
	}
	r.hub.forget(r)
}
