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

// Check checks whether a part of the server works. While a part that is not Required does not
// work, the server counts as ready: for example, rooms survive an outage of Redis.
type Check struct {
	Name     string
	Required bool
	Ping     func(ctx context.Context) error
}

// checkTimeout is the time limit of all checks together.
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

// Health is the response of /health and /health/ready. The latter has the state of each part, "ok"
// or "down", by the part's name.
type Health struct {
	Status  string            `json:"status"` // ok, degraded or down
	Version string            `json:"version,omitempty"`
	Parts   map[string]string `json:"parts,omitempty"`
}

// live responds that the process is running. It does not check the parts.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, Health{Status: "ok", Version: h.version})
}

// ready runs every check.
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
		h.log.Warn("health check failed", "part", c.Name, "error", errs[i])
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
	_ = json.NewEncoder(w).Encode(h) // fails when the client has disconnected
}
