package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// site serves the files of a build from memory. It is immutable and safe for concurrent use.
type site struct {
	files  map[string]file // by URL path
	index  file
	policy policy
	media  MediaOrigins
}

// file is a page or asset with its compressed forms, which are nil unless they are smaller.
type file struct {
	plain, br, gzip []byte
	contentType     string
	etag            string // without quotes
	immutable       bool   // its name contains a hash of its content
}

func readSite(files fs.FS, media MediaOrigins) (*site, error) {
	root, err := fs.Sub(files, "build")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	raw := map[string][]byte{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &site{files: map[string]file{}, media: media}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if ext := path.Ext(name); ext == ".br" || ext == ".gz" {
			continue
		}
		contentType, ok := contentTypes()[path.Ext(name)]
		if !ok {
			return nil, fmt.Errorf("web: %s has no known content type: add one to contentTypes",
				name)
		}
		sum := sha256.Sum256(raw[name])
		s.files["/"+name] = file{
			plain:       raw[name],
			br:          smaller(raw[name+".br"], raw[name]),
			gzip:        smaller(raw[name+".gz"], raw[name]),
			contentType: contentType,
			etag:        base64.RawURLEncoding.EncodeToString(sum[:12]),
			immutable:   strings.HasPrefix(name, "_app/immutable/"),
		}
	}
	s.index = s.files["/index.html"]
	if s.policy, err = readPolicy(s.index.plain); err != nil {
		return nil, err
	}
	return s, nil
}

func smaller(packed, plain []byte) []byte {
	if len(packed) == 0 || len(packed) >= len(plain) {
		return nil
	}
	return packed
}

// contentTypes returns a fixed table: the machine's may lack woff2 or have JavaScript wrong.
func contentTypes() map[string]string {
	return map[string]string{
		".html":        "text/html; charset=utf-8",
		".js":          "text/javascript; charset=utf-8",
		".css":         "text/css; charset=utf-8",
		".json":        "application/json",
		".map":         "application/json",
		".webmanifest": "application/manifest+json",
		".svg":         "image/svg+xml",
		".png":         "image/png",
		".jpg":         "image/jpeg",
		".ico":         "image/x-icon",
		".woff2":       "font/woff2",
		".txt":         "text/plain; charset=utf-8",
		".wav":         "audio/wav",
		".mp3":         "audio/mpeg",
		".ogg":         "audio/ogg",
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	s.secure(w.Header(), s.media(r.Context()))
	f, ok := s.files[r.URL.Path]
	switch {
	case ok:
	case path.Ext(r.URL.Path) != "": // a missing file, not a page of the app
		http.Error(w, "not found", http.StatusNotFound)
		return
	default:
		f = s.index
	}
	f.serve(w, r)
}

func (s *site) secure(h http.Header, media []string) {
	h.Set("Content-Security-Policy", s.policy.header(media))
	h.Set("Permissions-Policy",
		"microphone=(self), speaker-selection=(self), camera=(), geolocation=(), payment=()")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	body, encoding := f.pick(r.Header.Get("Accept-Encoding"))
	h := w.Header()
	etag := `"` + f.etag + encoding + `"`
	h.Set("ETag", etag)
	h.Set("Vary", "Accept-Encoding")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body) // it fails only if the browser has gone
	}
}

// pick returns the smallest form that the browser accepts.
func (f file) pick(accept string) (body []byte, encoding string) {
	switch {
	case f.br != nil && accepts(accept, "br"):
		return f.br, "br"
	case f.gzip != nil && accepts(accept, "gzip"):
		return f.gzip, "gzip"
	}
	return f.plain, ""
}

// accepts reports whether an Accept-Encoding header allows a coding; q=0 refuses it.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		value, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		if !ok {
			return true
		}
		q, err := strconv.ParseFloat(value, 64)
		return err == nil && q > 0
	}
	return false
}

// matches reports whether an If-None-Match header contains the tag. Weak tags match too: a proxy
// may have weakened ours.
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}
