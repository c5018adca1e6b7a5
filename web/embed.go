// Package web holds the built pages and serves them. It imports nothing of ours.
package web

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
)

// The pattern matches build-missing.html, which is always there, and build/ once `make web` has made it: so the module compiles
// either way.
//
//go:embed all:build*
var files embed.FS

// Handler serves the pages: GET and HEAD only, everything it does not know is the app's first
// page. A binary without pages says so with 503. The error means that the pages were built
// wrongly.
func Handler() (http.Handler, error) {
	return newSite(files)
}

// Built reports whether the pages are inside.
func Built() bool {
	_, err := fs.Stat(files, indexPage)
	return err == nil
}

const (
	indexPage   = "build/index.html"
	missingPage = "build-missing.html"
)

func newSite(files fs.FS) (http.Handler, error) {
	if _, err := fs.Stat(files, indexPage); err != nil {
		page, err := fs.ReadFile(files, missingPage)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		return missing(page), nil
	}
	return readSite(files)
}

// missing is what a binary without pages serves.
func missing(page []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			w.Write(page)
		}
	})
}
