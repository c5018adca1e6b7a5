package api_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"bedside/api/apitest"
)

// TestDocsPageIsComplete checks that the page has every operation and every schema, and that its
// links have targets.
func TestDocsPageIsComplete(t *testing.T) {
	p := apitest.NewServer(t).NewClient(t)
	a := p.Do(t, "GET", "/docs", nil, "Accept-Encoding", "identity").Expect(t, 200)
	page := string(a.Data)
	if csp := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp,
		"default-src 'none'; style-src 'self'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %s", csp)
	}
	if style := p.Do(t, "GET", "/docs/style.css", nil).Expect(t, 200); !strings.HasPrefix(
		style.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet is %s", style.Header.Get("Content-Type"))
	}
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]any }
	}
	p.Do(t, "GET", "/openapi.json", nil).Expect(t, 200).Decode(t, &doc)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if !strings.Contains(page, `id="`+op.OperationID+`"`) ||
				!strings.Contains(page, "<code>"+path+"</code>") {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for name := range doc.Components.Schemas {
		if !strings.Contains(page, `id="schema-`+name+`"`) {
			t.Errorf("schema %s is not on the page", name)
		}
	}
	for _, m := range regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if strings.Count(page, ` id="`+m[1]+`"`) != 1 {
			t.Errorf("the target of a link, %s, does not exist exactly once", m[1])
		}
	}
}

// TestRateLimitsAreDocumented checks the documented headers of every operation.
func TestRateLimitsAreDocumented(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Headers map[string]json.RawMessage }
		}
	}
	p := apitest.NewServer(t).NewClient(t)
	p.Do(t, "GET", "/openapi.json", nil).Expect(t, 200).Decode(t, &doc)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			limited := op.Responses["429"]
			if limited.Headers["Retry-After"] == nil || limited.Headers["RateLimit"] == nil ||
				limited.Headers["RateLimit-Policy"] == nil {
				t.Errorf("%s %s: 429 is documented without its headers", method, path)
			}
		}
	}
}
