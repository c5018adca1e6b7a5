package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Status is the state of a part, or of the server.
type Status string

// A server is down when one of its parts is, and draining when it takes no new work because it is
// about to stop. Both answer /health/ready with 503.
const (
	OK       Status = "ok"
	Down     Status = "down"
	Draining Status = "draining"
)

// Part is the state of a part of the server.
type Part struct {
	Status Status    `json:"status"`
	Since  time.Time `json:"since"` // when the status last changed
}

// Answer is the response of /health and /health/ready. Only the latter has the parts, by name. It
// never says why a part is down, since anybody may ask: the log does.
type Answer struct {
	Status  Status          `json:"status"`
	Version string          `json:"version,omitempty"`
	Parts   map[string]Part `json:"parts,omitempty"`
}

// errUnknownPart is returned for a part that the process does not check.
var errUnknownPart = errors.New("this process checks no such part")

// State returns what the checks of some parts have found, or of all parts if none is named. It
// waits for the first check of each, which ends within the time limit of a check.
func (m *Monitor) State(ctx context.Context, names ...string) (Answer, error) {
	a := Answer{Status: OK, Version: m.cfg.Version, Parts: map[string]Part{}}
	for _, name := range names {
		if !slices.ContainsFunc(m.parts, func(p *part) bool { return p.Name == name }) {
			return a, fmt.Errorf("%w: %q", errUnknownPart, name)
		}
	}
	for _, p := range m.parts {
		if len(names) > 0 && !slices.Contains(names, p.Name) {
			continue
		}
		select {
		case <-p.first:
		case <-ctx.Done():
		}
		p.mu.Lock()
		state := Part{Status: OK, Since: p.since.UTC()}
		if !p.ok {
			state.Status, a.Status = Down, Down
		}
		p.mu.Unlock()
		a.Parts[p.Name] = state
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.draining.IsZero() {
		a.Parts["draining"] = Part{Status: Draining, Since: m.draining.UTC()}
		if a.Status == OK {
			a.Status = Draining
		}
	}
	return a, nil
}

// Live serves /health: the process runs. It says nothing about the parts.
func (m *Monitor) Live(w http.ResponseWriter, _ *http.Request) {
	write(w, Answer{Status: OK, Version: m.cfg.Version})
}

// Ready serves /health/ready: 200 while every part works and 503 otherwise. With the parameter
// parts, names separated by commas, only those parts count, and draining.
func (m *Monitor) Ready(w http.ResponseWriter, r *http.Request) {
	var names []string
	if list := r.URL.Query().Get("parts"); list != "" {
		names = strings.Split(list, ",")
	}
	state, err := m.State(r.Context(), names...)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	write(w, state)
}

func write(w http.ResponseWriter, a Answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if a.Status != OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(a) // fails when the client has disconnected
}
