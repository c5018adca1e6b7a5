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

// Hub owns the WebSockets and the live rooms. App makes it and closes it; the HTTP server calls
// ServeHTTP.
type Hub struct {
	cfg        Config
	openMedia  func(id string) (mediaRoom, error)
	verifier   Verifier
	attempts   Attempts
	log        *slog.Logger
	metrics    *metrics
	tokens     *resumeTokens
	env        *roomEnv
	ctx        context.Context // ends when Close gives up waiting
	cancel     context.CancelFunc
	closeBegun context.Context // ends when Close begins
	beginClose context.CancelFunc
	running    sync.WaitGroup // rooms and sockets

	mu      sync.Mutex // guards the fields below
	rooms   map[string]*room
	perIP   map[string]int // open sockets
	opened  openedRooms
	closing bool
}

// NewHub makes a hub over a media node. The registerer may be nil.
func NewHub(cfg Config, node *sfu.Node, v Verifier, at Attempts, au Audio, p Presence, f Feedback,
	log *slog.Logger, reg prometheus.Registerer) (*Hub, error) {
	return newHub(cfg, openOn(node), v, at, au, p, f, log, reg)
}

func newHub(cfg Config, openMedia func(string) (mediaRoom, error), v Verifier, at Attempts,
	au Audio, p Presence, f Feedback, log *slog.Logger, reg prometheus.Registerer) (*Hub, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	h := &Hub{
		cfg: cfg, openMedia: openMedia, verifier: v, attempts: at, log: log, metrics: m,
		tokens: newResumeTokens(), rooms: map[string]*room{}, perIP: map[string]int{},
		opened: newOpenedRooms(cfg),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.closeBegun, h.beginClose = context.WithCancel(h.ctx)
	h.env = &roomEnv{
		ctx: h.ctx, cfg: cfg, attempts: at, audio: au, presence: p, feedback: f,
		tokens: h.tokens, metrics: m, log: log, running: &h.running, sendError: h.sendError,
		forget: h.forgetRoom,
	}
	return h, nil
}

// liveRoom returns the room of an attempt, and opens it if necessary. It returns errRoomClosed
// for an attempt that has ended, a clientError if by may not open another room, sfu.ErrDraining
// while the hub closes, and the errors of Attempts and of the media node.
func (h *Hub) liveRoom(ctx context.Context, attemptID string, by opener) (*room, error) {
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
	left := h.playLeft(ctx, attempt, scenario)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return nil, sfu.ErrDraining
	}
	if r, ok := h.rooms[attemptID]; ok {
		return r, nil
	}
	if err := h.opened.check(by); err != nil {
		return nil, err
	}
	media, err := h.openMedia(attemptID)
	if err != nil {
		return nil, err
	}
	r = openRoom(h.env, attempt, scenario, left, media)
	h.rooms[attemptID] = r
	h.opened.add(attemptID, by)
	h.metrics.rooms.Inc()
	return r, nil
}

// playLeft returns how much is left of an attempt's play, if an earlier process has begun it. It
// is called before the room's tap is open. Without an answer from the log, the play's clock counts
// as never stopped.
func (h *Hub) playLeft(ctx context.Context, a store.Attempt, sc store.Scenario) time.Duration {
	play := time.Duration(sc.PlaySeconds) * time.Second
	if a.State != store.AttemptPlaying || a.StartedAt == nil {
		return play
	}
	left, ok, err := h.env.audio.ClockLeft(ctx, a.ID)
	if err != nil {
		h.log.Warn("cannot look up how much of a play is left", "attempt", a.ID, "error", err)
	}
	if err != nil || !ok {
		return leftOf(play, *a.StartedAt, time.Now())
	}
	return min(left, play)
}

// forgetRoom removes a room once it has stored everything, so that liveRoom then reads from
// Attempts how it ended.
func (h *Hub) forgetRoom(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rooms, r.id)
	h.opened.remove(r.id)
	h.metrics.rooms.Dec()
}

// Close ends all plays, so that their reports are made, and closes all sockets. It waits until
// everything is stored and all goroutines have ended. If ctx ends first, it cuts them off and
// returns an error.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	h.beginClose()
	for _, r := range h.rooms {
		r.post(r.serverClosing)
	}
	h.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		h.running.Wait()
		close(ended)
	}()
	defer h.metrics.unregister()
	select {
	case <-ended:
		h.cancel()
		return nil
	case <-ctx.Done():
		h.cancel()
		<-ended
		return errors.Join(errors.New("rooms were cut off before everything was stored"),
			context.Cause(ctx))
	}
}
