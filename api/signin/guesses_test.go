package signin_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/store"
)

// guessServer is a server behind a proxy, which allows few guesses.
func guessServer(t *testing.T) *apitest.Server {
	return apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Proxies = []string{"127.0.0.1", "::1"}
		c.Limits = auth.Limits{
			RegisterPerIP: 1000, LoginPerIP: 1000, LoginPerAccount: 10, RefreshPerIP: 1000,
			GuessesPerHour: 20, GuessesPerDay: 60, GuessesPerPlace: 100,
		}
	})
}

// loginFrom sends a password from a network address.
func loginFrom(t *testing.T, c *apitest.Client, ip, email, password string) apitest.Response {
	t.Helper()
	return c.Do(t, "POST", "/auth/login", map[string]any{"email": email, "password": password},
		"X-Forwarded-For", ip)
}

// tryFrom is loginFrom that tries again while all that hash passwords are busy.
func tryFrom(t *testing.T, c *apitest.Client, ip, email, password string) apitest.Response {
	t.Helper()
	for {
		a := loginFrom(t, c, ip, email, password)
		if !strings.Contains(string(a.Data), "Many people are signing in") {
			return a
		}
	}
}

// guess sends n wrong passwords at once, each from another address, and returns how many were
// compared. It fails the test when another one is not refused with 429 and Retry-After.
func guess(t *testing.T, s *apitest.Server, email string, n int) int {
	t.Helper()
	var compared atomic.Int32
	var all sync.WaitGroup
	for i := range n {
		c := s.NewClient(t)
		all.Go(func() {
			a := tryFrom(t, c, fmt.Sprintf("2001:db8:%x::%x", i, i), email, "wrong password")
			switch {
			case a.StatusCode == 401:
				compared.Add(1)
			case a.StatusCode != 429 || a.Header.Get("Retry-After") == "":
				t.Errorf("status %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
			}
		})
	}
	all.Wait()
	return int(compared.Load())
}

func TestGuessesFromManyAddressesAreBounded(t *testing.T) {
	s := guessServer(t)
	owner := s.NewUser(t, store.RoleCandidate)
	loginFrom(t, s.NewClient(t), "198.51.100.7", owner.Email, apitest.Password).Expect(t, 200)
	for email, kind := range map[string]string{
		owner.Email: "an account", apitest.NewEmail(): "no account",
	} {
		if n := guess(t, s, email, 60); n != 20 {
			t.Errorf("%s: %d guesses were compared, want 20", kind, n)
		}
	}

	// Even the right password is refused in a strange place, which learns nothing from that.
	stranger := s.NewClient(t)
	loginFrom(t, stranger, "192.0.2.77", owner.Email, apitest.Password).Problem(t, 429, "limit")
	// The owner signs in on a device that was used before, at any address, ...
	loginFrom(t, owner, "203.0.113.1", owner.Email, apitest.Password).Expect(t, 200)
	// ... from an address that was used before, with any device, ...
	loginFrom(t, s.NewClient(t), "198.51.100.7", owner.Email, apitest.Password).Expect(t, 200)
	// ... and on a new device in a new place with a mailed link.
	phone := s.NewClient(t)
	phone.Do(t, "POST", "/auth/forgot-password", map[string]any{"email": owner.Email}).
		Expect(t, 202)
	email := strings.ToLower(owner.Email)
	token := s.Mail.Await(t, email, "Choose a new password").Token(t, "/reset-password")
	const fresh = "gr8-tram-window"
	phone.Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": token, "password": fresh,
	}).Expect(t, 204)
	loginFrom(t, phone, "192.0.2.78", owner.Email, fresh).Expect(t, 200)

	warnings := 0
	for _, m := range s.Mail.All(t, email) {
		if strings.HasPrefix(m.Subject, "Somebody tries to sign in") {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings, want 1", warnings)
	}
}

// TestGuessesInFamiliarPlacesAreBounded guesses on the owner's device, at once.
func TestGuessesInFamiliarPlacesAreBounded(t *testing.T) {
	s := guessServer(t)
	owner, tablet := s.NewUser(t, store.RoleCandidate), s.NewClient(t)
	loginFrom(t, tablet, "198.51.100.7", owner.Email, apitest.Password).Expect(t, 200)
	var compared atomic.Int32
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if tryFrom(t, owner, "203.0.113.5", owner.Email, "wrong").StatusCode == 401 {
				compared.Add(1)
			}
		})
	}
	all.Wait()
	if n := compared.Load(); n != 10 {
		t.Errorf("%d guesses were compared, want 10", n)
	}
	for range 15 { // right passwords do not count
		loginFrom(t, tablet, "203.0.113.6", owner.Email, apitest.Password).Expect(t, 200)
	}
}

// TestDeviceCookiesOfOthersAreStrange sends another account's cookie, and invented ones.
func TestDeviceCookiesOfOthersAreStrange(t *testing.T) {
	s := guessServer(t)
	owner, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	guess(t, s, owner.Email, 30)
	loginFrom(t, other, "192.0.2.1", owner.Email, apitest.Password).Expect(t, 429)
	for _, cookie := range []string{
		"x", strings.Repeat("A", 22), strings.Repeat("A", 43), strings.Repeat("A", 4000),
	} {
		s.NewClient(t).Do(t, "POST", "/auth/login", map[string]any{
			"email": owner.Email, "password": apitest.Password,
		}, "X-Forwarded-For", "192.0.2.2", "Cookie", "bedside_device="+cookie).Expect(t, 429)
	}
	// One device can be familiar to several accounts.
	loginFrom(t, owner, "192.0.2.3", other.Email, apitest.Password).Expect(t, 200)
	loginFrom(t, owner, "192.0.2.4", owner.Email, apitest.Password).Expect(t, 200)
}
