package sessions_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/api/sessions"
	"bedside/store"
)

func TestDevices(t *testing.T) {
	s := apitest.NewServer(t)
	desk := s.NewUser(t, store.RoleCandidate)
	s.Forward(time.Minute)
	phone := desk.NewDevice(t, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) "+
		"AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1")
	list := phone.Devices(t)
	if len(list) != 2 || !list[0].Current || list[1].Current || list[0].Browser != "Safari 26" ||
		list[0].System != "iOS" || list[0].Kind != "mobile" || list[0].IP != "127.0.0.1" {
		t.Fatalf("devices: %+v", list)
	}
	if a, b := list[0], list[1]; a.CreatedAt.Before(b.CreatedAt) ||
		!a.ExpiresAt.After(a.CreatedAt) || a.Fingerprint == b.Fingerprint || a.Fingerprint == "" {
		t.Errorf("devices: %+v", list)
	}

	id := phone.SessionID(t)
	desk.Do(t, "DELETE", "/api/sessions/"+id, nil).Expect(t, 204)
	if !s.HasEnded(id) {
		t.Error("the end of the session was not announced")
	}
	phone.Do(t, "GET", "/api/scenarios", nil).Problem(t, 401, "unauthenticated")
	p := phone.SendRefresh(t).Problem(t, 401, "session-ended")
	if !strings.Contains(p.Detail, "elsewhere") {
		t.Errorf("why it ended: %q", p.Detail)
	}
	desk.Do(t, "DELETE", "/api/sessions/"+id, nil).Problem(t, 404, "not-found")
	if list := desk.Devices(t); len(list) != 1 || !list[0].Current {
		t.Errorf("devices afterwards: %+v", list)
	}

	tablet, laptop := desk.NewDevice(t, apitest.Firefox), desk.NewDevice(t, apitest.Firefox)
	if a, b := tablet.Devices(t)[0].Fingerprint, laptop.Devices(t)[0].Fingerprint; a != b {
		t.Error("the same headers give different fingerprints")
	}
	var ended sessions.Ended
	laptop.Do(t, "DELETE", "/api/sessions", nil).Expect(t, 200).Decode(t, &ended)
	if ended.Ended != 2 {
		t.Errorf("%d devices were signed out, want 2", ended.Ended)
	}
	for _, p := range []*apitest.Client{desk, tablet} {
		p.Do(t, "GET", "/api/scenarios", nil).Problem(t, 401, "unauthenticated")
	}
	laptop.Do(t, "GET", "/api/scenarios", nil).Expect(t, 200)
}

func TestDevicesOfOthersAreForAdministrators(t *testing.T) {
	s := apitest.NewServer(t)
	owner, stranger := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	tutor, admin := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleAdmin)
	guest := s.NewClient(t)
	for _, tc := range []struct {
		who  *apitest.Client
		want int
	}{{stranger, 404}, {tutor, 404}, {guest, 401}, {admin, 204}, {owner, 204}} {
		id := owner.NewDevice(t, apitest.Firefox).SessionID(t)
		if a := tc.who.Do(t, "DELETE", "/api/sessions/"+id, nil); a.StatusCode != tc.want {
			t.Errorf("ending the owner's device: %d, want %d: %s", a.StatusCode, tc.want, a.Data)
		}
		if got := s.HasEnded(id); got != (tc.want == 204) {
			t.Errorf("after %d the device was signed out: %v", tc.want, got)
		}
	}
	for _, id := range []string{
		"x", "0190d2a0-0000-7000-8000-00000000ffff", strings.Repeat("0", 36),
	} {
		admin.Do(t, "DELETE", "/api/sessions/"+id, nil).Problem(t, 404, "not-found")
	}
	admin.Do(t, "GET", "/api/sessions/user/x", nil).Problem(t, 404, "not-found")
}

func TestDeviceLimit(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	first := p.SessionID(t)
	for range 4 {
		s.Forward(time.Minute)
		if d := p.NewDevice(t, apitest.Firefox); d.SignedOut != 0 {
			t.Errorf("%d devices were signed out within the limit", d.SignedOut)
		}
	}
	s.Forward(time.Minute)
	if d := p.NewDevice(t, apitest.Firefox); d.SignedOut != 1 || len(d.Devices(t)) != 5 ||
		!s.HasEnded(first) {
		t.Errorf("the sixth device signed %d out; %d are left; the first has ended: %v",
			d.SignedOut, len(d.Devices(t)), s.HasEnded(first))
	}
	pr := p.SendRefresh(t).Problem(t, 401, "session-ended")
	if !strings.Contains(pr.Detail, "too many") {
		t.Errorf("why it ended: %q", pr.Detail)
	}
}

// TestDeviceLimitHoldsForConcurrentSignIns calls Start directly: the password pool would turn most
// of a hundred concurrent sign-ins away.
func TestDeviceLimitHoldsForConcurrentSignIns(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	u, err := s.DB.User(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	grants := make(chan auth.Grant, 100)
	var all sync.WaitGroup
	for range cap(grants) {
		all.Go(func() {
			g, err := s.Sessions.Start(t.Context(), u, auth.Device{UserAgent: apitest.Firefox})
			if err != nil {
				t.Error(err)
			}
			grants <- g
		})
	}
	all.Wait()
	close(grants)
	in, out := 0, 0
	for g := range grants {
		out += g.SignedOut
		switch _, err := s.Sessions.Authenticate(t.Context(), g.Access); {
		case err == nil:
			in++
		case !errors.Is(err, store.ErrUnauthenticated):
			t.Error(err)
		}
	}
	if in != 5 || out != 96 {
		t.Errorf("of 101 devices %d are signed in and %d were signed out, want 5 and 96", in, out)
	}
}

func TestSessionTokens(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleTutor)
	guest := s.NewClient(t)
	validate := func(token string) (v sessions.Validity) {
		t.Helper()
		guest.Do(t, "POST", "/api/sessions/validate", map[string]any{
			"access_token": token,
		}).Expect(t, 200).Decode(t, &v)
		return v
	}
	id := p.SessionID(t)
	if v := validate(p.Access); !v.Active || v.UserID != p.ID || v.SessionID != id ||
		v.Role != store.RoleTutor {
		t.Errorf("a valid token: %+v", v)
	}
	for _, bad := range []string{"", "x.y.z", p.Refresh, p.Access + "x"} {
		if v := validate(bad); v != (sessions.Validity{}) {
			t.Errorf("%q: %+v", bad, v)
		}
	}
	guest.Do(t, "POST", "/api/sessions/"+p.ID+"/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Problem(t, 401, "unauthenticated")
	var tokens sessions.Tokens
	guest.Do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Expect(t, 200).Decode(t, &tokens)
	if v := validate(tokens.AccessToken); !v.Active || tokens.RefreshToken == p.Refresh {
		t.Errorf("after refreshing: %+v, %+v", v, tokens)
	}
	// The previous token is answered with the current one; an older one ends the session.
	var again, third sessions.Tokens
	guest.Do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Expect(t, 200).Decode(t, &again)
	guest.Do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": again.RefreshToken,
	}).Expect(t, 200).Decode(t, &third)
	if again.RefreshToken != tokens.RefreshToken || third.RefreshToken == again.RefreshToken {
		t.Error("the tokens are not those of one sequence")
	}
	guest.Do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Problem(t, 401, "refresh-reused")
	if validate(third.AccessToken).Active || !s.HasEnded(id) {
		t.Error("a copied token did not end the session")
	}
}

func TestSessionsEndAfterNinetyDays(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for range 4 { // within the 30 days after which an unused session ends
		s.Forward(25 * 24 * time.Hour)
		a := p.SendRefresh(t)
		if a.StatusCode != 200 {
			a.Problem(t, 401, "session-ended")
			return
		}
		var g struct {
			RefreshToken string `json:"refresh_token"`
		}
		a.Decode(t, &g)
		p.Refresh = g.RefreshToken
	}
	t.Error("a session lives for more than 90 days")
}

// TestCacheFollowsSessionEvents checks that the cache is never behind the events that arrived.
func TestCacheFollowsSessionEvents(t *testing.T) {
	s := apitest.NewServer(t)
	s.Sessions.SetEventsLive(true)
	p, admin := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleAdmin)
	p.Do(t, "GET", "/api/rooms", nil).Expect(t, 200)
	before := s.SessionReads()
	for range 10 {
		p.Do(t, "GET", "/api/rooms", nil).Expect(t, 200)
	}
	if n := s.SessionReads() - before; n != 0 {
		t.Errorf("%v reads of a cached session", n)
	}
	admin.Do(t, "PATCH", "/api/users/"+p.ID, map[string]any{"role": "candidate"}).Expect(t, 200)
	p.Do(t, "GET", "/api/rooms", nil).Problem(t, 403, "forbidden")
	admin.Do(t, "PATCH", "/api/users/"+p.ID, map[string]any{"role": "tutor"}).Expect(t, 200)
	p.Do(t, "GET", "/api/rooms", nil).Expect(t, 200)

	// Another process ends the session, and its event arrives.
	id := p.SessionID(t)
	if err := s.DB.EndSession(t.Context(), id, store.EndRevoked, s.Now()); err != nil {
		t.Fatal(err)
	}
	s.Sessions.HandleEvent(store.SessionEvent{SessionID: id})
	p.Do(t, "GET", "/api/rooms", nil).Problem(t, 401, "unauthenticated")

	// While events do not arrive, nothing is cached.
	q := s.NewUser(t, store.RoleTutor)
	q.Do(t, "GET", "/api/rooms", nil).Expect(t, 200)
	s.Sessions.SetEventsLive(false)
	if err := s.DB.EndSession(t.Context(), sessionOf(t, s, q), store.EndRevoked,
		s.Now()); err != nil {
		t.Fatal(err)
	}
	q.Do(t, "GET", "/api/rooms", nil).Problem(t, 401, "unauthenticated")
}

func sessionOf(t *testing.T, s *apitest.Server, p *apitest.Client) string {
	t.Helper()
	id, err := s.Sessions.SessionOf(p.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
