package sessions_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/store"
)

func TestAccessToken(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	profile := func() apitest.Response { return p.Do(t, "GET", "/api/users/profile", nil) }
	profile().Expect(t, 200)
	good := p.Access
	for _, bad := range []string{
		"nonsense", good[:len(good)-2], good + "x", strings.Repeat("a", 5000),
		"eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".", // alg none
	} {
		p.Access = bad
		a := profile()
		a.Problem(t, 401, "unauthenticated")
		if a.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Error("WWW-Authenticate is missing")
		}
	}
	p.Access = ""
	profile().Problem(t, 401, "unauthenticated")
	p.Do(t, "GET", "/api/users/profile", nil, "Authorization", "Basic "+good).
		Problem(t, 401, "unauthenticated")

	ticket, _, err := s.Sessions.Ticket(store.Join{UserID: p.ID, SessionID: "x", AttemptID: "y"})
	if err != nil {
		t.Fatal(err)
	}
	p.Access = ticket
	profile().Problem(t, 401, "unauthenticated") // a token of another kind

	p.Access = good
	s.Forward(11 * time.Minute)
	profile().Problem(t, 401, "expired")
}

func TestTickets(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	principal, err := s.Sessions.Authenticate(t.Context(), p.Access)
	if err != nil {
		t.Fatal(err)
	}
	join := store.Join{
		AttemptID: "attempt", UserID: p.ID, SessionID: principal.SessionID, Name: "Dana",
		AvatarID: "0190d2a0-0000-7000-8000-000000000001", Role: store.ParticipantCandidate,
	}
	ticket := func() string {
		t.Helper()
		text, _, err := s.Sessions.Ticket(join)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	expect := func(ticket string, want, sentinel error) {
		t.Helper()
		if _, err := s.Sessions.VerifyTicket(t.Context(), ticket); !errors.Is(err, want) ||
			!errors.Is(err, sentinel) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	used := ticket()
	got, err := s.Sessions.VerifyTicket(t.Context(), used)
	if !strings.HasPrefix(got.AvatarURL, store.MediaPath(join.AvatarID)+"?") {
		t.Errorf("the portrait is at %q", got.AvatarURL)
	}
	got.Expires, got.AvatarURL = time.Time{}, ""
	if err != nil || got != join {
		t.Fatalf("got %+v, %v", got, err)
	}
	expect(used, auth.ErrTicketUsed, store.ErrReused)
	expect(p.Access, auth.ErrTicketForged, store.ErrUnauthenticated)
	expect("", auth.ErrTicketForged, store.ErrUnauthenticated)
	expect(ticket()+"x", auth.ErrTicketForged, store.ErrUnauthenticated)

	late := ticket()
	s.Forward(2 * time.Minute)
	expect(late, auth.ErrTicketExpired, store.ErrExpired)
	left := ticket()
	p.Do(t, "POST", "/auth/logout", nil).Expect(t, 204)
	expect(left, auth.ErrTicketEnded, store.ErrForbidden)
}

func TestSigningKeysCanBeReplaced(t *testing.T) {
	old := auth.Key{ID: "old", Secret: make([]byte, 32)}
	fresh := auth.Key{ID: "new", Secret: []byte(strings.Repeat("n", 32))}
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	u, err := s.DB.User(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	with := func(keys ...auth.Key) *auth.Sessions {
		x, err := auth.NewSessions(auth.Config{Keys: keys}, s.DB, s.Presence)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	g, err := with(old).Start(t.Context(), u, auth.Device{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := with(fresh, old).Authenticate(t.Context(), g.Access); err != nil {
		t.Error(err)
	}
	_, err = with(fresh).Authenticate(t.Context(), g.Access)
	if !errors.Is(err, store.ErrUnauthenticated) {
		t.Errorf("without the old key: %v", err)
	}
	if g, err = with(fresh, old).Refresh(t.Context(), g.Refresh); err != nil {
		t.Fatal(err)
	}
	if _, err := with(fresh).Refresh(t.Context(), g.Refresh); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
	for name, keys := range map[string][]auth.Key{
		"none": nil, "short": {{ID: "s", Secret: []byte("short")}}, "twice": {old, old},
	} {
		if _, err := auth.NewSessions(auth.Config{Keys: keys}, s.DB, s.Presence); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
