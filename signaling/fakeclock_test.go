package signaling

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/pion/webrtc/v4"
)

// These tests run whole rooms with a fake clock. The media is fake too, because real UDP sockets
// do not work with it.

type fakeMedia struct {
	mu  sync.Mutex
	all map[string]*fakePart
	tap sfu.Sink
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

func (f *fakeMedia) AddSource(id string) (voice, error) {
	return &fakeVoice{closed: make(chan struct{})}, nil
}

// fakeVoice says what it is to say, to nobody.
type fakeVoice struct {
	closed chan struct{}
	once   sync.Once
}

func (v *fakeVoice) Play(ctx context.Context, clip []sfu.Frame) (p sfu.Played, err error) {
	p.From = time.Now()
	for range clip {
		select {
		case <-v.closed:
			return p, sfu.ErrGone
		case <-ctx.Done():
			return p, ctx.Err()
		case <-time.After(sfu.FrameDuration):
			p.Frames, p.To = p.Frames+1, time.Now()
		}
	}
	return p, nil
}

func (v *fakeVoice) Close() { v.once.Do(func() { close(v.closed) }) }

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

// timedRoom is a hub with a fake clock and one attempt.
type timedRoom struct {
	*world
	t     *testing.T
	hub   *Hub
	media *fakeMedia
	began time.Time

	handOvers int // of audio, in the part of the log that wantTap has read
}

// withFakeClock runs a test in a synctest bubble. prepare and play are in seconds.
func withFakeClock(t *testing.T, prepare, play int, test func(*testing.T, *timedRoom)) {
	synctest.Test(t, func(t *testing.T) {
		s := &timedRoom{
			world: newWorld(t, prepare, play), t: t,
			began: time.Now(),
		}
		s.attempt("play-1")
		s.start()
		test(t, s)
	})
}

// start makes the hub. After the first has closed it makes the one of the next process.
func (s *timedRoom) start() {
	media := &fakeMedia{all: map[string]*fakePart{}}
	hub, err := newHub(Config{}, func(string) (mediaRoom, error) { return media, nil }, s, s,
		s, s, s, s, quiet(), nil)
	must(s.t, err)
	s.hub, s.media = hub, media
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := hub.Close(ctx); err != nil {
			s.t.Error(err)
		}
	})
}

// fakeClient is a participant without a socket. Messages to it stay in its queue.
type fakeClient struct {
	s           *timedRoom
	participant *participant
	conn        *conn
}

// joinConnected joins and connects the media.
func (s *timedRoom) joinConnected(user string, role store.ParticipantRole) *fakeClient {
	s.t.Helper()
	a, err := s.tryJoin(user, role)
	must(s.t, err)
	s.media.of(a.participant.seat.id).Connected()
	synctest.Wait()
	return a
}

func (s *timedRoom) tryJoin(user string, role store.ParticipantRole) (*fakeClient, error) {
	return s.tryJoinOf("play-1", user, role)
}

// tryJoinOf joins the room of an attempt.
func (s *timedRoom) tryJoinOf(attempt, user string,
	role store.ParticipantRole) (*fakeClient, error) {
	c := &conn{queue: make(chan []byte, queueLength), closing: make(chan struct{})}
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	p, err := s.hub.admit(ctx, c, protocol.Join{Ticket: s.ticket(attempt, user, role)})
	return &fakeClient{s, p, c}, err
}

// phase returns the room's phase.
func (s *timedRoom) phase() (p protocol.Phase) {
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

// wantPhase checks the phase.
func (s *timedRoom) wantPhase(name protocol.PhaseName, running bool, left time.Duration,
	reason protocol.PhaseReason) {
	s.t.Helper()
	synctest.Wait()
	got := s.phase()
	got.EndsInMS = 0
	if want := (protocol.Phase{
		Name: name, Running: running, RemainingMS: left.Milliseconds(), Reason: reason,
	}); got != want {
		s.t.Fatalf("after %v the phase is %+v; want %+v", time.Since(s.began), got, want)
	}
}

func (s *timedRoom) attemptState() store.AttemptState {
	synctest.Wait()
	a, _, _ := s.Attempt(s.t.Context(), "play-1")
	return a.State
}

func (a *fakeClient) send(m protocol.ClientMessage) error {
	return a.participant.room.handleMessage(a.s.t.Context(), a.participant, a.conn, m)
}

// received empties the queue and reports whether a message matched.
func received[M protocol.ServerMessage](a *fakeClient, match func(M) bool) bool {
	synctest.Wait()
	for found := false; ; {
		select {
		case b := <-a.conn.queue:
			m, err := protocol.DecodeServer(b)
			must(a.s.t, err)
			if m, ok := m.(M); ok && (match == nil || match(m)) {
				found = true
			}
		default:
			return found
		}
	}
}

func (a *fakeClient) closeStatus() (code int, open bool) {
	synctest.Wait()
	select {
	case <-a.conn.closing:
		return int(a.conn.code), false
	default:
		return 0, true
	}
}
