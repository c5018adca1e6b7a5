// Package docs serves the documentation page of the REST API, which it makes from the OpenAPI
// description when the server starts. The page loads nothing from other servers and has no
// scripts.
package docs

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"

	"bedside/api/httpx"

	"github.com/danielgtaylor/huma/v2"
)

// Path is the path of the page.
const Path = "/docs"

// StylePath is the path of the style sheet.
const StylePath = Path + "/style.css"

// policy is the content security policy of the page. It permits only its own style sheet and
// images.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

//go:embed page.html style.css
var files embed.FS

// Pages are the page and its style sheet. They are immutable.
type Pages struct{ page, style *httpx.Asset }

// New returns the page for a description. class returns the rate limit class of an operation.
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
	styleAsset, err := httpx.NewAsset(style, "text/css; charset=utf-8")
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	pageAsset, err := httpx.NewAsset(page.Bytes(), "text/html; charset=utf-8")
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	return &Pages{page: pageAsset, style: styleAsset}, nil
}

// ServePage serves the page.
func (p *Pages) ServePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "same-origin")
	p.page.ServeHTTP(w, r)
}

// ServeStyle serves the style sheet.
func (p *Pages) ServeStyle(w http.ResponseWriter, r *http.Request) { p.style.ServeHTTP(w, r) }
