package cluster

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBalancerSendsRequestsElsewhere checks that a request goes to another process when one cannot
// be connected to, with its body, and that one which is not ready gets none.
func TestBalancerSendsRequestsElsewhere(t *testing.T) {
	b, err := openBalancer()
	if err != nil {
		t.Fatal(err)
	}
	works := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, "got "+string(body))
	}))
	defer works.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	b.serve([]*Node{{URL: works.URL}, {URL: gone.URL}})
	defer b.close()
	post := func() (int, string) {
		t.Helper()
		res, err := http.Post(b.URL(), "text/plain", strings.NewReader("it"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for range 4 {
		if code, body := post(); code != http.StatusOK || body != "got it" {
			t.Errorf("%d %q", code, body)
		}
	}
	b.stop() // nobody asks the processes any more
	b.set(b.backends[0], false)
	b.set(b.backends[1], false)
	if code, _ := post(); code != http.StatusServiceUnavailable {
		t.Errorf("with no process ready: %d", code)
	}
}
