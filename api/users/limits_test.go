package users

import (
	"net/http/httptest"
	"testing"

	"bedside/api/httpx"
)

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::/64",
		"[::ffff:192.0.2.7]:1": "::ffff:192.0.2.7", "[fe80::1%eth0]:1": "fe80::/64", "nonsense": "nonsense",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		r, _ = httpx.WithRequest(r, false)
		if got := network(r.Context()); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
}
