// Package web embeds the built pages and serves them. The pages are a SvelteKit app: one HTML
// document for every address, and scripts, styles and fonts whose names contain a hash of their
// content. `make web` builds them into build/; a binary without them serves build-missing.html.
package web

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
)

// The pattern matches build-missing.html, which is part of the sources, and build/ once `make web`
// has run, so the module compiles either way.
//
//go:embed all:build*
var files embed.FS

// Handler returns a handler for GET and HEAD that serves the pages. An unknown address gets the
// app's document; an unknown file, 404. A binary without pages answers 503. Handler returns an
// error if the build is unusable, for example without a content security policy. The pages may
// connect to the media origins; nil: there are none on other hosts.
func Handler(media MediaOrigins) (http.Handler, error) {
	return newSite(files, media)
}

// Built reports whether the pages are embedded.
func Built() bool {
	_, err := fs.Stat(files, indexPage)
	return err == nil
}

const (
	indexPage   = "build/index.html"
	missingPage = "build-missing.html"
)

func newSite(files fs.FS, media MediaOrigins) (http.Handler, error) {
	if _, err := fs.Stat(files, indexPage); err != nil {
		page, err := fs.ReadFile(files, missingPage)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		return missing(page), nil
	}
	if media == nil {
		media = func(context.Context) []string { return nil }
	}
	return readSite(files, media)
}

// missing returns the handler of a binary without pages.
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
