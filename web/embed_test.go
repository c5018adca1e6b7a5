package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const page = `<html><meta http-equiv="content-security-policy" ` +
	`content="default-src &#39;none&#39;; connect-src 'self' wss: ws:; script-src 'self' 'sha256-abc='">` +
	`<p>the app, which is long enough to be compressed</p></html>`

func built() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"build-missing.html":               file("run make web"),
		"build/index.html":                 file(page),
		"build/index.html.br":              file("br"),
		"build/index.html.gz":              file("gz"),
		"build/_app/immutable/a.js":        file("console.log('a long line of script')"),
		"build/_app/immutable/a.js.gz":     file("packed"),
		"build/_app/immutable/text.woff2":  file("font"),
		"build/favicon.svg":                file("<svg/>"),
		"build/favicon.svg.gz":             file("longer than the file itself"),
		"build/_app/immutable/nodes/x.css": file("a{}"),
	}
}

func serve(t *testing.T, method, target string, header map[string]string,
	media ...string) *http.Response {
	t.Helper()
	h, err := newSite(built(), func(context.Context) []string { return media })
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, target, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPages(t *testing.T) {
	for _, c := range []struct {
		name, target, accept         string
		status                       int
		contentType, cache, encoding string
		body                         string
	}{
		{"first page", "/", "", 200, "text/html; charset=utf-8", "no-cache", "", page},
		{"deep link", "/attempts/0190", "", 200, "text/html; charset=utf-8", "no-cache", "", page},
		{
			"brotli first", "/", "gzip, deflate, br", 200, "text/html; charset=utf-8", "no-cache",
			"br", "br",
		},
		{"gzip", "/", "gzip", 200, "text/html; charset=utf-8", "no-cache", "gzip", "gz"},
		{
			"refused brotli", "/", "br;q=0, gzip;q=0.5", 200, "text/html; charset=utf-8",
			"no-cache", "gzip", "gz",
		},
		{
			"hashed script", "/_app/immutable/a.js", "br, gzip", 200,
			"text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "gzip",
			"packed",
		},
		{
			"font", "/_app/immutable/text.woff2", "br, gzip", 200, "font/woff2",
			"public, max-age=31536000, immutable", "", "font",
		},
		{
			"compressed form that is larger", "/favicon.svg", "gzip", 200, "image/svg+xml",
			"no-cache", "", "<svg/>",
		},
		{
			"missing hashed script", "/_app/immutable/gone.js", "", 404,
			"text/plain; charset=utf-8", "", "", "not found\n",
		},
		{
			"compressed form by name", "/index.html.gz", "", 404, "text/plain; charset=utf-8",
			"", "", "not found\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := serve(t, "GET", c.target, map[string]string{"Accept-Encoding": c.accept})
			got := body(t, r)
			if r.StatusCode != c.status || got != c.body {
				t.Errorf("got %d %q, want %d %q", r.StatusCode, got, c.status, c.body)
			}
			for header, want := range map[string]string{
				"Content-Type": c.contentType, "Cache-Control": c.cache,
				"Content-Encoding": c.encoding,
			} {
				if got := r.Header.Get(header); got != want {
					t.Errorf("%s: got %q, want %q", header, got, want)
				}
			}
		})
	}
}

func TestPolicyIsSentWithEveryPage(t *testing.T) {
	r := serve(t, "GET", "/", nil)
	want := "default-src 'none'; connect-src 'self'; script-src 'self' 'sha256-abc='; " +
		"frame-ancestors 'none'"
	if got := r.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("nosniff is missing")
	}
}

func TestPolicyAdmitsMediaNodes(t *testing.T) {
	r := serve(t, "GET", "/", nil, "wss://media1.example.org", "https://not.a.socket",
		"wss://*.media.example.org:8443", "wss://a.example;script-src *", "wss://a.example b",
		"wss://a.example/path", "wss://user@a.example", "wss://", "*", "")
	want := "; connect-src 'self' wss://media1.example.org wss://*.media.example.org:8443; "
	if got := r.Header.Get("Content-Security-Policy"); !strings.Contains(got, want) {
		t.Errorf("got %q, want it to contain %q", got, want)
	}
}

func TestUnchangedPageAnswers304(t *testing.T) {
	etag := serve(t, "GET", "/", map[string]string{"Accept-Encoding": "gzip"}).Header.Get("ETag")
	for _, header := range []string{etag, `"other", W/` + etag, "*"} {
		if r := serve(t, "GET", "/", map[string]string{
			"Accept-Encoding": "gzip", "If-None-Match": header,
		}); r.StatusCode != 304 || body(t, r) != "" {
			t.Errorf("If-None-Match %s: got %d", header, r.StatusCode)
		}
	}
	if r := serve(t, "GET", "/", map[string]string{"If-None-Match": etag}); r.StatusCode != 200 {
		t.Errorf("the tag of another encoding matched: got %d", r.StatusCode)
	}
}

func TestOtherMethodsAnswer405(t *testing.T) {
	if r := serve(t, "HEAD", "/", nil); r.StatusCode != 200 || body(t, r) != "" ||
		r.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: got %d", r.StatusCode)
	}
	if r := serve(t, "POST", "/", nil); r.StatusCode != 405 ||
		r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d", r.StatusCode)
	}
}

func TestMissingBuildSaysWhatToDo(t *testing.T) {
	h, err := newSite(fstest.MapFS{"build-missing.html": {Data: []byte("run make web")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "make web") {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestBuildWithoutPolicyIsAnError(t *testing.T) {
	files := built()
	files["build/index.html"] = &fstest.MapFile{Data: []byte("<html></html>")}
	if _, err := newSite(files, nil); err == nil {
		t.Error("no error")
	}
}

func TestHandlerOfEmbeddedPages(t *testing.T) {
	if _, err := Handler(nil); err != nil {
		t.Fatal(err)
	}
}

func TestPolicyThatAllowsAnyScriptIsAnError(t *testing.T) {
	for _, bad := range []string{
		"default-src 'none'; script-src 'self' 'unsafe-inline'", "default-src 'unsafe-inline'",
		"script-src-elem 'unsafe-eval'",
	} {
		if _, err := readPolicy([]byte(`<meta http-equiv="content-security-policy" content="` +
			"connect-src 'self'; " + bad + `">`)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	if _, err := readPolicy([]byte(page)); err != nil {
		t.Error(err)
	}
}
