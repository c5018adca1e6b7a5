package cluster_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"bedside/configs/cluster"

	"github.com/coder/websocket"
)

// checkOrigins checks that a browser on the balancer's pages may open the WebSockets of the media
// processes, which have other addresses: the pages' policy permits it, and the media processes
// accept the pages' origin, but no other.
func checkOrigins(t *testing.T, c *cluster.Cluster) {
	res, err := http.Get(c.URL() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, n := range c.Media {
		address := strings.Replace(n.URL, "http://", "ws://", 1)
		if !strings.Contains(policy, address) {
			t.Errorf("the pages may not connect to %s: %s", address, policy)
		}
		for origin, want := range map[string]int{
			c.URL(): http.StatusSwitchingProtocols, "https://evil.example": http.StatusForbidden,
		} {
			conn, res, err := websocket.Dial(t.Context(), address+"/ws",
				&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
			if err == nil {
				conn.CloseNow()
			}
			if res == nil || res.StatusCode != want {
				t.Errorf("%s, origin %s: %v, %v, want %d", n.Name, origin, res, err, want)
			}
		}
	}
}
