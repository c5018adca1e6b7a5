package auth

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"bedside/store"
)

// fakeEvents records what is published; a test sends events by hand.
type fakeEvents struct {
	published []store.SessionEvent
	err       error // of publishing
	event     func(store.SessionEvent)
	link      func(up bool)
}

func (f *fakeEvents) PublishSessionEvent(_ context.Context, e store.SessionEvent) error {
	f.published = append(f.published, e)
	return f.err
}

func (f *fakeEvents) SubscribeSessionEvents(event func(store.SessionEvent), link func(up bool)) {
	f.event, f.link = event, link
}

// fakeSockets records the sessions whose sockets were closed.
type fakeSockets struct{ open, ended []string }

func (f *fakeSockets) Sessions() []string { return f.open }

func (f *fakeSockets) EndSession(id, _ string) { f.ended = append(f.ended, id) }

// endedStore answers for the sessions it lists that they have ended.
type endedStore struct {
	Store
	ended []string
}

func (s endedStore) SessionUser(_ context.Context, id string) (store.Session, store.User, error) {
	if slices.Contains(s.ended, id) {
		return store.Session{}, store.User{}, store.ErrNotFound
	}
	return store.Session{}, store.User{}, errors.New("no connection")
}

func startRevocation(t *testing.T, ended ...string) (*Revocation, *fakeEvents, *fakeSockets) {
	t.Helper()
	keys := []Key{NewKey(bytes.Repeat([]byte("k"), minSecret))}
	sessions, err := NewSessions(Config{Keys: keys}, endedStore{ended: ended}, nil)
	if err != nil {
		t.Fatal(err)
	}
	events, sockets := &fakeEvents{}, &fakeSockets{}
	r := NewRevocation(events, slog.New(slog.DiscardHandler))
	r.Start(sessions, sockets)
	return r, events, sockets
}

func TestSessionEndClosesSocketsHereAndElsewhere(t *testing.T) {
	r, events, sockets := startRevocation(t)
	events.err = store.ErrUnavailable // is only logged
	r.SessionEnded("s1", "signed out")
	r.UserChanged("u1")
	want := []store.SessionEvent{{SessionID: "s1", Reason: "signed out"}, {UserID: "u1"}}
	if !slices.Equal(sockets.ended, []string{"s1"}) || !slices.Equal(events.published, want) {
		t.Errorf("ended %v, published %v", sockets.ended, events.published)
	}
	events.event(store.SessionEvent{SessionID: "s2"})
	events.event(store.SessionEvent{UserID: "u2"})
	if !slices.Equal(sockets.ended, []string{"s1", "s2"}) {
		t.Errorf("ended %v", sockets.ended)
	}
}

func TestSessionsAreCheckedWhenEventsResume(t *testing.T) {
	_, events, sockets := startRevocation(t, "ended")
	sockets.open = []string{"ended", "unknown"}
	events.link(false)
	if len(sockets.ended) != 0 {
		t.Errorf("ended %v when the link was lost", sockets.ended)
	}
	events.link(true)
	if !slices.Equal(sockets.ended, []string{"ended"}) {
		t.Errorf("ended %v, want only the session that has ended", sockets.ended)
	}
}

func TestRevocationWithoutSockets(t *testing.T) {
	events := &fakeEvents{}
	r := NewRevocation(events, slog.New(slog.DiscardHandler))
	r.SessionEnded("s1", "signed out")
	if len(events.published) != 1 {
		t.Errorf("published %v", events.published)
	}
}
