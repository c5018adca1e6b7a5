package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"bedside/sfu"
	"bedside/store"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds waiting for what must happen; it is not a measurement.
const testTimeout = 20 * time.Second

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// world fakes everything around a hub, in memory: tickets, the database, the bus and presence. The
// database and the bus can be made to fail.
type world struct {
	t   testing.TB
	reg *prometheus.Registry

	mu          sync.Mutex
	tickets     map[string]store.Join
	used        map[string]bool
	ended       map[string]bool // sessions
	attempts    map[string]store.Attempt
	scenario    store.Scenario
	dbErr       error // of the database
	busErr      error // of the bus
	notify      map[string]func(problem string)
	rooms       map[string]store.RoomInfo
	taps        map[string]int // open sinks, by participant
	packets     int            // written to the tap
	events      []interruption
	clocks      []store.PlayClock // that rooms recorded in their taps
	moved       []time.Time       // as rooms recorded in their taps
	last        store.PlayClock   // of a play, as the log tells; 0: it does not
	sent        map[uint32]int    // as clients say, by SSRC
	leases      map[string]func() // what to call when a room's lease is lost
	leaseErr    error             // of the next Acquire
	opener      store.Opener      // of the last Acquire
	elsewhere   map[string]bool   // rooms whose lease another node has
	released    func(id string)   // called after Release, unless nil
	fence       int64             // of the latest lease
	discarded   map[string]bool   // attempts whose tap was discarded
	failedCalls int               // of the database and the bus
	stage       stagehand

	log chan string // what was stored or published, in order
}

func newWorld(t testing.TB, prepare, play int) *world {
	return &world{
		t: t, reg: prometheus.NewRegistry(), tickets: map[string]store.Join{},
		used: map[string]bool{}, ended: map[string]bool{},
		attempts: map[string]store.Attempt{},
		scenario: store.Scenario{
			PrepareSeconds: prepare, PlaySeconds: play,
		}, notify: map[string]func(string){}, rooms: map[string]store.RoomInfo{},
		taps: map[string]int{}, sent: map[uint32]int{}, leases: map[string]func(){},
		elsewhere: map[string]bool{}, discarded: map[string]bool{}, log: make(chan string, 256),
	}
}

// attempt creates an attempt of the candidate "anna".
func (w *world) attempt(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts[id] = store.Attempt{ID: id, CandidateID: "anna", State: store.AttemptCreated}
	return id
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// ticket creates a ticket.
func (w *world) ticket(attempt, user string, role store.ParticipantRole) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticket := fmt.Sprintf("ticket-%d", len(w.tickets)+1)
	w.tickets[ticket] = store.Join{
		AttemptID: attempt, NodeID: thisNode, UserID: user,
		SessionID: "session of " + user, Name: "Name of " + user,
		Role: role,
	}
	return ticket
}

func (w *world) Check(_ context.Context, sessionID string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended[sessionID] {
		return fmt.Errorf("the session has ended: %w", store.ErrUnauthenticated)
	}
	return w.dbErr
}

func (w *world) VerifyTicket(_ context.Context, ticket string) (store.Join, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	join, ok := w.tickets[ticket]
	switch {
	case ticket == "expired":
		return join, fmt.Errorf("the ticket has %w", store.ErrExpired)
	case !ok:
		return join, fmt.Errorf("the ticket was not issued here: %w", store.ErrUnauthenticated)
	case w.used[ticket]:
		return join, fmt.Errorf("the ticket was %w", store.ErrReused)
	}
	w.used[ticket] = true
	return join, nil
}

func (w *world) Attempt(_ context.Context, id string) (store.Attempt, store.Scenario, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.attempts[id]
	if !ok {
		return a, w.scenario, store.ErrNotFound
	}
	return a, w.scenario, nil
}

func (w *world) change(what, id string, fence int64,
	rule func(*store.Attempt) error) (store.Attempt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.attempts[id]
	if w.dbErr != nil {
		w.failedCalls++
		return a, w.dbErr
	}
	if err := errors.Join(a.CheckFence(fence), rule(&a)); err != nil {
		return a, err
	}
	w.attempts[id] = a
	w.log <- what
	return a, nil
}

func (w *world) PrepareAttempt(_ context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return w.change("prepare", id, fence, func(a *store.Attempt) error { return a.Prepare(now) })
}

func (w *world) StartAttempt(_ context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return w.change("start", id, fence, func(a *store.Attempt) error { return a.Start(now) })
}

func (w *world) FinishAttempt(_ context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return w.change("finish", id, fence, func(a *store.Attempt) error { return a.Finish(now) })
}

func (w *world) AbandonAttempt(_ context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return w.change("abandon", id, fence, func(a *store.Attempt) error { return a.Abandon(now) })
}

func (w *world) Begin(_ context.Context, id string, startedAt time.Time) error {
	return w.bus("begin audio")
}

func (w *world) Finish(_ context.Context, id string) error { return w.bus("finish audio") }

func (w *world) Suspend(_ context.Context, id string) error { return w.bus("suspend audio") }

func (w *world) bus(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busErr != nil {
		w.failedCalls++
		return w.busErr
	}
	w.log <- what
	return nil
}

func (w *world) Tap(attempt string, startedAt time.Time, fence int64) Tap { return tap{w} }

func (w *world) Discard(attempt string) { w.set(func() { w.discarded[attempt] = true }) }

// thisNode is the id of the world's node.
const thisNode = "this node"

func (w *world) NodeID() string { return thisNode }

func (w *world) Acquire(_ context.Context, id string, by store.Opener,
	lost func()) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opener = by
	if w.leaseErr != nil {
		return 0, w.leaseErr
	}
	if w.leases[id] != nil {
		w.t.Errorf("the lease of %s is acquired twice", id)
	}
	if w.elsewhere[id] {
		return 0, fmt.Errorf("another node holds the room: %w", store.ErrConflict)
	}
	a, ok := w.attempts[id]
	if !ok {
		return 0, store.ErrNotFound
	}
	w.fence++
	a.Fence = w.fence
	w.attempts[id], w.leases[id] = a, lost
	return a.Fence, nil
}

func (w *world) Release(_ context.Context, id string) error {
	w.set(func() { delete(w.leases, id) })
	if w.released != nil {
		w.released(id)
	}
	return nil
}

// steal gives the lease of a room to another node, and returns what the node is told then.
func (w *world) steal(id string) (lost func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost = w.leases[id]
	delete(w.leases, id)
	w.fence++
	a := w.attempts[id]
	a.Fence = w.fence
	w.attempts[id], w.elsewhere[id] = a, true
	return lost
}

type tap struct{ w *world }

func (t tap) Interrupted(speaker store.Speaker, cause store.Cause, on bool, at time.Time) {
	t.w.set(func() {
		t.w.events = append(t.w.events, interruption{string(speaker), string(cause), on, at})
	})
}

func (t tap) Moved(at time.Time) { t.w.set(func() { t.w.moved = append(t.w.moved, at) }) }

func (t tap) Clock(c store.PlayClock, _ time.Time) {
	t.w.set(func() { t.w.clocks = append(t.w.clocks, c) })
}

// LastClock returns what a test has set.
func (w *world) LastClock(context.Context, string) (store.PlayClock, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.last.Left > 0, w.busErr
}

func (t tap) Sent(speaker store.Speaker, ssrc uint32, packets int) {
	t.w.set(func() { t.w.sent[ssrc] = packets })
}

// interruption is what a room recorded in its tap.
type interruption struct {
	speaker, cause string
	on             bool
	at             time.Time
}

func (t tap) Sink(room, participant string) sfu.Sink {
	t.w.set(func() { t.w.taps[participant]++ })
	return &sink{t.w, participant}
}

type sink struct {
	w           *world
	participant string
}

func (s *sink) WriteRTP(*sfu.Packet) { s.w.set(func() { s.w.packets++ }) }
func (s *sink) Close()               { s.w.set(func() { s.w.taps[s.participant]-- }) }

func (w *world) SubscribeReportReady(_ context.Context, id string,
	notify func(string)) (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notify[id] = notify
	return func() { w.set(func() { delete(w.notify, id) }) }, nil
}

// report makes the analysis finish.
func (w *world) report(id, problem string) {
	w.mu.Lock()
	notify := w.notify[id]
	w.mu.Unlock()
	if notify == nil {
		w.t.Fatal("the hub has not subscribed to the report")
	}
	notify(problem)
}

func (w *world) RoomOpened(_ context.Context, r store.RoomInfo) error {
	w.set(func() { w.rooms[r.ID] = r })
	return nil
}

func (w *world) RoomUpdated(ctx context.Context,
	r store.RoomInfo) error {
	return w.RoomOpened(ctx, r)
}

func (w *world) RoomClosed(_ context.Context, id string) error {
	w.set(func() { delete(w.rooms, id) })
	return nil
}

// wantRecorded waits for the next entry of the log and checks it.
func (w *world) wantRecorded(what string) {
	w.t.Helper()
	if got := await(w.t, what+" in the log", w.log); got != what {
		w.t.Fatalf("the log has %s; want %s", got, what)
	}
}

// await receives from a channel, or fails the test.
func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(testTimeout):
		t.Fatalf("waited for %s", what)
		panic("unreachable")
	}
}
