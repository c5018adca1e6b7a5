// Package signaling brings participants into rooms: a Hub takes WebSockets, checks tickets,
// drives the media node and keeps the clock of each role play. PROTOCOL.md is the language it
// speaks.
package signaling

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bedside/sfu"
	"bedside/store"

	"github.com/prometheus/client_golang/prometheus"
)

// Verifier checks a ticket and uses it up. Errors: store.ErrExpired, store.ErrReused,
// store.ErrForbidden (its owner signed out), store.ErrUnauthenticated (not ours); anything else
// means that it cannot be checked now.
type Verifier interface {
	VerifyTicket(ctx context.Context, ticket string) (store.Join, error)
	Check(ctx context.Context, sessionID string) error // whether the session is still in use
}

// Attempts keeps the attempts. Each change is a rule of store.Attempt; doing it again is no error.
type Attempts interface {
	Attempt(ctx context.Context, id string) (store.Attempt, store.Scenario, error)
	PrepareAttempt(ctx context.Context, id string, now time.Time) (store.Attempt, error)
	StartAttempt(ctx context.Context, id string, now time.Time) (store.Attempt, error)
	FinishAttempt(ctx context.Context, id string, now time.Time) (store.Attempt, error)
	AbandonAttempt(ctx context.Context, id string, now time.Time) (store.Attempt, error)
}

// Audio takes what is said during a play to its analysis.
type Audio interface {
	// Begin asks for the analysis of an attempt. Doing it again is no error.
	Begin(ctx context.Context, attemptID string, startedAt time.Time) error
	// Tap makes sinks for a play that began at startedAt; the participant ids "candidate" and
	// "patient" are the speakers.
	Tap(attemptID string, startedAt time.Time) sfu.Tap
	// Finish hands over everything that was tapped, then says that this was all.
	Finish(ctx context.Context, attemptID string) error
}

// Presence tells the world which rooms there are. What it cannot tell now it may tell later;
// rooms do not wait for it.
type Presence interface {
	RoomOpened(ctx context.Context, room store.RoomInfo) error
	RoomUpdated(ctx context.Context, room store.RoomInfo) error
	RoomClosed(ctx context.Context, id string) error
}

// Feedback tells when an attempt's report is there (problem is empty) or has failed. tell must
// not be called after stop has returned; ctx lasts as long as the subscription.
type Feedback interface {
	SubscribeReportReady(ctx context.Context, attemptID string,
		tell func(problem string)) (stop func(), err error)
}

// Hub owns the sockets and the live rooms. App makes it and closes it; ServeHTTP is called by the
// HTTP server.
type Hub struct {
	cfg      Config
	open     func(id string) (mediaRoom, error)
	verifier Verifier
	attempts Attempts
	audio    Audio
	presence Presence
	feedback Feedback
	log      *slog.Logger
	metrics  *metrics
	ctx      context.Context // ends when Close gives up waiting
	cancel   context.CancelFunc
	closed   context.Context // ends when Close begins
	shut     context.CancelFunc
	work     sync.WaitGroup // rooms and sockets

	mu      sync.Mutex // guards the fields below
	rooms   map[string]*room
	places  map[tokenHash]*seat // by resume token
	perIP   map[string]int
	closing bool
}

// NewHub makes a hub over a media node. The registerer may be nil.
func NewHub(cfg Config, node *sfu.Node, v Verifier, at Attempts, au Audio, p Presence, f Feedback,
	log *slog.Logger, reg prometheus.Registerer) (*Hub, error) {
	return newHub(cfg, openOn(node), v, at, au, p, f, log, reg)
}

func newHub(cfg Config, open func(string) (mediaRoom, error), v Verifier, at Attempts, au Audio,
	p Presence, f Feedback, log *slog.Logger, reg prometheus.Registerer) (*Hub, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	closed, shut := context.WithCancel(ctx)
	return &Hub{
		cfg: cfg.withDefaults(), open: open, verifier: v, attempts: at, audio: au, presence: p, feedback: f, log: log, metrics: m,
		ctx: ctx, cancel: cancel, closed: closed, shut: shut, rooms: map[string]*room{}, places: map[tokenHash]*seat{}, perIP: map[string]int{},
	}, nil
}

// room gets the live room of an attempt, or opens it.
func (h *Hub) room(ctx context.Context, attemptID string) (*room, error) {
	h.mu.Lock()
	r, ok := h.rooms[attemptID]
	h.mu.Unlock()
	if ok {
		return r, nil
	}
	attempt, scenario, err := h.attempts.Attempt(ctx, attemptID)
	if err != nil {
		return nil, err
	}
	if !attempt.Joinable() {
		return nil, errRoomClosed
	}
	media, err := h.open(attemptID)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return nil, sfu.ErrDraining
	}
	if r, ok := h.rooms[attemptID]; ok {
		return r, nil
	}
	r = openRoom(h, attempt, scenario, media)
	h.rooms[attemptID] = r
	h.metrics.rooms.Inc()
	return r, nil
}

// forget takes a room out of the table, once all that it had to write down is written: whoever
// opens it again finds how it ended.
func (h *Hub) forget(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rooms, r.id)
	h.metrics.rooms.Dec()
}

// Close tells every room, ends the plays so that their reports are made, and waits until all is
// handed over, all sockets are closed and all goroutines are gone, or ctx ends.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	h.shut()
	for _, r := range h.rooms {
		r.post(r.shutDown)
	}
	h.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		h.work.Wait()
		close(gone)
	}()
	defer h.metrics.unregister()
	select {
	case <-gone:
		h.cancel()
		return nil
	case <-ctx.Done():
		h.cancel()
		<-gone
		return errors.Join(errors.New("rooms were cut off before everything was handed over"),
			context.Cause(ctx))
	}
}
