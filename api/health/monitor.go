// Package health answers whether a server works: /health says that the process runs, and
// /health/ready that every part works which the process needs.
//
// A part is checked by using it: a small write to the database, a datagram to the media port. The
// checks run in the background, at most one of each part at a time, so that requests cost nothing
// however many come. A failure shows within the interval and the time limit of a check together:
// four seconds by default.
package health

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Config configures a Monitor. A zero duration means the value in Defaults.
type Config struct {
	MinFree int `key:"store.min_free_mb" env:"BEDSIDE_STORE_MIN_FREE_MB" doc:"megabytes that must be free on the disks of the data folder and of recordings; with less the server is not ready"`

	Version string        // of the build
	Every   time.Duration // between the starts of two checks of a part
	Limit   time.Duration // time limit of a check
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{MinFree: 200, Every: 2 * time.Second, Limit: 2 * time.Second}
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	if c.MinFree < 0 {
		return errors.New("store.min_free_mb: a number from zero is needed")
	}
	return nil
}

// Check checks whether a part of the server works.
type Check struct {
	Name string // public: it says nothing about where the part is
	Run  func(ctx context.Context) error
}

// Monitor checks parts in the background, from New until Close. It is safe for concurrent use.
type Monitor struct {
	cfg    Config
	log    *slog.Logger
	parts  []*part
	cancel context.CancelFunc
	loops  sync.WaitGroup

	unregister func()

	mu       sync.Mutex
	draining time.Time // guarded by mu; zero: the server takes new work
}

// part is a part with what its checks have found so far.
type part struct {
	Check
	ready prometheus.Gauge
	first chan struct{} // closed when the first check has ended

	mu    sync.Mutex // guards the fields below
	ok    bool       // by the last check
	since time.Time  // when ok changed; zero until the first check has ended
}

// errNoAnswer is logged when a check does not end within its time limit.
var errNoAnswer = errors.New("no answer in time")

// New begins to check the parts. The registerer may be nil. It returns an error when the metrics
// are registered already.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer,
	checks ...Check) (*Monitor, error) {
	cfg.Every = cmp.Or(cfg.Every, Defaults().Every)
	cfg.Limit = cmp.Or(cfg.Limit, Defaults().Limit)
	set := metricset.New()
	ready := promauto.With(set).NewGaugeVec(prometheus.GaugeOpts{
		Name: "bedside_part_ready", Help: "Whether a part of the server works: 1 or 0.",
	}, []string{"part"})
	unregister, err := set.RegisterWith(reg, "health checks")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &Monitor{cfg: cfg, log: log, cancel: cancel, unregister: unregister}
	for _, c := range checks {
		p := &part{
			Check: c, ready: ready.WithLabelValues(c.Name), first: make(chan struct{}),
		}
		m.parts = append(m.parts, p)
		m.loops.Go(func() { m.watch(ctx, p) })
	}
	return m, nil
}

// Close ends the checks, and waits for those that run until ctx ends.
func (m *Monitor) Close(ctx context.Context) error {
	m.cancel()
	m.unregister()
	ended := make(chan struct{})
	go func() {
		m.loops.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Drain makes the server not ready from now on, because it takes no new work before it stops.
func (m *Monitor) Drain() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining.IsZero() {
		m.draining = time.Now()
	}
}

// watch checks a part again and again until ctx ends.
func (m *Monitor) watch(ctx context.Context, p *part) {
	tick := time.NewTicker(m.cfg.Every)
	defer tick.Stop()
	for {
		m.check(ctx, p)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// check checks a part once. While a check ignores its time limit, the part counts as failed.
func (m *Monitor) check(ctx context.Context, p *part) {
	limited, cancel := context.WithTimeout(ctx, m.cfg.Limit)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- p.Run(limited) }()
	var err error
	select {
	case err = <-result:
	case <-limited.Done():
		if ctx.Err() == nil {
			m.found(p, errNoAnswer)
		}
		err = <-result
	}
	if ctx.Err() == nil { // else the server is closing its parts
		m.found(p, err)
	}
}

// found records what a check has found, and logs changes.
func (m *Monitor) found(p *part, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := !p.since.IsZero()
	if known && p.ok == (err == nil) {
		return
	}
	p.ok, p.since = err == nil, time.Now()
	p.ready.Set(map[bool]float64{true: 1}[p.ok])
	if !known {
		close(p.first)
	}
	switch {
	case err != nil:
		m.log.Error("a part of the server has failed", "part", p.Name, "error", err)
	case known:
		m.log.Info("a part of the server works again", "part", p.Name)
	}
}
