// Package docs is the page that explains the REST interface, made of its OpenAPI description. It is ready when the server starts, loads nothing
// from elsewhere and runs no script.
package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Path is where the page is.
const Path = "/docs"

// StylePath is where its style sheet is.
const StylePath = Path + "/style.css"

// policy lets the page show itself with its own style sheet, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html style.css
var files embed.FS

// Pages are the page and its style sheet. They are immutable.
type Pages struct{ page, style asset }

type asset struct {
	body        []byte
	etag        string
	contentType string
}

// New writes the page for a description. class tells which rate an operation counts towards.
func New(doc *huma.OpenAPI, class func(*huma.Operation) string) (*Pages, error) {
	t, err := template.New("page.html").ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	v, err := viewOf(doc, class)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := t.Execute(&page, v); err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	return &Pages{page: newAsset(page.Bytes(), "text/html; charset=utf-8"), style: newAsset(style, "text/css; charset=utf-8")}, nil
}

func newAsset(body []byte, contentType string) asset {
	sum := sha256.Sum256(body)
	return asset{body: body, etag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, contentType: contentType}
}

// ServePage is the page's handler.
func (p *Pages) ServePage(w http.ResponseWriter, r *http.Request) { p.page.serve(w, r) }

// ServeStyle is the style sheet's handler.
func (p *Pages) ServeStyle(w http.ResponseWriter, r *http.Request) { p.style.serve(w, r) }

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimSpace(tag) == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", a.contentType)
	_, _ = w.Write(a.body) // fails when the client is gone
}
