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
	"github.com/google/uuid"
)

// roomEnv is what a room needs from its surroundings. All rooms of a hub share one.
type roomEnv struct {
	ctx       context.Context // ends when Hub.Close gives up waiting
	cfg       Config
	attempts  Attempts
	audio     Audio
	patients  Patients
	presence  Presence
	feedback  Feedback
	tokens    *resumeTokens
	metrics   *metrics
	log       *slog.Logger
	running   *sync.WaitGroup // counts the rooms' loops
	sendError func(c *conn, err error)
	// release and forget are called by the loop, in this order, when the room has ended
	release func(attemptID string)
	forget  func(*room)
}

// room is the live side of one attempt. Its loop alone uses the fields below "owned by run"; other
// goroutines pass it functions with post or call. It ends by itself when nobody is left and
// everything is stored.
type room struct {
	id    string
	fence int64 // of the room's lease
	env   *roomEnv
	media mediaRoom
	log   *slog.Logger

	mu          sync.Mutex // guards tasks and tasksClosed
	tasks       []func()
	tasksClosed bool // post refuses new tasks
	wake        chan struct{}
	ended       chan struct{} // closed when run has returned

	// Owned by run.
	stage         *stage
	seats         *seats
	participants  map[string]*participant // by participant id, as the seats
	timer         *time.Timer             // for the next deadline
	records       *ledger                 // writes to the database
	audio         *ledger                 // writes to the analysis
	stopWriting   context.CancelFunc      // ends ledgers and announcer as they are
	announcer     *announcer
	interruptions *interruptions
	automatic     *automatic
	startedAt     time.Time // of the play's time line
	prepared      bool      // the candidate was here, so that leaving abandons the attempt
	used          bool      // somebody's media was connected
	tap           Tap       // nil when it is closed
	unsubscribe   func()    // from the report; set by the audio ledger, read once that has ended
	reported      bool
	openedAt      time.Time
	emptyAt       time.Time // when the last participant left
	endedAt       time.Time // when the play ended
	draining      bool      // the server waits for its rooms to end
	closing       bool      // the room leaves this process
	lost          bool      // another node has the room
	dismissed     bool      // the sockets were closed because the role play is over
}

// errRoomGone is returned by call when the room has ended before the function could run.
var errRoomGone = errors.New("the room has just ended")

// openRoom makes the room of an attempt, whose fence is that of the room's lease, and starts its
// loop. It continues a play, with its last clock and patient, or a preparation that an earlier
// process began.
func openRoom(env *roomEnv, a store.Attempt, sc store.Scenario, last store.PlayClock,
	patient PatientState, media mediaRoom) *room {
	now := time.Now()
	r := &room{
		id: a.ID, fence: a.Fence, env: env, media: media, log: env.log.With("room", a.ID),
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
		seats:        newSeats(a.CandidateID, func() string { return uuid.NewString()[:8] }),
		participants: map[string]*participant{}, interruptions: newInterruptions(),
		openedAt: now, emptyAt: now, timer: time.NewTimer(time.Hour),
	}
	r.automatic = newAutomatic(r, a, sc, patient)
	prepare := time.Duration(sc.PrepareSeconds) * time.Second
	play := time.Duration(sc.PlaySeconds) * time.Second
	writing, stop := context.WithCancel(env.ctx)
	r.stopWriting = stop
	r.records = newLedger(writing, "records", r.log, r.ledgerFailed)
	r.audio = newLedger(writing, "audio", r.log, r.ledgerFailed)
	r.announcer = newAnnouncer(writing, env.presence, r.log)
	switch {
	case a.State == store.AttemptPlaying && a.StartedAt != nil:
		r.stage, r.prepared = resumedStage(play, env.cfg.MayStand, last, now), true
		r.startAudio(*a.StartedAt)
		r.recordClock(now)
	case a.PreparedAt != nil:
		r.stage, r.prepared = newStage(leftOf(prepare, *a.PreparedAt, now), play,
			env.cfg.MayStand, now), true
	default:
		r.stage = newStage(prepare, play, env.cfg.MayStand, now)
	}
	if a.Exam.ID != "" || a.Mode == store.ModeExam {
		r.stage.makeStrict(r.prepared)
	}
	media.OnSpeakers(func(list []sfu.Speaker) {
		r.post(func() { r.broadcastSpeakers(list) })
	})
	env.running.Add(1)
	go r.run()
	return r
}

// post queues f for the loop and does not wait. It returns false, and drops f, when the room has
// ended.
func (r *room) post(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasksClosed {
		return false
	}
	r.tasks = append(r.tasks, f)
	signal(r.wake)
	return true
}

// call runs f in the loop, waits for it and returns its result, or errRoomGone when the room has
// ended. f must not block for long. The caller waits without a limit, so that f never takes
// effect after call has returned.
func (r *room) call(f func() error) error {
	result := make(chan error, 1)
	if !r.post(func() { result <- f() }) {
		return errRoomGone
	}
	return <-result // the loop runs every queued task before it ends
}

// takeTasks empties the queue.
func (r *room) takeTasks() []func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	tasks := r.tasks
	r.tasks = nil
	return tasks
}

// run is the room's loop.
func (r *room) run() {
	defer r.env.running.Done()
	defer close(r.ended)
	for !r.finished(time.Now()) {
		r.setTimer()
		select {
		case <-r.wake:
		case <-r.timer.C:
		}
		for _, task := range r.takeTasks() {
			task()
		}
		r.applyDeadlines(time.Now())
		r.recordInterruptions(time.Now())
	}
	r.shutdown()
}

// finished reports whether the loop may end: nobody is here and nobody is expected. It closes the
// queue, unless a task has just been added.
func (r *room) finished(now time.Time) bool {
	if at, ok := r.deadlineForAbsent(); !r.seats.empty() || ok && now.Before(at) ||
		!r.lost && (r.stage.name == protocol.PhasePlaying && !r.closing || r.tap != nil) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasksClosed = len(r.tasks) == 0
	return r.tasksClosed
}

// deadlineForAbsent returns the time at which the room stops waiting: for anybody during the
// preparation (not for long if nobody's media was ever connected), for the candidate when a play
// continues after a restart, and for the report after the play. It returns false when the room
// waits for nothing: a server that drains waits for nobody who is absent.
func (r *room) deadlineForAbsent() (at time.Time, waits bool) {
	switch {
	case r.closing || r.lost || r.draining && r.seats.empty():
	case r.stage.name == protocol.PhasePreparing && r.seats.empty() && !r.used:
		return r.emptyAt.Add(r.env.cfg.Unused), true
	case r.stage.name == protocol.PhasePreparing && r.seats.empty():
		return r.emptyAt.Add(r.env.cfg.Linger), true
	case r.stage.name == protocol.PhasePlaying && !r.seats.candidatePresent():
		return r.openedAt.Add(r.env.cfg.Linger), true
	case r.stage.name == protocol.PhaseEnded && !r.seats.empty() && !r.dismissed:
		return r.endedAt.Add(r.env.cfg.ReportWait), true
	}
	return time.Time{}, false
}

// setTimer sets the timer to the earliest deadline.
func (r *room) setTimer() {
	next := time.Now().Add(time.Hour)
	for _, deadline := range []func() (time.Time, bool){
		r.stage.deadline, r.deadlineForAbsent, r.tailEnd, r.automatic.deadline,
	} {
		if at, ok := deadline(); ok && at.Before(next) {
			next = at
		}
	}
	r.timer.Reset(time.Until(next))
}

// applyDeadlines does what is due by now.
func (r *room) applyDeadlines(now time.Time) {
	if r.lost {
		return
	}
	r.automatic.tick(now)
	r.changeStage(func(s *stage, now time.Time) { s.tick(now) })
	at, waits := r.deadlineForAbsent()
	overdue := waits && !now.Before(at)
	if overdue && r.stage.name == protocol.PhasePlaying {
		r.endStage(protocol.ReasonCandidateLeft)
	}
	if at, ok := r.tailEnd(); ok && (r.closing || r.seats.empty() || !now.Before(at)) {
		r.closeTap()
	}
	if r.stage.name == protocol.PhaseEnded && !r.dismissed && (r.reported || overdue) {
		r.dismissed = true
		r.closeSockets(protocol.Closing{Reason: roleplayOver}, websocket.StatusNormalClosure,
			roleplayOver, nil)
	}
}

const roleplayOver = "the role play is over"

// closeSockets closes every socket and every participant's media. The message before it keeps
// clients from resuming.
func (r *room) closeSockets(last protocol.ServerMessage, code websocket.StatusCode,
	reason string, mediaReason error) {
	for _, p := range r.participants {
		p.push(last)
		p.closeSocket(code, reason)
		p.media.Leave(mediaReason)
	}
}

// changeStage changes the stage and applies the effects of that change.
func (r *room) changeStage(change func(s *stage, now time.Time)) {
	now, before := time.Now(), *r.stage
	change(r.stage, now)
	after := *r.stage
	if before.name != after.name {
		switch after.name {
		case protocol.PhasePlaying:
			r.playStarted(now)
		case protocol.PhaseEnded:
			r.playEnded(now)
		}
	}
	if before.name != after.name || before.running != after.running ||
		before.reason != after.reason {
		r.recordClock(now)
		r.automatic.tellClock(now)
		r.broadcast(protocol.PhaseChanged{Phase: after.phase(now)})
		r.publishPresence(now)
	}
}

func (r *room) endStage(reason protocol.PhaseReason) {
	r.changeStage(func(s *stage, now time.Time) { s.end(reason, now) })
}

// stopForOtherNode ends the room at once, because another node has its lease: it stores nothing
// more, and the participants join there, with new tickets.
func (r *room) stopForOtherNode() {
	if r.lost {
		return
	}
	r.log.Warn("another node has this room; it stops here", "fence", r.fence)
	r.lost = true
	r.env.metrics.lost.Inc()
	r.automatic.leave("the room is elsewhere")
	r.stopWriting()
	if r.tap != nil {
		r.tap = nil
		r.media.StopTap()
	}
	r.env.audio.Discard(r.id)
	for _, p := range slices.Collect(maps.Values(r.participants)) {
		r.expel(p, errOtherNode)
	}
}

// shutdown waits until everything is stored, releases the lease and removes the room from the hub.
// It abandons an attempt whose candidate came and left before the play, unless nobody's media was
// ever connected, the server is being stopped or another node has the room.
func (r *room) shutdown() {
	r.timer.Stop()
	r.media.OnSpeakers(nil)
	r.automatic.leave("the room is closed")
	if r.stage.name == protocol.PhasePreparing && r.prepared && r.used && !r.closing &&
		!r.draining && !r.lost {
		r.recordChange("abandon", r.env.attempts.AbandonAttempt, time.Now())
	}
	r.audio.Close()
	r.records.Close()
	r.announcer.Close(r.id)
	<-r.audio.Done()
	<-r.records.Done()
	<-r.announcer.Done()
	r.stopWriting()
	if r.unsubscribe != nil {
		r.unsubscribe()
	}
	if !r.lost {
		r.env.release(r.id)
	}
	r.env.forget(r)
}
