package docs

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

type node struct {
	Name     string `json:"name" maxLength:"10" example:"<script>alert(1)</script>"`
	Children []node `json:"children,omitempty"`
}

type input struct {
	ID   string `path:"id" maxLength:"5" doc:"which"`
	Body node
}

type output struct {
	Location string `header:"Location"`
	Body     node
}

func pages(t *testing.T) *Pages {
	t.Helper()
	api := humachi.New(chi.NewRouter(), huma.DefaultConfig("Example", "1"))
	huma.Register(api, huma.Operation{
		OperationID: "put-node", Method: http.MethodPut, Path: "/nodes/{id}",
		Summary: "Put a node", Description: "It's <b>one</b>.\n\nTwo.", Tags: []string{"nodes"},
		Errors: []int{http.StatusNotFound}, Security: []map[string][]string{{"bearer": {}}},
		Extensions: map[string]any{"x-roles": []string{"tutor", "admin"}},
	}, func(context.Context, *input) (*output, error) { return nil, nil })
	p, err := New(api.OpenAPI(), func(*huma.Operation) string { return "write" })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPageShowsAnOperationAndEscapesItsTexts(t *testing.T) {
	w := httptest.NewRecorder()
	p := pages(t)
	p.ServePage(w, httptest.NewRequest("GET", Path, nil))
	page := w.Body.String()
	for _, want := range []string{
		"Put a node", `<span class="method PUT">PUT</span> <code>/nodes/{id}</code>`,
		"It&#39;s &lt;b&gt;one&lt;/b&gt;.", "<p>Two.</p>",
		"users with the role tutor or admin", "<em>write</em>", "in the path",
		"at most 5 characters", `href="#schema-Node"`, `id="schema-Node"`,
		"<strong>404</strong>", "Location", `Authorization: Bearer $TOKEN`, "list of Node",
		"urn:bedside:problem:not-found",
	} {
		if !strings.Contains(page, want) &&
			!strings.Contains(page, strings.ReplaceAll(want, `"`, "&#34;")) {
			t.Errorf("the page does not have %s", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "style=") ||
		strings.Contains(page, "//cdn") {
		t.Error("the page has scripts or styles of its own")
	}
	if csp := w.Header().Get("Content-Security-Policy"); csp != policy ||
		strings.Contains(csp, "unsafe") {
		t.Errorf("policy %s", csp)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %s exists twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] && m[1] != "login" && m[1] != "refresh" {
			t.Errorf("the target %s of a link does not exist", m[1])
		}
	}
}
