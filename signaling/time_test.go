package signaling

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/pion/webrtc/v4"
)

// These tests run whole rooms against a clock of their own. Media is a stand-in, since real
// sockets do not follow that clock.

type fakeMedia struct {
	mu  sync.Mutex
	all map[string]*fakePart
	tap sfu.Sink // open while the tap is
}

type fakePart struct {
	h    sfu.Handler
	ice  error // of RestartICE
	once sync.Once
}

func (f *fakeMedia) Join(_ context.Context, who sfu.Identity, _ string,
	h sfu.Handler) (media, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &fakePart{h: h}
	if old := f.all[who.ID]; old != nil {
		old.Leave(sfu.ErrReplaced)
	}
	f.all[who.ID] = p
	return p, "answer", nil
}

func (f *fakeMedia) of(id string) sfu.Handler {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[id].h
}

func (f *fakeMedia) StartTap(t sfu.Tap)             { f.tap = t.Sink("room", "candidate") }
func (f *fakeMedia) StopTap()                       { f.tap.Close() }
func (*fakeMedia) OnSpeakers(func(_ []sfu.Speaker)) {}

func (p *fakePart) Answer(context.Context, uint64, string) error                { return nil }
func (p *fakePart) AddCandidate(context.Context, webrtc.ICECandidateInit) error { return nil }
func (p *fakePart) RestartICE(context.Context) error                            { return p.ice }
func (p *fakePart) SetHandler(sfu.Handler) error                                { return nil }
func (p *fakePart) Leave(reason error) {
	if reason == nil {
		reason = sfu.ErrLeft
	}
	p.once.Do(func() { go p.h.Gone(reason) })
}

// stageHand is a hub in a bubble of time, with one attempt.
type stageHand struct {
	*world
	t     *testing.T
	hub   *Hub
	media *fakeMedia
	began time.Time

	handedOver int // how often the audio was, as far as tapIs has read the log
}

// inTime runs a test in a bubble. prepare and play are in seconds.
func inTime(t *testing.T, prepare, play int, test func(*testing.T, *stageHand)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stageHand{
			world: newWorld(t, prepare, play), t: t,
			media: &fakeMedia{all: map[string]*fakePart{}}, began: time.Now(),
		}
		s.attempt("play-1")
		hub, err := newHub(Config{}, func(string) (mediaRoom, error) { return s.media, nil }, s, s,
			s, s, s, quiet(), nil)
		must(t, err)
		s.hub = hub
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := hub.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		test(t, s)
	})
}

// actor is somebody in the room, without a socket: what it is told stays in its queue.
type actor struct {
	s           *stageHand
	participant *participant
	conn        *conn
}

// enter joins and connects.
func (s *stageHand) enter(user string, role store.ParticipantRole) *actor {
	s.t.Helper()
	a, err := s.tryToEnter(user, role)
	must(s.t, err)
	s.media.of(a.participant.seat.id).Connected()
	synctest.Wait()
	return a
}

func (s *stageHand) tryToEnter(user string, role store.ParticipantRole) (*actor, error) {
	c := &conn{queue: make(chan []byte, queueLength), closing: make(chan struct{})}
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	p, err := s.hub.admit(ctx, c, protocol.Join{Ticket: s.ticket("play-1", user, role)})
	return &actor{s, p, c}, err
}

// phase is the phase as the room has it.
func (s *stageHand) phase() (p protocol.Phase) {
	s.t.Helper()
	s.hub.mu.Lock()
	r := s.hub.rooms["play-1"]
	s.hub.mu.Unlock()
	if r == nil {
		s.t.Fatal("the room is gone")
	}
	must(s.t, r.call(func() error { p = r.stage.phase(time.Now()); return nil }))
	return p
}

// is checks the phase.
func (s *stageHand) is(name protocol.PhaseName, running bool, left time.Duration,
	reason protocol.PhaseReason) {
	s.t.Helper()
	synctest.Wait()
	if got, want := s.phase(), (protocol.Phase{
		Name: name, Running: running, RemainingMS: left.Milliseconds(), Reason: reason,
	}); got != want {
		s.t.Fatalf("after %v the phase is %+v; want %+v", time.Since(s.began), got, want)
	}
}

func (s *stageHand) state() store.AttemptState {
	synctest.Wait()
	a, _, _ := s.Attempt(s.t.Context(), "play-1")
	return a.State
}

func (a *actor) does(m protocol.ClientMessage) error {
	return a.participant.room.handleMessage(a.s.t.Context(), a.participant, a.conn, m)
}

// told reads what came, and reports whether a message pleases.
func told[M protocol.ServerMessage](a *actor, pleases func(M) bool) bool {
	synctest.Wait()
	for found := false; ; {
		select {
		case b := <-a.conn.queue:
			m, err := protocol.DecodeServer(b)
			must(a.s.t, err)
			if m, ok := m.(M); ok && (pleases == nil || pleases(m)) {
				found = true
			}
		default:
			return found
		}
	}
}

func (a *actor) closedWith() (code int, open bool) {
	synctest.Wait()
	select {
	case <-a.conn.closing:
		return int(a.conn.code), false
	default:
		return 0, true
	}
}

func TestPreparationEndsByItselfWhenAPatientIsThere(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		s.enter("anna", store.ParticipantCandidate)
		s.is(protocol.PhasePreparing, true, 180*time.Second, "")
		time.Sleep(time.Minute)
		s.enter("tutor", store.ParticipantPatient)
		s.is(protocol.PhasePreparing, true, 120*time.Second, "")
		if s.state() != store.AttemptPreparing {
			t.Error(s.state())
		}
		time.Sleep(2*time.Minute - time.Millisecond)
		s.is(protocol.PhasePreparing, true, time.Millisecond, "")
		time.Sleep(time.Millisecond)
		s.is(protocol.PhasePlaying, true, 300*time.Second, "")
		if a, _, _ := s.Attempt(t.Context(), "play-1"); a.State != store.AttemptPlaying ||
			a.StartedAt.Sub(s.began) != 3*time.Minute {
			t.Errorf("%s since %v", a.State, a.StartedAt)
		}
		time.Sleep(5 * time.Minute)
		s.is(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
		if s.state() != store.AttemptAnalysing {
			t.Error(s.state())
		}
	})
}

func TestPreparationWaitsForAPatient(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		s.enter("anna", store.ParticipantCandidate)
		time.Sleep(10 * time.Minute)
		s.is(protocol.PhasePreparing, false, 0, protocol.ReasonWaitingPatient)
		s.enter("tutor", store.ParticipantPatient)
		s.is(protocol.PhasePlaying, true, 300*time.Second, "")
	})
}

func TestTheCandidateMayStartAlone(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		time.Sleep(10 * time.Minute)
		must(t, anna.does(protocol.Start{}))
		s.is(protocol.PhasePlaying, true, 300*time.Second, "")
	})
}

func TestTheClockStopsWhileTheCandidateIsAway(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		tutor := s.enter("tutor", store.ParticipantPatient)
		time.Sleep(30 * time.Second)
		s.media.of("candidate").Disconnected()
		s.is(protocol.PhasePreparing, false, 150*time.Second, protocol.ReasonCandidateAway)
		time.Sleep(15 * time.Second)
		s.media.of("candidate").Connected()
		s.is(protocol.PhasePreparing, true, 150*time.Second, "")

		must(t, anna.does(protocol.Start{}))
		time.Sleep(100 * time.Second)
		s.media.of("candidate").Disconnected()
		s.is(protocol.PhasePlaying, false, 200*time.Second, protocol.ReasonCandidateAway)
		if !told(tutor, func(m protocol.PeerUpdated) bool {
			return m.Peer.ParticipantID == "candidate" && !m.Peer.Connected
		}) {
			t.Error("the patient was not told")
		}
		time.Sleep(19 * time.Second)
		s.media.of("candidate").Connected()
		s.is(protocol.PhasePlaying, true, 200*time.Second, "")

		s.media.of("patient").Disconnected() // the patient's loss stops nothing
		s.is(protocol.PhasePlaying, true, 200*time.Second, "")
		time.Sleep(200 * time.Second)
		s.is(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
	})
}

func TestThePlayEndsWithoutItsCandidate(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		tutor := s.enter("tutor", store.ParticipantPatient)
		must(t, anna.does(protocol.Start{}))
		time.Sleep(time.Minute)
		s.media.of("candidate").Gone(sfu.ErrGraceExpired)
		s.is(protocol.PhaseEnded, false, 0, protocol.ReasonCandidateLeft)
		if !told(tutor, func(m protocol.PeerLeft) bool { return m.ParticipantID == "candidate" }) {
			t.Error("the patient was not told")
		}
		if s.state() != store.AttemptAnalysing {
			t.Error(s.state())
		}
	})
}

func TestTheClockStopsWhileACandidateIsReplaced(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		must(t, anna.does(protocol.Start{}))
		time.Sleep(time.Minute)
		// another tab: not connected yet
		again, err := s.tryToEnter("anna", store.ParticipantCandidate)
		must(t, err)
		s.is(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonCandidateAway)
		if code, _ := anna.closedWith(); code != protocol.CloseCode(protocol.CodeReplaced) {
			t.Errorf("the first tab's socket ended with %d", code)
		}
		time.Sleep(10 * time.Second)
		s.media.of("candidate").Connected()
		s.is(protocol.PhasePlaying, true, 4*time.Minute, "")
		if _, open := again.closedWith(); !open {
			t.Error("the second tab's socket was closed")
		}
	})
}

func TestAnEmptyRoomIsGivenUp(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		must(t, anna.does(protocol.Leave{}))
		time.Sleep(time.Minute)
		if s.state() != store.AttemptPreparing {
			t.Errorf("%s although the candidate may come back", s.state())
		}
		anna = s.enter("anna", store.ParticipantCandidate)
		must(t, anna.does(protocol.Leave{}))
		time.Sleep(2*time.Minute + time.Second)
		if s.state() != store.AttemptAbandoned {
			t.Errorf("%s although everybody left", s.state())
		}
		if _, err := s.tryToEnter("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeRoomClosed {
			t.Errorf("joining an abandoned attempt: %v", err)
		}
	})
}

func TestATutorsVisitAbandonsNothing(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		tutor := s.enter("tutor", store.ParticipantPatient)
		s.is(protocol.PhasePreparing, false, 180*time.Second, "")
		must(t, tutor.does(protocol.Leave{}))
		time.Sleep(time.Hour)
		if s.state() != store.AttemptCreated {
			t.Errorf("the attempt is %s; its candidate has never been there", s.state())
		}
		s.enter("anna", store.ParticipantCandidate)
		s.is(protocol.PhasePreparing, true, 180*time.Second, "")
	})
}

func TestALostSocketKeepsItsPlaceForTheGrace(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna, tutor := s.enter("anna",
			store.ParticipantCandidate), s.enter("tutor", store.ParticipantPatient)
		must(t, anna.does(protocol.Start{}))
		s.lose(tutor)
		time.Sleep(19 * time.Second)
		told[protocol.Pong](anna, nil)
		// the media goes on, so the clock does
		s.is(protocol.PhasePlaying, true, 281*time.Second, "")
		time.Sleep(time.Second)
		if !told(anna, func(m protocol.PeerLeft) bool { return m.ParticipantID == "patient" }) {
			t.Error("the patient kept the place for more than the grace")
		}
		s.lose(anna)
		time.Sleep(20 * time.Second)
		if s.state() != store.AttemptAnalysing {
			t.Errorf("the candidate's place was not given up: %s", s.state())
		}
	})
}

func (s *stageHand) lose(a *actor) {
	r := a.participant.room
	r.post(func() { r.socketLost(a.participant, a.conn) })
	synctest.Wait()
}

func TestAResumeIsAnsweredBeforeItsRestartIsRefused(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		b, err := protocol.DecodeServer(<-anna.conn.queue)
		must(t, err)
		s.lose(anna)
		s.media.all["candidate"].ice = sfu.ErrBadSDP
		c := &conn{queue: make(chan []byte, queueLength), closing: make(chan struct{})}
		_, err = s.hub.admit(t.Context(), c, protocol.Resume{
			Token: b.(protocol.Joined).ResumeToken, RestartICE: true,
		})
		must(t, err)
		for _, want := range []string{"resumed", "error"} {
			if m, err := protocol.DecodeServer(<-c.queue); err != nil ||
				protocol.TypeOf(m) != want {
				t.Errorf("%+v, %v; want %s", m, err, want)
			}
		}
	})
}

func TestSocketsWaitAMinuteForTheReport(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		must(t, anna.does(protocol.Start{}))
		must(t, anna.does(protocol.Finish{}))
		time.Sleep(59 * time.Second)
		if _, open := anna.closedWith(); !open {
			t.Fatal("the socket did not wait")
		}
		if _, err := s.tryToEnter("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeRoomClosed {
			t.Errorf("joining a play that has ended: %v", err)
		}
		time.Sleep(time.Second)
		if code, open := anna.closedWith(); open || code != 1000 ||
			!told[protocol.Closing](anna, nil) {
			t.Errorf("after a minute: code %d, open %v", code, open)
		}
		if synctest.Wait(); s.hub.rooms["play-1"] != nil {
			t.Error("the room is still there")
		}
	})
}

func TestAPlayGoesOnAfterARestart(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		began := s.began.Add(-100 * time.Second)
		s.set(func() {
			a := s.attempts["play-1"]
			a.State, a.StartedAt = store.AttemptPlaying, &began
			s.attempts["play-1"] = a
		})
		s.enter("tutor", store.ParticipantPatient)
		s.is(protocol.PhasePlaying, false, 200*time.Second, "")
		time.Sleep(10 * time.Second)
		s.enter("anna", store.ParticipantCandidate)
		s.is(protocol.PhasePlaying, true, 200*time.Second, "")
		if s.taps["candidate"] != 1 {
			t.Error("the play is not recorded")
		}
		time.Sleep(200 * time.Second)
		s.is(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
	})
}

func TestAPlayThatNobodyComesBackToEnds(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		began := s.began.Add(-time.Second)
		s.set(func() {
			a := s.attempts["play-1"]
			a.State, a.StartedAt = store.AttemptPlaying, &began
			s.attempts["play-1"] = a
		})
		tutor := s.enter("tutor", store.ParticipantPatient)
		time.Sleep(2 * time.Minute)
		if !told(tutor, func(m protocol.PhaseChanged) bool {
			return m.Phase.Reason == protocol.ReasonCandidateLeft
		}) || s.state() != store.AttemptAnalysing {
			t.Errorf("the play waits for its candidate for ever: %s", s.state())
		}
	})
}

func TestAPlayDoesNotWaitForTheDatabase(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		s.set(func() { s.down = store.ErrUnavailable })
		must(t, anna.does(protocol.Start{}))
		time.Sleep(10 * time.Second)
		s.is(protocol.PhasePlaying, true, 290*time.Second, "")
		if told[protocol.Error](anna, nil) {
			t.Error("people were told of an outage that costs them nothing")
		}
		if synctest.Wait(); s.asked > 20 {
			t.Errorf("the database was asked %d times in 10 s", s.asked)
		}
		s.set(func() { s.down = nil })
		time.Sleep(3 * time.Second)
		if a, _, _ := s.Attempt(t.Context(), "play-1"); a.State != store.AttemptPlaying ||
			!a.StartedAt.Equal(s.began) {
			t.Errorf("%s since %v; the play began at %v", a.State, a.StartedAt, s.began)
		}
	})
}

func TestAnEndedPlayIsNotBegunAnewWhileTheDatabaseIsAway(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		must(t, anna.does(protocol.Start{}))
		synctest.Wait()
		s.set(func() { s.down = store.ErrUnavailable })
		must(t, anna.does(protocol.Finish{}))
		must(t, anna.does(protocol.Leave{}))
		time.Sleep(time.Minute)
		if _, err := s.tryToEnter("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeUnavailable {
			t.Errorf("while nobody can know: %v", err)
		}
		s.set(func() { s.down = nil })
		if _, err := s.tryToEnter("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeRoomClosed {
			t.Errorf("once it is known: %v", err)
		}
	})
}

func TestTheCandidateHearsThatTheAnalysisDoesNotAnswer(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		s.set(func() { s.deaf = errors.New("no servers") })
		must(t, anna.does(protocol.Start{}))
		time.Sleep(20 * time.Second)
		errorsTold := 0
		told(anna, func(m protocol.Error) bool {
			if m.Code == protocol.CodeUnavailable && !m.Fatal {
				errorsTold++
			}
			return true
		})
		if errorsTold != 1 {
			t.Errorf("the candidate was told %d times, not once", errorsTold)
		}
		s.is(protocol.PhasePlaying, true, 280*time.Second, "")
		must(t, anna.does(protocol.Finish{}))
		s.set(func() { s.deaf = nil })
		time.Sleep(3 * time.Second)
		synctest.Wait()
		got := []string{}
		for len(s.log) > 0 {
			if what := <-s.log; what == "begin audio" || what == "finish audio" {
				got = append(got, what)
			}
		}
		if len(got) != 2 || got[0] != "begin audio" {
			t.Errorf("handed over: %v", got)
		}
	})
}

func TestPresenceKnowsWhoIsThere(t *testing.T) {
	inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
		anna := s.enter("anna", store.ParticipantCandidate)
		time.Sleep(time.Minute)
		s.enter("tutor", store.ParticipantPatient)
		s.media.of("candidate").Disconnected()
		synctest.Wait()
		r := s.rooms["play-1"]
		if r.Phase != "preparing" || r.Remaining != 120 || len(r.People) != 2 ||
			r.People[0].UserID != "anna" || r.People[0].Connected || !r.People[1].Connected ||
			!r.OpenedAt.Equal(s.began) {
			t.Errorf("%+v", r)
		}
		must(t, anna.does(protocol.Leave{}))
		synctest.Wait()
		if r := s.rooms["play-1"]; len(r.People) != 1 || r.Taken(store.ParticipantCandidate, "") {
			t.Errorf("%+v", r)
		}
		s.media.of("patient").Gone(sfu.ErrLeft)
		time.Sleep(3 * time.Minute)
		if synctest.Wait(); len(s.rooms) != 0 {
			t.Errorf("%+v", s.rooms)
		}
	})
}
