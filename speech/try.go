package speech

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"bedside/store"
)

const (
	// progressEvery is the interval at which a worker records that it is at an analysis.
	progressEvery = 10 * time.Second
	// progressTimeout limits how long such a record may hold up the analysis.
	progressTimeout = time.Second
	// takeBackTimeout limits how long a worker that stops tries to take its try back.
	takeBackTimeout = 3 * time.Second
)

// try is one try at the analysis of an attempt. A try counts from its beginning, so that one that
// crashes its worker counts as well; the worker that is stopped takes it back. It belongs to the
// goroutine of its claim.
type try struct {
	store.Try // its number is 0 when the database was away, and the try is not counted

	worker  *Worker
	attempt string
	log     *slog.Logger
	at      time.Time // of the latest record
}

// begin begins a try. While the database is away, the analysis begins without being counted. It
// returns store.ErrNotFound and store.ErrState as Tries does.
func (w *Worker) begin(ctx context.Context, c Claim, log *slog.Logger) (*try, error) {
	t := &try{worker: w, attempt: c.Job().AttemptID, log: log, at: w.cfg.Clock()}
	counted, err := w.tries.BeginAnalysis(ctx, t.attempt)
	switch {
	case err == nil:
		t.Try, t.log = counted, log.With("try", counted.Number)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrState):
		return t, err
	default:
		log.Warn("cannot count a try at an analysis", "error", err)
	}
	return t, nil
}

// progress records now and then that the analysis goes on.
func (t *try) progress(ctx context.Context) {
	now := t.worker.cfg.Clock()
	if t.Number == 0 || now.Sub(t.at) < progressEvery {
		return
	}
	t.at = now
	ctx, cancel := context.WithTimeout(ctx, progressTimeout)
	defer cancel()
	err := t.worker.tries.ContinueAnalysis(ctx, t.attempt, t.Number)
	if err != nil && ctx.Err() == nil {
		t.log.Warn("cannot record the progress of an analysis", "error", err)
	}
}

// takeBack makes the try not count. It ignores the cancellation of ctx.
func (t *try) takeBack(ctx context.Context) {
	if t.Number == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	if err := t.worker.tries.ReleaseAnalysis(ctx, t.attempt); err != nil {
		t.log.Warn("cannot take back a try at an analysis", "error", err)
	}
}
