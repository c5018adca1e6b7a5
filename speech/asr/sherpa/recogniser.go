package sherpa

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"bedside/speech/asr"
)

// Recogniser implements asr.Recogniser. It is safe for concurrent use. The model is loaded by the
// first Open, and stays.
type Recogniser struct {
	library string
	files   files
	name    string
	tried   Tried

	mu     sync.Mutex // guards engine
	engine *engine
}

// New tries the engine and the model in a process of their own, and returns a recogniser when they
// work. The error wraps asr.ErrNotSet when either is not installed.
func New(ctx context.Context, cfg Config) (*Recogniser, error) {
	model, err := cfg.model()
	if err != nil {
		return nil, err
	}
	library, err := cfg.library()
	if err != nil {
		return nil, err
	}
	f, err := readFolder(model)
	if err != nil {
		return nil, err
	}
	tried, err := cfg.try(ctx, library, model)
	if err != nil {
		return nil, err
	}
	if tried.Cost > 0.7 {
		return nil, fmt.Errorf("the model %s takes %.1f s for a second of speech on this machine",
			filepath.Base(model), tried.Cost)
	}
	return &Recogniser{library: library, files: f, name: filepath.Base(model), tried: tried}, nil
}

// Name implements asr.Recogniser.
func (r *Recogniser) Name() string { return "sherpa-onnx" }

// Model returns the name of the model, and what was found when it was tried.
func (r *Recogniser) Model() (string, Tried) { return r.name, r.tried }

// Open implements asr.Recogniser.
func (r *Recogniser) Open(ctx context.Context, _ asr.Context) (asr.Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e, err := r.loaded()
	if err != nil {
		return nil, err
	}
	return &stream{engine: e}, nil
}

func (r *Recogniser) loaded() (*engine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.engine == nil {
		e, err := load(r.library, r.files)
		if err != nil {
			return nil, err
		}
		r.engine = e
	}
	return r.engine, nil
}

// Close frees the model. No stream may be open.
func (r *Recogniser) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.engine != nil {
		r.engine.free()
		r.engine = nil
	}
}
