package voice

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"bedside/speech/patient"
	"bedside/store"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

const (
	// format is part of the keys of files: it changes with how lines are encoded.
	format = "1"
	// maxText is the longest line that is spoken, in bytes.
	maxText = 1000
	// maxFile limits what is read of a file.
	maxFile = 4 << 20
	// memoryBytes is the memory for clips: those of some ten dialogues in one mood.
	memoryBytes = 32 << 20
	// recorded is the engine's name in clips that a person recorded.
	recorded = "human"
	// restFor is how long an engine that failed is not asked.
	restFor = 30 * time.Second
	// idle is how much longer than the last line took Prepare rests before the next one.
	idle = 2
	// remoteRest bounds that for engines elsewhere, and longestRest for those of this machine, of
	// which no line takes so long.
	remoteRest  = 300 * time.Millisecond
	longestRest = 5 * time.Second
)

// ErrUnspoken is returned when no engine can speak a line.
var ErrUnspoken = errors.New("no voice can speak the line")

var (
	errClosed = errors.New("the voices are closed")
	errLate   = errors.New("the voice is late")
)

// Files keeps rendered lines. *blob.Store does, through an adapter for Open.
type Files interface {
	// Open returns store.ErrNotFound when there is no file with the key.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	Put(ctx context.Context, key string, r io.Reader, contentType string) (int64, error)
}

// Human has the lines that people recorded.
type Human interface {
	// Recording opens a recorded line: Ogg Opus, as package line encodes it.
	Recording(ctx context.Context, media string) (io.ReadCloser, error)
}

// engine turns text into sound. It is safe for concurrent use.
type engine interface {
	name() string // in metrics and reports
	// version changes when the same line would sound otherwise. It has no secret.
	version(s style) string
	speaks(language string) bool
	remote() bool // it may take long, or not answer
	render(ctx context.Context, text string, s style) (sound, error)
}

// Voices speaks lines. It is safe for concurrent use. The caller of New closes it.
type Voices struct {
	cfg     Config
	files   Files
	human   Human
	log     *slog.Logger
	metrics *metrics
	engines []*ranked // by preference

	memory     *memory
	flights    singleflight.Group
	background chan struct{} // holds a token while Prepare renders a line

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex // guards closed, and running.Add
	closed  bool
	running sync.WaitGroup // renderings
}

// ranked is an engine, and whether it works.
type ranked struct {
	engine
	mu    sync.Mutex // guards until
	until time.Time  // it is not asked before
}

// New returns the voices that there are. It returns an error when there is none. Without files,
// lines are kept in memory only. human and reg may be nil.
func New(cfg Config, files Files, human Human, log *slog.Logger,
	reg prometheus.Registerer) (*Voices, error) {
	cfg = cfg.withDefaults()
	looked, engines := find(cfg)
	if len(engines) == 0 {
		errs := []error{ErrUnspoken}
		for _, l := range looked {
			errs = append(errs, l.Err)
		}
		return nil, errors.Join(errs...)
	}
	return newVoices(cfg, engines, files, human, log, reg)
}

func newVoices(cfg Config, engines []engine, files Files, human Human,
	log *slog.Logger, reg prometheus.Registerer) (*Voices, error) {
	metrics, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	v := &Voices{
		cfg: cfg, files: files, human: human, log: log, metrics: metrics,
		memory: newMemory(memoryBytes), background: make(chan struct{}, 1),
	}
	for _, e := range engines {
		v.engines = append(v.engines, &ranked{engine: e})
	}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	return v, nil
}

// Close ends what is being rendered, and waits for it.
func (v *Voices) Close() {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.cancel()
	v.running.Wait()
	v.metrics.unregister()
}

// Engines returns the names of the engines, the preferred one first.
func (v *Voices) Engines() []string {
	var names []string
	for _, e := range v.engines {
		names = append(names, e.name())
	}
	return names
}

// Line returns a line of a script: its recording, or else as a voice speaks it. A line that was
// rendered before comes from memory or from a file; another takes a tenth of a second. It returns
// ErrUnspoken when no engine can speak it, and the cause when ctx ends.
func (v *Voices) Line(ctx context.Context, l patient.Line, voice patient.Voice) (Clip, error) {
	return v.line(ctx, l, voice, v.cfg.Wait)
}

// line is Line. An engine elsewhere has to answer within wait.
func (v *Voices) line(ctx context.Context, l patient.Line, voice patient.Voice,
	wait time.Duration) (Clip, error) {
	if l.Media != "" && v.human != nil {
		clip, err := v.recording(ctx, l.Media)
		if err == nil {
			return clip, nil
		}
		v.metrics.failures.WithLabelValues(recorded).Inc()
		v.log.Warn("a recorded line cannot be read; a voice speaks it", "media", l.Media,
			"err", err)
	}
	text, err := clean(l.Text)
	if err != nil {
		return Clip{}, err
	}
	s := styleOf(l, voice)
	var errs []error
	for _, e := range v.engines {
		if !e.speaks(s.language) || e.resting(v.cfg.Clock()) {
			continue
		}
		clip, err := v.patiently(ctx, e, text, s, wait, !l.Improvised)
		if err == nil {
			return clip, nil
		}
		if ctx.Err() != nil {
			return Clip{}, context.Cause(ctx)
		}
		errs = append(errs, err)
	}
	return Clip{}, fmt.Errorf("%w %q: %w", ErrUnspoken, l.Text, errors.Join(errs...))
}

// recording returns the recording of a line.
func (v *Voices) recording(ctx context.Context, media string) (Clip, error) {
	key := recorded + " " + media
	if clip, ok := v.memory.get(key); ok {
		return clip, nil
	}
	f, err := v.human.Recording(ctx, media)
	if err != nil {
		return Clip{}, err
	}
	defer f.Close()
	clip, err := readClip(io.LimitReader(f, maxFile), recorded)
	if err == nil {
		v.memory.put(key, clip)
	}
	return clip, err
}

// clean returns a text that every engine takes: without control characters.
func clean(text string) (string, error) {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	switch {
	case text == "":
		return "", fmt.Errorf("%w: it is empty", ErrUnspoken)
	case len(text) > maxText:
		return "", fmt.Errorf("%w: it has %d bytes, at most %d", ErrUnspoken, len(text), maxText)
	}
	return text, nil
}

// patiently is clip for as long as an engine elsewhere is waited for.
func (v *Voices) patiently(ctx context.Context, e *ranked, text string, s style,
	wait time.Duration, keep bool) (Clip, error) {
	if e.remote() && wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wait, errLate)
		defer cancel()
	}
	clip, err := v.clip(ctx, e, text, s, keep)
	if errors.Is(err, errLate) {
		v.metrics.failures.WithLabelValues(e.name()).Inc()
		v.log.Warn("a voice is late; the next one speaks", "voice", e.name())
	}
	return clip, err
}

// clip returns a line as an engine speaks it. Who asks for the same line meanwhile gets the same
// clip; it is rendered to the end also when ctx ends.
func (v *Voices) clip(ctx context.Context, e *ranked, text string, s style,
	keep bool) (Clip, error) {
	key := keyOf(e.engine, text, s)
	if clip, ok := v.memory.get(key); ok {
		return clip, nil
	}
	id := key
	if !keep {
		id += " once" // nothing is kept, also when the same line is rendered to be kept
	}
	flight := v.flights.DoChan(id, func() (any, error) { return v.load(key, e, text, s, keep) })
	select {
	case result := <-flight:
		clip, _ := result.Val.(Clip)
		return clip, result.Err
	case <-ctx.Done():
		return Clip{}, context.Cause(ctx)
	}
}

// keyOf returns the key of a line's file.
func keyOf(e engine, text string, s style) string {
	sum := sha256.Sum256([]byte(strings.Join(
		[]string{format, e.name(), e.version(s), s.language, text}, "\x00")))
	name := hex.EncodeToString(sum[:])
	return prefix + name[:2] + "/" + name + ".ogg"
}

// load reads a line from its file, or renders it and, with keep, stores it.
func (v *Voices) load(key string, e *ranked, text string, s style, keep bool) (Clip, error) {
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return Clip{}, errClosed
	}
	v.running.Add(1)
	v.mu.Unlock()
	defer v.running.Done()
	ctx, cancel := context.WithTimeout(v.ctx, v.cfg.Timeout)
	defer cancel()
	if clip, err := v.open(ctx, key, e.name()); err == nil {
		v.memory.put(key, clip)
		return clip, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		v.log.Warn("a rendered line cannot be read; it is rendered again", "key", key, "err", err)
	}
	began := time.Now()
	file, err := render(ctx, e.engine, text, s)
	if err != nil {
		return Clip{}, v.failed(e, err)
	}
	v.metrics.rendered.WithLabelValues(e.name()).Observe(time.Since(began).Seconds())
	clip, err := readClip(bytes.NewReader(file), e.name())
	if err != nil {
		return Clip{}, v.failed(e, err)
	}
	if !keep {
		return clip, nil
	}
	v.memory.put(key, clip)
	if v.files != nil {
		if _, err := v.files.Put(ctx, key, bytes.NewReader(file), "audio/ogg"); err != nil {
			v.log.Warn("a rendered line cannot be stored", "key", key, "err", err)
		}
	}
	return clip, nil
}

// render returns a line as Ogg Opus. An engine in C that crashes takes the process with it; one in
// Go does not.
func render(ctx context.Context, e engine, text string, s style) ([]byte, error) {
	raw, err := e.render(ctx, text, s)
	if err != nil {
		return nil, err
	}
	return raw.encode(ctx)
}

// open reads a line's file.
func (v *Voices) open(ctx context.Context, key, engine string) (Clip, error) {
	if v.files == nil {
		return Clip{}, store.ErrNotFound
	}
	f, err := v.files.Open(ctx, key)
	if err != nil {
		return Clip{}, err
	}
	defer f.Close()
	return readClip(io.LimitReader(f, maxFile), engine)
}

// failed counts an engine's failure and lets the engine rest.
func (v *Voices) failed(e *ranked, err error) error {
	if v.ctx.Err() != nil {
		return errClosed
	}
	v.metrics.failures.WithLabelValues(e.name()).Inc()
	v.log.Warn("a voice failed; the next one speaks", "voice", e.name(), "err", err)
	e.mu.Lock()
	e.until = v.cfg.Clock().Add(restFor)
	e.mu.Unlock()
	return fmt.Errorf("%s: %w", e.name(), err)
}

func (e *ranked) resting(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return now.Before(e.until)
}

// Prepare renders lines in their order, one at a time in the whole process, and rests in between,
// so that it takes a third of a core at most. Line does not wait for it. Prepare returns when
// everything is rendered, or the cause when ctx ends; a line that cannot be spoken is skipped, and
// part of the error.
func (v *Voices) Prepare(ctx context.Context, lines []patient.Line, voice patient.Voice) error {
	var first error
	for _, l := range lines {
		select {
		case v.background <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		began := time.Now()
		clip, err := v.line(ctx, l, voice, 0)
		pause := min(idle*time.Since(began), longestRest)
		if v.isRemote(clip.Engine) {
			pause = min(pause, remoteRest)
		}
		<-v.background
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		first = cmp.Or(first, err)
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
	return first
}

// isRemote reports whether an engine is on another machine.
func (v *Voices) isRemote(engine string) bool {
	return slices.ContainsFunc(v.engines, func(e *ranked) bool {
		return e.name() == engine && e.remote()
	})
}

// rest waits, or returns the cause when ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
