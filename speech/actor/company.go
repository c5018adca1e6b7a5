package actor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bedside/speech/asr"
	"bedside/speech/chat"
	"bedside/speech/event"
	"bedside/speech/opus"
	"bedside/speech/part"
	"bedside/speech/patient"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// aliveEvery is how often an actor says that it is there.
	aliveEvery = 500 * time.Millisecond
	// maxNotices is how many notices wait for an actor at most.
	maxNotices = 256
)

// Ensemble is what a company needs to play.
type Ensemble struct {
	Theatre    Theatre
	Scripts    Scripts
	Recogniser asr.Recogniser
	// Hears says what hears now, for those who ask before a play.
	Hears    func() asr.Choice
	Voices   Voices
	Chat     *chat.Patient
	Model    Model    // may be nil
	Speakers Speakers // may be nil
}

// Company plays the automatic patients of a process. It is safe for concurrent use.
type Company struct {
	Ensemble
	cfg     Config
	name    string
	log     *slog.Logger
	metrics *metrics

	ctx    context.Context // of the actors
	cancel context.CancelCauseFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	queue    *queue
	actors   map[string]*actor // by attempt; guarded by mu
	prepared map[string]bool   // scripts whose lines are rendered, or being so; guarded by mu
	closed   bool
}

// actor is one actor as the company sees it.
type actor struct {
	generation int
	cancel     context.CancelCauseFunc
}

// errClosing ends the actors of a company that closes.
var errClosing = errors.New("the worker shuts down")

// NewCompany returns a company without plays. name is the worker's name, which no other has. reg
// may be nil. The caller closes it.
func NewCompany(cfg Config, name string, e Ensemble, log *slog.Logger,
	reg prometheus.Registerer) (*Company, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Company{
		Ensemble: e, cfg: cfg, name: name, log: log, metrics: m,
		queue: newQueue(cfg.Places, name), actors: map[string]*actor{},
		prepared: map[string]bool{},
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c, nil
}

// Close ends all actors, so that their rooms call others at once, and waits for them.
func (c *Company) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel(errClosing)
	c.done.Wait()
	c.metrics.unregister()
}

// Call holds a place for a room that calls, or tells it its place in the queue.
func (c *Company) Call(call part.Call) part.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.Hears().Name == "" {
		return nil
	}
	defer c.count()
	return c.queue.call(call, c.cfg.Clock())
}

// Confirm starts an actor on the place that is held for it. It replaces an earlier one of the same
// attempt.
func (c *Company) Confirm(confirm part.Confirm) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	defer c.count()
	if a := c.actors[confirm.Attempt]; a != nil && a.generation == confirm.Generation {
		return true // the answer to the first one was lost
	}
	call, ok := c.queue.confirm(confirm, c.cfg.Clock())
	if !ok {
		return false
	}
	if before := c.actors[confirm.Attempt]; before != nil {
		before.cancel(errStale)
	}
	ctx, cancel := context.WithCancelCause(c.ctx)
	c.actors[call.Attempt] = &actor{call.Generation, cancel}
	c.done.Go(func() { c.play(ctx, call) })
	return true
}

// Release frees what is held for a room that has found an actor elsewhere, and ends an earlier
// one.
func (c *Company) Release(confirm part.Confirm) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.release(confirm.Attempt)
	if a := c.actors[confirm.Attempt]; a != nil && a.generation < confirm.Generation {
		a.cancel(errStale)
	}
	c.count()
}

// Status says what the company can do.
func (c *Company) Status() part.Status {
	hears := c.Hears()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.expire(c.cfg.Clock())
	return part.Status{
		Worker: c.name, Slots: c.cfg.Places, Free: max(c.queue.free(), 0),
		Waiting: len(c.queue.waiting), Recogniser: hears.Name, Why: hears.Why,
	}
}

// count updates the gauges. The caller holds mu.
func (c *Company) count() {
	c.metrics.playing.Set(float64(len(c.queue.playing)))
	c.metrics.waiting.Set(float64(len(c.queue.waiting)))
}

// play plays one part, from its beginning or from where another actor has left it.
func (c *Company) play(ctx context.Context, call part.Call) {
	err := c.try(ctx, call)
	why := "failed"
	switch {
	case errors.Is(err, errEnded):
		why = "ended"
	case errors.Is(err, errStale):
		why = "replaced"
	case errors.Is(err, errClosing):
		why = "shutdown"
	default:
		c.log.Error("an automatic patient has failed; the room calls another", "attempt",
			call.Attempt, "error", err)
	}
	c.metrics.ended.WithLabelValues(why).Inc()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.left(call.Attempt, call.Generation)
	if a := c.actors[call.Attempt]; a != nil && a.generation == call.Generation {
		a.cancel(nil)
		delete(c.actors, call.Attempt)
	}
	c.count()
}

// try plays until the part ends, and returns why it did. While it lasts, it says that the actor
// is there.
func (c *Company) try(ctx context.Context, call part.Call) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	told, feed := make(chan part.Told, maxNotices), asr.NewFeed()
	link, err := c.Theatre.Join(call.Attempt, func(t part.Told) *part.Reply {
		if t.Generation != call.Generation {
			return nil
		}
		if h, ok := t.Notice.(part.Heard); ok {
			feed.Add(browserWords(h), h.Final) // the end of a turn waits for it
		}
		if _, over := t.Notice.(part.Ended); over {
			end(errEnded) // the play may be waiting for the room's answer
			return &part.Reply{}
		}
		select {
		case told <- t:
			return &part.Reply{}
		default:
			return nil // it comes again
		}
	})
	if err != nil {
		return err
	}
	defer link.Close()
	var state atomic.Pointer[part.Alive]
	state.Store(&part.Alive{Generation: call.Generation})
	alive := func() {
		if err := link.Alive(*state.Load()); err != nil {
			c.log.Warn("cannot say that an actor is there", "attempt", call.Attempt, "error", err)
		}
	}
	beating, stop := context.WithCancel(context.Background())
	var beat sync.WaitGroup
	beat.Go(func() {
		tick := time.NewTicker(aliveEvery)
		defer tick.Stop()
		for beating.Err() == nil {
			alive()
			select {
			case <-tick.C:
			case <-beating.Done():
			}
		}
	})
	p, err := c.open(ctx, call, feed, func(choice asr.Choice) {
		state.Store(&part.Alive{
			Generation: call.Generation, Ready: true, Recogniser: choice.Name,
			Why: clip(choice.Why),
		})
	})
	if err == nil {
		p.link = link
		alive()
		err = p.run(ctx, told, c.Theatre)
		if cerr := p.ear.stream.Close(); cerr != nil {
			c.log.Warn("cannot close a recogniser", "attempt", call.Attempt, "error", cerr)
		}
	}
	stop()
	beat.Wait()
	if !errors.Is(err, errEnded) && !errors.Is(err, errStale) {
		last := *state.Load()
		last.Ready, last.Gone, last.Why = false, true, clip(err.Error())
		state.Store(&last)
		alive()
	}
	return err
}

// clip shortens a text for a message.
func clip(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// open gets everything that a play needs. chosen is called with what hears, and again when that
// changes.
func (c *Company) open(ctx context.Context, call part.Call, feed *asr.Feed,
	chosen func(asr.Choice)) (*play, error) {
	scenario, d, err := c.Scripts.Script(ctx, call.Scenario, call.Version)
	if err != nil {
		return nil, err
	}
	state, err := readSnapshot(call.State, d)
	if err != nil {
		return nil, err
	}
	p := &play{
		call: call, clock: c.cfg.Clock, voices: c.Voices, chat: c.Chat, model: c.Model, log: c.log,
		metrics: c.metrics, dialogue: d, scenario: scenario,
		now: state, heardTo: call.HeardTo, startedAt: call.StartedAt, lastAudio: c.cfg.Clock(),
		mood: moodOf(state.State), behind: call.Clock != nil,
	}
	if call.Clock != nil {
		p.time = *call.Clock
	}
	if call.Saying != "" {
		p.saying = []string{call.Saying}
	}
	if p.decoder, err = opus.NewDecoder(); err != nil {
		return nil, err
	}
	about := asr.Context{
		Texts: d.Texts(), Say: d.Say(), Browser: feed,
		Chosen: func(choice asr.Choice) {
			p.choice = choice
			at := p.clock().UnixMicro()
			p.events = append(p.events, event.Recogniser{
				At: at, Name: choice.Name, Why: clip(choice.Why),
			})
			chosen(choice)
		},
	}
	if c.Speakers != nil {
		about.Speaker, err = c.Speakers.Speaker(ctx, call.Candidate)
		if err != nil { // the patient hears worse without
			c.log.Warn("what is known of a voice cannot be read", "user", call.Candidate,
				"error", err)
		}
	}
	stream, err := c.Recogniser.Open(ctx, about)
	if err != nil {
		return nil, err
	}
	if p.choice.Name == "" { // it is no chain
		about.Chosen(asr.Choice{Name: c.Recogniser.Name()})
	}
	p.ear = &ear{stream: stream, guess: func(words []string) patient.Act {
		return d.Guess(p.now.State, words)
	}}
	if p.startedAt != 0 {
		p.ear.at = max(0, p.seconds(p.heardTo))
		p.ear.audioAt = p.ear.at
	}
	p.ear.placed = func(offset float64) { feed.Zero(float64(p.startedAt)/1e6 + offset) }
	p.openSession(ctx)
	c.prepare(call, p)
	return p, nil
}

// prepare has the lines of a script rendered beforehand, once. Until then, a line takes a moment
// longer.
func (c *Company) prepare(call part.Call, p *play) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprint(call.Scenario, call.Version)
	if c.prepared[key] || c.closed {
		return
	}
	c.prepared[key] = true
	c.done.Go(func() {
		err := c.Voices.Prepare(c.ctx, p.dialogue.Lines(), p.dialogue.Persona().Voice)
		if err != nil && c.ctx.Err() == nil {
			c.log.Warn("the lines of a script cannot be rendered beforehand", "scenario",
				call.Scenario, "error", err)
			c.mu.Lock()
			delete(c.prepared, key)
			c.mu.Unlock()
		}
	})
}
