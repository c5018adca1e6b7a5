// Package speech analyses role plays. A Worker claims an attempt, reads its audio from the first
// frame on, and at the end stores the recordings and the report. AnalyzeFile measures a file.
//
// For each speaker of an attempt there is a voice, through which the frames pass:
//
//	frames -> opus.Assembler -> packets -> opus.Decoder -> samples -> dsp.Analyzer -> measures
//	                               '-> opus.OggWriter -> recording
//
// A conversation holds the voices of one attempt. At the end it brings them to the same length,
// derives the turns from their speech, and returns the report.
//
// The analysis of an attempt always starts at its first frame. A worker that takes over after a
// crash produces the same report, to the last digit.
package speech

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"bedside/speech/frame"
	"bedside/store"
	"bedside/store/wait"

	"github.com/prometheus/client_golang/prometheus"
)

// Source is where a worker gets attempts to analyse.
type Source interface {
	// Claim waits for an attempt and claims it.
	Claim(ctx context.Context) (Claim, error)
}

// Claim is a worker's hold on an attempt. It belongs to one goroutine, which must end it with
// Done, Release or GiveUp.
type Claim interface {
	Job() frame.Job
	Tries() int // number of times that the job was claimed, this one included; for the log
	// Next returns the attempt's audio from the first frame on and then as it arrives. The last
	// delivery has End set. The error is frame.ErrJobEnded when another worker has ended the job,
	// and frame.ErrNoLog when the log holds nothing at all.
	Next(ctx context.Context) (frame.Delivery, error)
	Done(ctx context.Context) error    // the report is stored: end the job and remove the audio
	Release(delay time.Duration) error // return the job to the queue, for another try
	GiveUp() error                     // end the job and leave the audio
}

// Tries counts the tries at the analysis of an attempt. The methods return store.ErrNotFound when
// the attempt no longer exists.
type Tries interface {
	// BeginAnalysis counts a try. It returns store.ErrState when the attempt has its report, and
	// no recording that follows.
	BeginAnalysis(ctx context.Context, attemptID string) (store.Try, error)
	// ContinueAnalysis records that the worker is at the analysis that began as this try.
	ContinueAnalysis(ctx context.Context, attemptID string, tries int) error
	// ReleaseAnalysis takes a try back.
	ReleaseAnalysis(ctx context.Context, attemptID string) error
}

// Reports stores the results of attempts. The methods return store.ErrNotFound when the attempt no
// longer exists, store.ErrState when it needs no result, and store.ErrUnavailable when the
// database cannot be reached.
type Reports interface {
	SaveReport(ctx context.Context, r store.Report) error
	// ChangeRecordings runs a rule on each recording of a report that still exists, and saves the
	// results.
	ChangeRecordings(ctx context.Context, attemptID string,
		rule func(store.Speaker, *store.Recording)) error
	FailAttempt(ctx context.Context, attemptID, problem string) error
}

// Recordings stores files.
type Recordings interface {
	Ping(ctx context.Context) error // returns an error while files cannot be stored
	Put(ctx context.Context, key string, r io.Reader, contentType string) (int64, error)
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	Delete(ctx context.Context, key string) error
}

// Notifier announces that a report is ready, or with a problem that there will be none.
type Notifier interface {
	PublishReportReady(ctx context.Context, attemptID, problem string) error
}

// Worker analyses attempts. App creates it and calls Run once.
type Worker struct {
	cfg        Config
	source     Source
	tries      Tries
	reports    Reports
	recordings Recordings
	notifier   Notifier
	log        *slog.Logger
	metrics    *metrics
}

// NewWorker returns a worker. The registerer may be nil.
func NewWorker(cfg Config, s Source, t Tries, r Reports, rec Recordings, n Notifier,
	log *slog.Logger, reg prometheus.Registerer) (*Worker, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	return &Worker{
		cfg: cfg.withDefaults(), source: s, tries: t, reports: r, recordings: rec, notifier: n,
		log: log, metrics: m,
	}, nil
}

// Run analyses attempts until ctx ends. It then releases the attempts in progress, and another
// worker starts their analysis again. Run returns an error when the source does.
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

// loop analyses one attempt after another.
func (w *Worker) loop(ctx context.Context) error {
	for {
		claim, err := w.source.Claim(ctx)
		if ctx.Err() != nil {
			if claim != nil {
				w.logIfErr("release", claim.Release(0))
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("claim an attempt: %w", err)
		}
		w.process(ctx, claim)
	}
}

const (
	// retryDelay is the time before another try after a failure.
	retryDelay = 2 * time.Second
	// spaceDelay is the time before another try when the disk is full, which does not count.
	spaceDelay = 5 * time.Second
)

// process analyses a claimed attempt and ends the claim.
func (w *Worker) process(ctx context.Context, c Claim) {
	log := w.log.With("attempt", c.Job().AttemptID, "claims", c.Tries())
	try, err := w.begin(ctx, c, log)
	switch {
	case err != nil:
	case try.Number > w.cfg.MaxTries:
		log.Error("analysis given up after too many tries")
		err = failure{
			"The analysis failed several times. The sound is kept for a while, so that the " +
				"operator can have it analysed again.",
		}
	default:
		log.Debug("analysis begins", "try", try.Number)
		w.metrics.attempts.Inc()
		defer w.metrics.attempts.Dec()
		err = w.analyse(ctx, c, try, log)
	}
	w.end(ctx, c, try, err, log)
}

// end ends a claim as the result of its analysis wants it.
func (w *Worker) end(ctx context.Context, c Claim, t *try, err error, log *slog.Logger) {
	var failed failure
	var later pendingError
	switch {
	case err == nil:
		w.metrics.reports.Inc()
	case ctx.Err() != nil:
		log.Info("attempt released because this process is stopping")
		t.takeBack(ctx)
		w.logIfErr("release", c.Release(0))
	case errors.As(err, &later):
		log.Warn("a recording cannot be stored; its audio stays in the log", "again in",
			later.again, "error", later.cause)
		t.takeBack(ctx)
		w.logIfErr("release", c.Release(later.again))
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		log.Warn("the disk has no space for an analysis, which begins again", "in", spaceDelay,
			"error", err)
		t.takeBack(ctx)
		w.logIfErr("release", c.Release(spaceDelay))
	case errors.Is(err, frame.ErrJobEnded):
		log.Info("another worker has ended the job", "error", err)
		w.logIfErr("release", c.Release(0))
	case errors.As(err, &failed):
		log.Error("analysis failed for good", "error", err)
		w.fail(ctx, c, t, failed.problem)
	case errors.Is(err, store.ErrNotFound): // the candidate has deleted the account
		log.Warn("the attempt is gone", "error", err)
		w.removeFiles(ctx, c, log)
	case errors.Is(err, store.ErrState):
		// Its audio may be the first part of what a media server that was cut off still sends.
		log.Warn("the attempt has its report; its audio is left to the sweep", "error", err)
		w.logIfErr("give up", c.GiveUp())
	case errors.Is(err, frame.ErrNoLog):
		log.Error("there is nothing to analyse", "error", err)
		w.fail(ctx, c, t, store.ProblemAudioLost)
	default:
		w.metrics.failures.Inc()
		log.Error("analysis failed; it will be retried", "error", err)
		w.logIfErr("release", c.Release(retryDelay))
	}
}

// failure is an error that no further try changes. problem says so in words for the user.
type failure struct{ problem string }

func (f failure) Error() string { return f.problem }

// analyse reads an attempt to its end and stores recordings and report. A panic fails only this
// try, because the media path may run in the same process.
func (w *Worker) analyse(ctx context.Context, c Claim, try *try, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if try.ReportedAt != nil {
		if err := w.checkPending(ctx, *try.ReportedAt); err != nil {
			return err
		}
	}
	conversation, err := newConversation(c.Job(), w.cfg.SpoolDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conversation.close()) }()
	for {
		d, err := c.Next(ctx)
		if errors.Is(err, frame.ErrNoLog) && try.ReportedAt == nil {
			if err = w.readRecordings(ctx, conversation, log); err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
		if d.End {
			break
		}
		if err := conversation.add(d); err != nil {
			return err
		}
		try.progress(ctx)
	}
	began := w.cfg.Clock()
	report, err := conversation.report()
	if err != nil {
		return err
	}
	if problem := conversation.lost(report); problem != "" {
		return failure{problem}
	}
	if try.ReportedAt != nil {
		return w.keepRecordings(ctx, c, try, conversation, report)
	}
	report.CreatedAt = w.cfg.Clock()
	pending := w.storeRecordings(ctx, conversation, &report)
	if err := retryUnavailable(ctx, log, "report", func() error {
		return w.reports.SaveReport(ctx, report)
	}); err != nil {
		if errors.Is(err, store.ErrState) {
			// The attempt was abandoned, although it was played. After the last try it fails, and
			// its audio stays for the operator to look at.
			err = fmt.Errorf("the attempt takes no report: %v", err)
		}
		return err
	}
	w.metrics.afterEnd.Observe(w.cfg.Clock().Sub(began).Seconds())
	log.Info("report stored", "duration_s", report.DurationS, "speakers", len(report.Speakers))
	if pending != nil {
		w.notify(ctx, report.AttemptID, "")
		w.metrics.reports.Inc()
		return pendingError{pending, pauseAfter(0)}
	}
	if err := c.Done(ctx); err != nil {
		// The report is stored. Another worker gets the job again and ends it.
		log.Warn("cannot end the job", "error", err)
	}
	w.notify(ctx, report.AttemptID, "")
	return nil
}

// fail marks an attempt as failed, gives up its job and announces the problem. An attempt that has
// its report keeps it: then its recordings are given up.
func (w *Worker) fail(ctx context.Context, c Claim, t *try, problem string) {
	id := c.Job().AttemptID
	err := retryUnavailable(ctx, w.log, "failure", func() error {
		if t.ReportedAt != nil {
			return w.reports.ChangeRecordings(ctx, id,
				func(_ store.Speaker, rec *store.Recording) { rec.GiveUp() })
		}
		return w.reports.FailAttempt(ctx, id, problem)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrState) {
		w.logIfErr("release", c.Release(retryDelay))
		return
	}
	w.logIfErr("give up", c.GiveUp())
	if t.ReportedAt == nil {
		w.notify(ctx, id, problem)
	}
}

// notifyTimeout is the time after which an announcement is no longer useful to those who wait.
const notifyTimeout = time.Minute

func (w *Worker) notify(ctx context.Context, attemptID, problem string) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	w.logIfErr("announce report", w.notifier.PublishReportReady(ctx, attemptID, problem))
}

// logIfErr logs an error that needs no other handling: a job that was not ended goes to another
// worker.
func (w *Worker) logIfErr(action string, err error) {
	if err != nil {
		w.log.Warn("cannot update a job", "action", action, "error", err)
	}
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
)

// retryUnavailable calls do until it returns no store.ErrUnavailable, and returns its error. It
// stops when ctx ends.
func retryUnavailable(ctx context.Context, log *slog.Logger, what string, do func() error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do()
		if err == nil || !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		log.Warn("cannot store; retrying", "what", what, "in", pause, "error", err)
		if err := wait.For(ctx, pause); err != nil {
			return err
		}
	}
}
