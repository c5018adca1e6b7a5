package main

import (
	"context"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"bedside/store"
)

const (
	// originsEvery is how long the list of media nodes is used before it is read again.
	originsEvery = 2 * time.Second
	// originsKept is how long pages may connect to a node that is gone: it may be restarting.
	originsKept = time.Hour
	maxOrigins  = 100 // of media nodes
)

// mediaOrigins knows to which hosts, besides their own, pages may open WebSockets: those in the
// settings and those of the media nodes. Safe for concurrent use.
type mediaOrigins struct {
	nodes    func(ctx context.Context) ([]store.MediaNode, error)
	settings []string
	clock    func() time.Time
	log      *slog.Logger

	mu   sync.Mutex           // guards the fields below
	seen map[string]time.Time // when a node with the origin was last there
	next time.Time            // when the list is read again
	list []string
}

// origins returns the origins, as web.MediaOrigins.
func (m *mediaOrigins) origins(ctx context.Context) []string {
	m.mu.Lock()
	now, list := m.clock(), m.list
	due := !now.Before(m.next)
	if due { // meanwhile other requests use the list as it is
		m.next = now.Add(originsEvery)
	}
	m.mu.Unlock()
	if !due {
		return list
	}
	nodes, err := m.nodes(ctx)
	if err != nil {
		m.log.Warn("cannot list the media nodes for the pages' policy", "error", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = m.update(now, nodes)
	return m.list
}

// update adds nodes and returns the list. The caller holds mu.
func (m *mediaOrigins) update(now time.Time, nodes []store.MediaNode) []string {
	if m.seen == nil {
		m.seen = map[string]time.Time{}
	}
	maps.DeleteFunc(m.seen, func(_ string, at time.Time) bool { return now.Sub(at) > originsKept })
	for _, n := range nodes {
		u, err := url.Parse(n.Endpoint)
		if n.Endpoint == "" || err != nil {
			continue
		}
		origin := u.Scheme + "://" + u.Host
		if _, known := m.seen[origin]; known || len(m.seen) < maxOrigins {
			m.seen[origin] = now
		}
	}
	return slices.Compact(slices.Concat(m.settings, slices.Sorted(maps.Keys(m.seen))))
}
