package speech

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/speech/opus"
	"bedside/store"
	"bedside/store/wait"
)

const (
	// storeTries is how often a recording is stored before its report goes without it.
	storeTries = 3
	// storeTimeout is how long the recordings may hold up a report.
	storeTimeout = 10 * time.Second
	// pendingLimit is how long the storing of recordings is retried after the report.
	pendingLimit = 48 * time.Hour
	// leastPause and mostPause are the limits of the time between two tries.
	leastPause = 5 * time.Second
	mostPause  = 10 * time.Minute
)

// pendingError is returned for an attempt that is reported and whose recordings cannot be stored.
type pendingError struct {
	cause error
	again time.Duration // until the next try
}

func (e pendingError) Error() string { return "recordings cannot be stored: " + e.cause.Error() }

// pauseAfter returns the time until the next try to store recordings that have waited for some
// time: each is half as long again as the one before.
func pauseAfter(waited time.Duration) time.Duration {
	return min(max(waited/2, leastPause), mostPause)
}

// storeRecordings stores the spooled recordings and refers to them in the report. Those that
// cannot be stored follow the report: they are pending, and storeRecordings returns why.
func (w *Worker) storeRecordings(ctx context.Context, c *conversation, r *store.Report) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var errs []error
	for i := range r.Speakers {
		s := &r.Speakers[i]
		rec := store.Recording{
			Key: store.RecordingKey(r.AttemptID, s.Speaker), State: store.RecordingKept,
			DurationS: s.Analysis.DurationS,
		}
		bytes, err := w.storeRecording(ctx, c.voices[s.Speaker], rec.Key)
		if rec.Bytes = bytes; err != nil {
			rec.State = store.RecordingPending
			errs = append(errs, fmt.Errorf("recording of the %s: %w", s.Speaker, err))
		}
		s.Recording = &rec
	}
	return errors.Join(errs...)
}

// storeRecording stores one recording, and returns its length.
func (w *Worker) storeRecording(ctx context.Context, v *voice, key string) (n int64, err error) {
	for try := range storeTries {
		if try > 0 && wait.For(ctx, firstPause<<try) != nil {
			break
		}
		if err = v.rewind(); err != nil {
			break
		}
		if n, err = w.recordings.Put(ctx, key, v.file, "audio/ogg"); err == nil {
			return n, nil
		}
	}
	return 0, err
}

// checkPending decides whether to try again to store the recordings of an attempt that is reported
// already, before its log is read. It returns a pendingError while the blob store refuses, and a
// failure after pendingLimit.
func (w *Worker) checkPending(ctx context.Context, reportedAt time.Time) error {
	waited := w.cfg.Clock().Sub(reportedAt)
	if waited > pendingLimit {
		return failure{"the recordings could not be stored for days"}
	}
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := w.recordings.Ping(limited); err != nil {
		return pendingError{err, pauseAfter(waited)}
	}
	return nil
}

// keepRecordings stores the recordings of an attempt that is reported already, of which r is the
// report made again, and ends the job.
func (w *Worker) keepRecordings(ctx context.Context, c Claim, t *try, voices *conversation,
	r store.Report) error {
	if err := w.storeRecordings(ctx, voices, &r); err != nil {
		return pendingError{err, pauseAfter(w.cfg.Clock().Sub(*t.ReportedAt))}
	}
	kept := map[store.Speaker]bool{}
	err := retryUnavailable(ctx, t.log, "recordings", func() error {
		return w.reports.ChangeRecordings(ctx, r.AttemptID,
			func(who store.Speaker, rec *store.Recording) {
				for _, s := range r.Speakers {
					if s.Speaker == who && rec.State == store.RecordingPending {
						*rec = *s.Recording
					}
				}
				kept[who] = rec.State == store.RecordingKept
			})
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for i := range r.Speakers { // what belongs to nobody any more
		if s := &r.Speakers[i]; kept[s.Speaker] {
			s.Recording = nil
		}
	}
	if err := errors.Join(err, w.deleteRecordings(ctx, r)); err != nil {
		return err
	}
	t.log.Info("recordings stored after their report", "after",
		w.cfg.Clock().Sub(*t.ReportedAt).Round(time.Second))
	return c.Done(ctx)
}

// deleteRecordings deletes the recordings to which a report refers.
func (w *Worker) deleteRecordings(ctx context.Context, r store.Report) error {
	var errs []error
	for _, s := range r.Speakers {
		if s.Recording != nil {
			errs = append(errs, w.recordings.Delete(ctx, s.Recording.Key))
		}
	}
	return errors.Join(errs...)
}

// removeFiles deletes whatever the tries at an attempt have stored, and ends the job. When it
// cannot, the job comes back later, since nothing else knows of these files.
func (w *Worker) removeFiles(ctx context.Context, c Claim, log *slog.Logger) {
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var errs []error
	for _, key := range store.RecordingKeys(c.Job().AttemptID) {
		errs = append(errs, w.recordings.Delete(limited, key))
	}
	if err := errors.Join(errs...); err != nil {
		log.Warn("cannot delete the recordings of an attempt that is gone", "again in", mostPause,
			"error", err)
		w.logIfErr("release", c.Release(mostPause))
		return
	}
	w.logIfErr("done", c.Done(ctx))
}

// readRecordings analyses the recordings of an attempt whose log is gone. It returns
// frame.ErrNoLog when there are none.
func (w *Worker) readRecordings(ctx context.Context, c *conversation, log *slog.Logger) error {
	found := false
	for _, s := range []store.Speaker{store.SpeakerCandidate, store.SpeakerPatient} {
		file, err := w.recordings.Open(ctx, store.RecordingKey(c.job.AttemptID, s))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("recording of the %s: %w", s, err)
		}
		found = true
		if err := errors.Join(c.addRecording(s, file), file.Close()); err != nil {
			return fmt.Errorf("recording of the %s: %w", s, err)
		}
	}
	if !found {
		return fmt.Errorf("attempt %s has no recordings either: %w", c.job.AttemptID,
			frame.ErrNoLog)
	}
	log.Info("the log is gone; the recordings are analysed")
	return nil
}

// addRecording analyses a speaker's recording in place of the frames of the log. Where no frame
// had arrived the recording holds packets without sound; a recording does not tell why.
func (c *conversation) addRecording(s store.Speaker, r io.Reader) error {
	ogg, err := opus.NewOggReader(r)
	if err != nil {
		return err
	}
	start := c.job.StartedAt.UnixMicro()
	position := 0     // on the time line, in samples
	since := int64(0) // when the sound went away; 0: it is there
	for n := uint16(0); ; {
		packet, samples, err := ogg.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at := start + int64(position)*1_000_000/opus.ClockRate
		switch filler := len(packet) < 2; {
		case filler && since == 0:
			since = at
		case !filler:
			if n > 0 && since > 0 { // the sound came back
				for _, e := range []event.Changed{{At: since, On: true}, {At: at}} {
					e.Speaker, e.Cause = string(s), string(store.CauseConnectionLost)
					c.causes.addChanged(e)
				}
			}
			since = 0
			err := c.add(frame.Delivery{
				Speaker: string(s), Batch: frame.Batch{Frames: []frame.Frame{{
					Sequence: n, Timestamp: uint32(position), Arrival: at,
					Payload: slices.Clone(packet),
				}}},
			})
			if err != nil {
				return err
			}
			n++
		}
		position += samples
	}
}
