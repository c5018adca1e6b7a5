package api_test

import (
	"fmt"
	"strconv"
	"testing"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/store"
)

func TestRequestsAreLimited(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Rates = api.Rates{
			Auth: api.Rate{PerIP: 50}, Read: api.Rate{PerIP: 8, PerAccount: 5},
			Attempts: api.Rate{PerAccount: 2},
		}
	})
	p, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	for i := range 5 {
		a := p.Do(t, "GET", "/api/scenarios", nil).Expect(t, 200)
		const want = `"read-ip";q=8;w=60, "read-account";q=5;w=60`
		if got := a.Header.Get("RateLimit-Policy"); got != want {
			t.Errorf("RateLimit-Policy: %s, want %s", got, want)
		}
		var left [2]int
		var full [2]int
		if _, err := fmt.Sscanf(a.Header.Get("RateLimit"),
			`"read-ip";r=%d;t=%d, "read-account";r=%d;t=%d`, &left[0], &full[0], &left[1],
			&full[1]); err != nil ||
			left != [2]int{7 - i, 4 - i} || full[0] < 1 || full[0] > 60 || full[1] < 1 ||
			full[1] > 60 {
			t.Errorf("RateLimit: %s, %v", a.Header.Get("RateLimit"), err)
		}
	}
	a := p.Do(t, "GET", "/api/scenarios", nil)
	a.Problem(t, 429, "limit")
	if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 ||
		wait > 12 {
		t.Errorf("Retry-After: %s", a.Header.Get("Retry-After"))
	}
	// Another account has its own quota; the address has one for all accounts.
	for range 3 {
		other.Do(t, "GET", "/api/scenarios", nil).Expect(t, 200)
	}
	other.Do(t, "GET", "/api/scenarios", nil).Problem(t, 429, "limit")
	// This happens before authentication.
	s.NewClient(t).Do(t, "GET", "/api/scenarios", nil).Problem(t, 429, "limit")
	// Each class has its own quotas.
	p.NewAttempt(t)
	p.NewAttempt(t)
	p.Do(t, "POST", "/api/attempts", map[string]any{"scenario": apitest.ScenarioSlug}).
		Problem(t, 429, "limit")
	p.SignIn(t)
	p.Do(t, "GET", "/health", nil).Expect(t, 200)
}

func TestAttemptsAndJoinsAreLimited(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Rates.Attempts = api.Rate{PerAccount: 2, PerIP: 3}
		c.Rates.Joins = api.Rate{PerAccount: 2, PerIP: 3}
	})
	create := func(p *apitest.Client) apitest.Response {
		return p.Do(t, "POST", "/api/attempts", map[string]any{
			"scenario": apitest.ScenarioSlug, "consent": true,
		})
	}
	p, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	mine, theirs := p.NewAttempt(t), other.NewAttempt(t)
	create(p).Expect(t, 201)
	create(p).Problem(t, 429, "limit")     // the third of the account
	create(other).Problem(t, 429, "limit") // the fourth of the address
	join := func(p *apitest.Client, attempt string) apitest.Response {
		return p.Do(t, "POST", "/api/attempts/"+attempt+"/ticket", nil)
	}
	join(p, mine).Expect(t, 201)
	join(p, mine).Expect(t, 201)
	join(p, mine).Problem(t, 429, "limit")
	join(other, theirs).Expect(t, 201)
	a := join(other, theirs)
	a.Problem(t, 429, "limit")
	if a.Header.Get("Retry-After") == "" {
		t.Error("a refused join does not say when to try again")
	}
}

func TestUnauthenticatedRequestsCount(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) { c.Rates.Read.PerIP = 3 })
	p := s.NewClient(t)
	for range 3 {
		p.Do(t, "GET", "/api/scenarios", nil, "Authorization", "Bearer nonsense").Expect(t, 401)
	}
	p.Do(t, "GET", "/api/scenarios", nil).Problem(t, 429, "limit")
}

// TestClientAddressBehindProxies checks that limits, sessions and the audit trail use the client's
// address and not the proxy's.
func TestClientAddressBehindProxies(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Rates.Auth.PerIP, c.Proxies = 2, []string{"127.0.0.1", "::1"}
	})
	someone := apitest.NewServer(t).NewUser(t, store.RoleCandidate)
	someone.Server = s
	from := func(ip string) apitest.Response {
		return someone.Do(t, "POST", "/auth/login", map[string]any{
			"email": someone.Email, "password": apitest.Password,
		}, "X-Forwarded-For", "192.0.2.1, "+ip)
	}
	from("203.0.113.9").Expect(t, 200)
	from("203.0.113.9").Expect(t, 200)
	from("203.0.113.9").Problem(t, 429, "limit")
	from("203.0.113.10").Expect(t, 200)
	var devices struct{ Items []struct{ IP string } }
	someone.Do(t, "GET", "/api/sessions", nil).Expect(t, 200).Decode(t, &devices)
	var acts struct{ Items []struct{ IP string } }
	someone.Do(t, "GET", "/api/audit", nil).Expect(t, 200).Decode(t, &acts)
	found := func(list []struct{ IP string }) bool {
		for _, x := range list {
			if x.IP == "203.0.113.10" {
				return true
			}
		}
		return false
	}
	if !found(devices.Items) || !found(acts.Items) {
		t.Errorf("sessions %+v, audit trail %+v", devices, acts)
	}
}
