package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The SHA-1 of "gr8-tram-window", computed with sha1sum.
const (
	breachPrefix = "66621"
	breachSuffix = "C808EFD113158779487B7A9ACEA22CB1959"
)

func TestBreachedPasswordsAreRefused(t *testing.T) {
	body, status := "", http.StatusOK
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, fmt.Sprint(r.Method, " ", r.URL, " ", r.ContentLength, " ",
			r.Header.Get("Add-Padding")))
		if status == http.StatusFound {
			w.Header().Set("Location", "/range/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	var results []string
	p := newTestPasswords(t, Config{
		BreachURL:     server.URL + "/",
		OnBreachCheck: func(result string) { results = append(results, result) },
	})
	for _, c := range []struct {
		name, body string
		status     int
		result     string
	}{
		{"in the range", "0000\r\n" + breachSuffix + ":3\r\n", 200, BreachFound},
		{"lower case", strings.ToLower(breachSuffix) + ":7", 200, BreachFound},
		{"padding", breachSuffix + ":0\r\n", 200, BreachClean},
		{"not in the range", strings.Repeat("A", 35) + ":9\r\n", 200, BreachClean},
		{"empty", "", 200, BreachClean},
		{"an error", breachSuffix + ":3", 503, BreachFailed},
		{"a redirect", "", http.StatusFound, BreachFailed},
		{"a line without end", strings.Repeat("A", breachMost), 200, BreachFailed},
	} {
		asked, results, body, status = nil, nil, c.body, c.status
		_, err := p.Hash(t.Context(), "gr8-tram-window")
		if errors.Is(err, ErrPasswordBreached) != (c.result == BreachFound) ||
			err != nil && c.result != BreachFound {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(results) != 1 || results[0] != c.result {
			t.Errorf("%s: counted %q, want %s", c.name, results, c.result)
		}
		if want := "GET /range/" + breachPrefix + " 0 true"; len(asked) != 1 || asked[0] != want {
			t.Errorf("%s: asked %q, want %s once", c.name, asked, want)
		}
	}
	server.Close()
	results = nil
	if _, err := p.Hash(t.Context(), "gr8-tram-window"); err != nil ||
		len(results) != 1 || results[0] != BreachFailed {
		t.Errorf("without a server: %v, counted %q", err, results)
	}
}

func TestBreachURLs(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://api.pwnedpasswords.com": true, "http://127.0.0.1:8080/mirror/": true,
		"api.pwnedpasswords.com": false, "file:///etc/passwd": false, "https://": false,
		"https://example.org/?x=1": false,
	} {
		cfg := Defaults()
		cfg.BreachURL = url
		if err := cfg.Validate(); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
