// Package speech listens: a Worker claims attempts, replays or follows their audio, measures each
// voice and the turns between them, keeps the recordings and hands in the report. AnalyzeFile
// does the same to a file.
package speech

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"bedside/speech/frame"
	"bedside/store"
	"bedside/store/wait"

	"github.com/prometheus/client_golang/prometheus"
)

// Source gives attempts to analyse.
type Source interface {
	// Claim waits for one.
	Claim(ctx context.Context) (Claim, error)
}

// Claim is a hold on an attempt; it belongs to one goroutine, which ends it with Done, Release or
// GiveUp.
type Claim interface {
	Job() frame.Job
	Tries() int // how often the job was claimed, this time included
	// Next gives the attempt's audio from the first frame on, then as it comes; End marks the
	// last delivery. The error is frame.ErrJobEnded when the job was ended by somebody else.
	Next(ctx context.Context) (frame.Delivery, error)
	Done(ctx context.Context) error    // the report is kept: remove the audio and the job
	Release(delay time.Duration) error // let another worker have it
	GiveUp() error                     // remove the job, leave the audio
}

// Reports keeps what attempts yield.
type Reports interface {
	SaveReport(ctx context.Context, r store.Report) error
	FailAttempt(ctx context.Context, attemptID, problem string) error
}

// Recordings keeps files.
type Recordings interface {
	Put(ctx context.Context, key string, r io.Reader, contentType string) (int64, error)
	Delete(ctx context.Context, key string) error
}

// Notifier tells whoever waits for a report; problem is empty when it is there.
type Notifier interface {
	PublishReportReady(ctx context.Context, attemptID, problem string) error
}

// Worker analyses attempts. App makes it and calls Run once.
type Worker struct {
	cfg        Config
	source     Source
	reports    Reports
	recordings Recordings
	notifier   Notifier
	log        *slog.Logger
	metrics    *metrics
}

// NewWorker makes a worker. The registerer may be nil.
func NewWorker(cfg Config, s Source, r Reports, rec Recordings, n Notifier, log *slog.Logger,
	reg prometheus.Registerer) (*Worker, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	return &Worker{
		cfg: cfg.withDefaults(), source: s, reports: r, recordings: rec, notifier: n, log: log,
		metrics: m,
	}, nil
}

// Run analyses until ctx ends; attempts that are under way then go back, for another worker to
// begin again.
func (w *Worker) Run(ctx context.Context) error {
	defer w.metrics.unregister()
	var group sync.WaitGroup
	errs := make(chan error, w.cfg.Attempts)
	for range w.cfg.Attempts {
		group.Go(func() { errs <- w.loop(ctx) })
	}
	group.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (w *Worker) loop(ctx context.Context) error {
	for {
		claim, err := w.source.Claim(ctx)
		if ctx.Err() != nil {
			if claim != nil {
				w.noted("release", claim.Release(0))
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("no attempt can be claimed: %w", err)
		}
		w.attend(ctx, claim)
	}
}

// retryDelay is how long a job rests after a failure that may pass.
const retryDelay = 2 * time.Second

// attend takes a claim to its end.
func (w *Worker) attend(ctx context.Context, c Claim) {
	log := w.log.With("attempt", c.Job().AttemptID, "try", c.Tries())
	if c.Tries() > w.cfg.MaxTries {
		log.Error("given up after too many tries")
		w.fail(ctx, c,
			"The analysis failed several times. The recording is kept for the operator to look at.")
		return
	}
	w.metrics.attempts.Inc()
	defer w.metrics.attempts.Dec()
	err := w.analyse(ctx, c, log)
	switch {
	case err == nil:
		w.metrics.reports.Inc()
	case ctx.Err() != nil:
		log.Info("released, since this process is stopping")
		w.noted("release", c.Release(0))
	case errors.Is(err, frame.ErrJobEnded):
		log.Info("another worker has ended the job", "error", err)
		w.noted("release", c.Release(0))
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrState):
		log.Warn("the attempt wants no report", "error", err)
		w.noted("done", c.Done(ctx))
	default:
		w.metrics.failures.Inc()
		log.Error("analysis failed; it will be tried again", "error", err)
		w.noted("release", c.Release(retryDelay))
	}
}

// analyse listens to the end, then hands in report and recordings. A panic costs this try only:
// the media path may share the process.
func (w *Worker) analyse(ctx context.Context, c Claim, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	conversation, err := newConversation(c.Job(), w.cfg.SpoolDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conversation.close()) }()
	for {
		d, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if d.End {
			break
		}
		if err := conversation.hear(d); err != nil {
			return err
		}
	}
	began := w.cfg.Clock()
	report, err := conversation.report()
	if err != nil {
		return err
	}
	report.CreatedAt = w.cfg.Clock()
	w.keepRecordings(ctx, conversation, &report, log)
	if err := persist(ctx, log, "report", func() error {
		return w.reports.SaveReport(ctx, report)
	}); err != nil {
		if errors.Is(err, store.ErrNotFound) { // the candidate has deleted the account meanwhile
			err = errors.Join(err, w.dropRecordings(ctx, report))
		}
		return err
	}
	w.metrics.afterEnd.Observe(w.cfg.Clock().Sub(began).Seconds())
	log.Info("reported", "duration_s", report.DurationS, "speakers", len(report.Speakers))
	if err := c.Done(ctx); err != nil {
		// The report is kept; the job will come again and yield an equal one.
		log.Warn("the job could not be ended", "error", err)
	}
	w.tell(ctx, report.AttemptID, "")
	return nil
}

// keepRecordings moves the spooled recordings to where they stay. A recording that cannot be kept
// must not cost the report.
func (w *Worker) keepRecordings(ctx context.Context, c *conversation, r *store.Report,
	log *slog.Logger) {
	for i := range r.Speakers {
		s := &r.Speakers[i]
		v := c.voices[s.Speaker]
		key := fmt.Sprintf("attempts/%s/%s.ogg", r.AttemptID, s.Speaker)
		var bytes int64
		var err error
		for try := range 3 {
			if try > 0 && wait.For(ctx, firstPause<<try) != nil {
				break
			}
			if err = v.rewind(); err != nil {
				break
			}
			if bytes, err = w.recordings.Put(ctx, key, v.file, "audio/ogg"); err == nil {
				break
			}
		}
		if err != nil {
			log.Error("the recording could not be kept; the report goes without it", "speaker",
				s.Speaker, "error", err)
			continue
		}
		s.Recording = &store.Recording{Key: key, DurationS: s.Analysis.DurationS, Bytes: bytes}
	}
}

// dropRecordings undoes keepRecordings.
func (w *Worker) dropRecordings(ctx context.Context, r store.Report) error {
	var errs []error
	for _, s := range r.Speakers {
		if s.Recording != nil {
			errs = append(errs, w.recordings.Delete(ctx, s.Recording.Key))
		}
	}
	return errors.Join(errs...)
}

// fail ends an attempt that cannot be analysed, and says so.
func (w *Worker) fail(ctx context.Context, c Claim, problem string) {
	id := c.Job().AttemptID
	err := persist(ctx, w.log, "failure", func() error {
		return w.reports.FailAttempt(ctx, id, problem)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrState) {
		w.noted("release", c.Release(retryDelay))
		return
	}
	w.noted("give up", c.GiveUp())
	w.tell(ctx, id, problem)
}

// tellLimit is how long news of a report is of use to those who wait for it.
const tellLimit = time.Minute

func (w *Worker) tell(ctx context.Context, attemptID, problem string) {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	w.noted("news", w.notifier.PublishReportReady(ctx, attemptID, problem))
}

// noted logs an error after which all goes on: the queue gives a job that was not ended to
// somebody again.
func (w *Worker) noted(what string, err error) {
	if err != nil {
		w.log.Warn("a job's state could not be told", "what", what, "error", err)
	}
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
)

// persist tries until it works, while what it needs is away.
func persist(ctx context.Context, log *slog.Logger, what string, do func() error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do()
		if err == nil || !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		log.Warn("not kept yet; trying again", "what", what, "in", pause, "error", err)
		if err := wait.For(ctx, pause); err != nil {
			return err
		}
	}
}
