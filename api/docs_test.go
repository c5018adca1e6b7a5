package api_test

import (
	"bedside/api/apitest"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestDocs holds that the page names every operation and every schema, and that its links lead
// somewhere.
func TestDocs(t *testing.T) {
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
			t.Errorf("a link leads to %s, which is not there once", m[1])
		}
	}
}

// TestDescribedLimits holds that every operation tells of its limits.
func TestDescribedLimits(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Headers map[string]json.RawMessage }
		}
	}
	apitest.NewServer(t).
		NewClient(t).
		Do(t, "GET", "/openapi.json", nil).
		Expect(t, 200).
		Decode(t, &doc)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			limited := op.Responses["429"]
			if limited.Headers["Retry-After"] == nil || limited.Headers["RateLimit"] == nil ||
				limited.Headers["RateLimit-Policy"] == nil {
				t.Errorf("%s %s: 429 is not described with its headers", method, path)
			}
		}
	}
}
