// Package chain makes several recognisers one: the best of those that are there listens, and when
// it fails in the middle of a conversation, the next one takes over. Nothing that was said is
// lost, because a stream keeps the sound of the current utterance and lets the next recogniser
// hear it from its beginning.
//
// A recogniser that has failed is left alone for half a minute, then for longer and longer. After
// that it listens again, from the beginning of an utterance on.
package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"bedside/speech/asr"
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// How long a recogniser that failed is left alone: at first, and at most.
const (
	firstRest = 30 * time.Second
	lastRest  = 5 * time.Minute
)

// ErrNone is returned when no recogniser is left.
var ErrNone = errors.New("no recogniser can listen")

// Link is one of the recognisers.
type Link struct {
	Name string
	// Recogniser is nil when it is missing. Err says why then; it wraps asr.ErrNotSet when nobody
	// has set it up.
	Recogniser asr.Recogniser
	Err        error
	// Own says that a failure concerns only the speaker, as that of a speaker's browser.
	Own bool
}

// Chain implements asr.Recogniser. It is safe for concurrent use.
type Chain struct {
	links      []*link
	log        *slog.Logger
	failures   *prometheus.CounterVec
	unregister func()
}

// link is a Link and how it has done.
type link struct {
	Link

	mu   sync.Mutex // guards rest
	rest rest
}

// New returns a chain of recognisers, the best one first. reg may be nil.
func New(links []Link, log *slog.Logger, reg prometheus.Registerer) (*Chain, error) {
	set := metricset.New()
	c := &Chain{
		log: log,
		failures: promauto.With(set).NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_recogniser_failures_total",
			Help: "Failures of recognisers, after which the next one has listened.",
		}, []string{"recogniser"}),
	}
	for _, l := range links {
		c.links = append(c.links, &link{Link: l})
	}
	var err error
	c.unregister, err = set.RegisterWith(reg, "recognisers")
	return c, err
}

// Close unregisters the metrics.
func (c *Chain) Close() { c.unregister() }

// Name implements asr.Recogniser. It is the name of the recogniser that would listen now.
func (c *Chain) Name() string { return c.Choice().Name }

// Choice returns what would listen now to a speaker whose browser sends no words. Its Name is
// empty when nothing can listen.
func (c *Chain) Choice() asr.Choice {
	var why []string
	for _, l := range c.links {
		err := l.usable()
		if err == nil && !l.Own {
			return asr.Choice{Name: l.Name, Why: strings.Join(why, "; ")}
		}
		why = l.explain(why, err)
	}
	return asr.Choice{Why: strings.Join(append(why, ErrNone.Error()), "; ")}
}

// Available says of each recogniser whether it can listen.
type Available struct {
	Name string
	Err  error // why it cannot
}

// Available lists the recognisers, the best one first.
func (c *Chain) Available() []Available {
	list := make([]Available, len(c.links))
	for i, l := range c.links {
		list[i] = Available{l.Name, l.usable()}
	}
	return list
}

// usable returns nil, or why the recogniser cannot listen now.
func (l *link) usable() error {
	if l.Recogniser == nil {
		return l.Err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rest.over()
}

// explain adds to why a better recogniser does not listen. That nobody has set one up needs no
// explanation.
func (l *link) explain(why []string, err error) []string {
	if err == nil || errors.Is(err, asr.ErrNotSet) {
		return why
	}
	return append(why, fmt.Sprintf("%s: %v", l.Name, err))
}

// failed notes a failure.
func (l *link) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest.failed(err)
}

// worked notes that an utterance was recognised.
func (l *link) worked() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = rest{}
}

// rest is how long a recogniser that has failed is left alone.
type rest struct {
	fault error
	until time.Time
	lasts time.Duration
}

// over returns nil, or the failure because of which the recogniser is left alone.
func (r *rest) over() error {
	if time.Now().Before(r.until) {
		return r.fault
	}
	return nil
}

// failed begins a rest, twice as long as the last one.
func (r *rest) failed(err error) {
	r.lasts = min(max(2*r.lasts, firstRest), lastRest)
	r.fault, r.until = err, time.Now().Add(r.lasts)
}

// Open implements asr.Recogniser. The error is ErrNone, or that of ctx.
func (c *Chain) Open(ctx context.Context, about asr.Context) (asr.Stream, error) {
	s := &stream{ctx: ctx, chain: c, about: about, own: make([]rest, len(c.links)), current: -1}
	if err := s.open(len(c.links), nil); err != nil {
		return nil, err
	}
	return s, nil
}
