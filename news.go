package main

import (
	"context"
	"errors"
	"time"

	"bedside/store"
)

// sessionsKept is for how long sessions that have ended are kept, so that a device that comes
// back late is told why.
const sessionsKept = 30 * 24 * time.Hour

// newsLimit bounds what is done about one piece of news.
const newsLimit = 5 * time.Second

// sessionEnded closes a device's sockets, here and, by way of the news, in other processes.
func (a *App) sessionEnded(sessionID, why string) {
	if a.hub != nil {
		a.hub.EndSession(sessionID, why)
	}
	a.tell(store.SessionEvent{SessionID: sessionID, Reason: why})
}

func (a *App) userChanged(userID string) { a.tell(store.SessionEvent{UserID: userID}) }

// tell sends news to other processes. When it cannot be sent they do not get any, know so, and
// ask the database.
func (a *App) tell(n store.SessionEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), newsLimit)
	defer cancel()
	if err := a.presence.PublishSessionEvent(ctx, n); err != nil {
		a.log.Warn("other processes were not told of a change of sessions", "error", err)
	}
}

// openNews begins to follow what other processes do to sessions.
func (a *App) openNews(context.Context) error {
	if !a.cfg.Has("api") && !a.cfg.Has("media") {
		return nil // nobody is signed in here
	}
	a.presence.SubscribeSessionEvents(func(n store.SessionEvent) {
		a.sessions.HandleEvent(n)
		if a.hub != nil && n.SessionID != "" {
			a.hub.EndSession(n.SessionID, n.Reason)
		}
	}, func(up bool) {
		a.sessions.SetEventsLive(up)
		if up && a.hub != nil {
			a.recheck()
		}
	})
	return nil
}

// recheck closes the sockets of those whose sessions ended while no news came.
func (a *App) recheck() {
	for _, id := range a.hub.Sessions() {
		ctx, cancel := context.WithTimeout(context.Background(), newsLimit)
		err := a.sessions.Check(ctx, id)
		cancel()
		switch {
		case errors.Is(err, store.ErrUnauthenticated) || errors.Is(err, store.ErrForbidden):
			a.hub.EndSession(id, "This device was signed out.")
		case err != nil:
			a.log.Warn("it is not known whether a session has ended", "session", id, "error", err)
		}
	}
}

// sweep forgets what is of no use any more.
func (a *App) sweep(ctx context.Context) error {
	n, err := a.db.SweepSessions(ctx, time.Now().Add(-sessionsKept))
	if n > 0 {
		a.log.Info("forgot sessions that ended long ago", "sessions", n)
	}
	return errors.Join(err, a.db.SweepAccounts(ctx), a.db.SweepExports(ctx))
}
