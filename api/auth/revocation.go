package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"bedside/store"
)

// revocationLimit bounds the handling of one session event.
const revocationLimit = 5 * time.Second

// SessionEvents carries session events between processes; store/presence does.
type SessionEvents interface {
	PublishSessionEvent(ctx context.Context, e store.SessionEvent) error
	// SubscribeSessionEvents calls event for every event, and link when the connection that
	// carries them is made or lost. Events of the time without a connection are lost.
	SubscribeSessionEvents(event func(store.SessionEvent), link func(up bool))
}

// Sockets are the open WebSockets of this process; signaling.Hub holds them.
type Sockets interface {
	EndSession(sessionID, reason string) // closes the sockets of a session
	Sessions() []string                  // ids of the sessions that have sockets
}

// Revocation makes the end of a session take effect at once in every process: it closes the
// session's sockets and drops what is cached of it. Session events carry the end to the other
// processes. While they cannot be received, every request asks the database.
//
// Call Start before requests are served. After that it is safe for concurrent use.
type Revocation struct {
	events   SessionEvents
	log      *slog.Logger
	sessions *Sessions
	sockets  Sockets // nil in a process without sockets
}

// NewRevocation returns a Revocation. Its SessionEnded and UserChanged are meant for
// Config.OnSessionEnded and Config.OnUserChanged.
func NewRevocation(events SessionEvents, log *slog.Logger) *Revocation {
	return &Revocation{events: events, log: log}
}

// Start begins to follow the session events of all processes. sockets may be nil. The events end
// when the SessionEvents are closed.
func (r *Revocation) Start(sessions *Sessions, sockets Sockets) {
	r.sessions, r.sockets = sessions, sockets
	r.events.SubscribeSessionEvents(func(e store.SessionEvent) {
		sessions.HandleEvent(e)
		if sockets != nil && e.SessionID != "" {
			sockets.EndSession(e.SessionID, e.Reason)
		}
	}, func(up bool) {
		sessions.SetEventsLive(up)
		if up && sockets != nil {
			r.recheck()
		}
	})
}

// SessionEnded closes the sockets of a session here and in the other processes.
func (r *Revocation) SessionEnded(sessionID, reason string) {
	if r.sockets != nil {
		r.sockets.EndSession(sessionID, reason)
	}
	r.publish(store.SessionEvent{SessionID: sessionID, Reason: reason})
}

// UserChanged makes every process drop what it has cached of an account.
func (r *Revocation) UserChanged(userID string) { r.publish(store.SessionEvent{UserID: userID}) }

// publish sends an event to the other processes. A failure is only logged: a process that receives
// no events asks the database.
func (r *Revocation) publish(e store.SessionEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), revocationLimit)
	defer cancel()
	if err := r.events.PublishSessionEvent(ctx, e); err != nil {
		r.log.Warn("a session event was not published", "error", err)
	}
}

// recheck closes the sockets of sessions that ended while no events could be received.
func (r *Revocation) recheck() {
	for _, id := range r.sockets.Sessions() {
		ctx, cancel := context.WithTimeout(context.Background(), revocationLimit)
		err := r.sessions.Check(ctx, id)
		cancel()
		switch {
		case errors.Is(err, store.ErrUnauthenticated) || errors.Is(err, store.ErrForbidden):
			r.sockets.EndSession(id, "This device was signed out.")
		case err != nil:
			r.log.Warn("could not check whether a session has ended", "session", id, "error", err)
		}
	}
}
