package signaling

import (
	"context"
	"log/slog"
	"sync"

	"bedside/sfu"

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
	opening map[string]*opening
	perIP   map[string]int // open sockets
	changed chan struct{}  // closed when the number of rooms changes next
	// draining makes the hub refuse rooms that are not open here, closing also new sockets
	draining, closing bool
}

// NewHub makes a hub over a media node. The registerer may be nil.
func NewHub(cfg Config, node *sfu.Node, v Verifier, at Attempts, au Audio, pa Patients, p Presence,
	f Feedback, log *slog.Logger, reg prometheus.Registerer) (*Hub, error) {
	return newHub(cfg, openOn(node), v, at, au, pa, p, f, log, reg)
}

func newHub(cfg Config, openMedia func(string) (mediaRoom, error), v Verifier, at Attempts,
	au Audio, pa Patients, p Presence, f Feedback, log *slog.Logger,
	reg prometheus.Registerer) (*Hub, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	h := &Hub{
		cfg: cfg, openMedia: openMedia, verifier: v, attempts: at, log: log, metrics: m,
		tokens: newResumeTokens(), rooms: map[string]*room{}, opening: map[string]*opening{},
		perIP: map[string]int{}, changed: make(chan struct{}),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.closeBegun, h.beginClose = context.WithCancel(h.ctx)
	h.env = &roomEnv{
		ctx: h.ctx, cfg: cfg, attempts: at, audio: au, patients: pa, presence: p,
		feedback: f,
		tokens:   h.tokens, metrics: m, log: log, running: &h.running, sendError: h.sendError,
		release: h.releaseLease, forget: h.forgetRoom,
	}
	return h, nil
}

// forgetRoom removes a room once it has stored everything and released its lease, so that liveRoom
// then reads from Attempts how it ended.
func (h *Hub) forgetRoom(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rooms, r.id)
	h.roomsChanged()
	h.metrics.rooms.Dec()
}

// Close moves all rooms and closes all sockets. It waits until everything is stored and all
// goroutines have ended. If ctx ends first, it cuts them off. It returns an error if a room was
// cut off.
func (h *Hub) Close(ctx context.Context) error {
	defer h.metrics.unregister()
	moved := h.Move(ctx)
	ended := make(chan struct{})
	go func() {
		h.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done(): // sockets are left
	}
	h.cancel()
	<-ended
	return moved
}
