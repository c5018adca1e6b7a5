package apitest

import (
	"testing"

	"bedside/api/audit"
	"bedside/api/sessions"
)

// Firefox is the User-Agent header of a desktop browser.
const Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

// NewDevice signs one more device in to the client's account.
func (c *Client) NewDevice(t testing.TB, userAgent string) *Client {
	t.Helper()
	d := c.Server.NewClient(t)
	d.Email, d.ID = c.Email, c.ID
	var g struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		SignedOut    int    `json:"signed_out"`
	}
	d.Do(t, "POST", "/api/sessions", map[string]any{"email": c.Email, "password": Password},
		"User-Agent", userAgent).Expect(t, 201).Decode(t, &g)
	d.Access, d.Refresh, d.SignedOut = g.AccessToken, g.RefreshToken, g.SignedOut
	return d
}

// Devices lists the sessions of the client's account.
func (c *Client) Devices(t testing.TB) []sessions.Session {
	t.Helper()
	var list sessions.List
	c.Do(t, "GET", "/api/sessions", nil).Expect(t, 200).Decode(t, &list)
	return list.Items
}

// SessionID returns the id of the client's own session.
func (c *Client) SessionID(t testing.TB) string {
	t.Helper()
	for _, s := range c.Devices(t) {
		if s.Current {
			return s.ID
		}
	}
	t.Fatal("no session is the current one")
	return ""
}

// AuditTrail lists the entries that the client sees of its own account, oldest first, each as its
// action and outcome: "session.start done".
func (c *Client) AuditTrail(t testing.TB) (list []string) {
	t.Helper()
	var page audit.ActPage
	c.Do(t, "GET", "/api/audit?limit=100", nil).Expect(t, 200).Decode(t, &page)
	for _, a := range page.Items {
		list = append([]string{string(a.Action) + " " + string(a.Outcome)}, list...)
	}
	return list
}

// CheckAuditTrail fails the test unless AuditTrail has all of want, in this order. There may be
// other entries between them.
func (c *Client) CheckAuditTrail(t testing.TB, want ...string) {
	t.Helper()
	trail, found := c.AuditTrail(t), 0
	for _, entry := range trail {
		if found < len(want) && entry == want[found] {
			found++
		}
	}
	if found < len(want) {
		t.Errorf("the audit trail has no %q in its place: %q", want[found], trail)
	}
}
