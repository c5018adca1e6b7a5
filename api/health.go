package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
)

// Check tells whether a part works. A part that is not Required may be away while the server
// stays ready: rooms outlive a Redis that is gone for a while.
type Check struct {
	Name     string
	Required bool
	Ping     func(ctx context.Context) error
}

// checkTimeout bounds a check.
const checkTimeout = 2 * time.Second

type health struct {
	version string
	checks  []Check
	log     *slog.Logger
}

func (h *health) routes(router chi.Router) {
	router.Get("/health", h.live)
	router.Get("/health/ready", h.ready)
}

// Health is the answer of /health and, with the state of each part by name ("ok" or "down"), of
// /health/ready.
type Health struct {
	Status  string            `json:"status"` // ok, degraded or down
	Version string            `json:"version,omitempty"`
	Parts   map[string]string `json:"parts,omitempty"`
}

// live says that the process answers, whatever its parts do.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, Health{Status: "ok", Version: h.version})
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	errs := make([]error, len(h.checks))
	var all sync.WaitGroup
	for i, c := range h.checks {
		all.Go(func() { errs[i] = c.Ping(ctx) })
	}
	all.Wait()
	out := Health{Status: "ok", Version: h.version, Parts: map[string]string{}}
	for i, c := range h.checks {
		out.Parts[c.Name] = "ok"
		if errs[i] == nil {
			continue
		}
		h.log.Warn("a part is not ready", "part", c.Name, "error", errs[i])
		out.Parts[c.Name] = "down"
		if c.Required {
			out.Status = "down"
		} else if out.Status == "ok" {
			out.Status = "degraded"
		}
	}
	writeHealth(w, out)
}

func writeHealth(w http.ResponseWriter, h Health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if h.Status == "down" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h) // fails when the client is gone
}
