package signaling

import (
	"context"
	"errors"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// recordPreparation stores that the candidate has joined for the first time.
func (r *room) recordPreparation(now time.Time) {
	if r.prepared {
		return
	}
	r.prepared = true
	if r.stage.strict {
		r.stage.makeStrict(true)
	}
	r.recordChange("prepare", r.env.attempts.PrepareAttempt, now)
}

// recordChange stores a change of the attempt. A room that is fenced off stops.
func (r *room) recordChange(name string, change func(ctx context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error), now time.Time) {
	r.records.add(name, func(ctx context.Context) error {
		_, err := change(ctx, r.id, r.fence, now)
		if errors.Is(err, store.ErrFenced) {
			r.post(r.stopForOtherNode)
		}
		return err
	})
}

// playStarted starts recording and analysis. The preparation is never recorded. The play does not
// wait for the database or the bus: the ledgers hold what has to be written.
func (r *room) playStarted(now time.Time) {
	startedAt := now.UTC().Truncate(time.Microsecond) // the precision of the database
	r.recordChange("start", r.env.attempts.StartAttempt, startedAt)
	r.startAudio(startedAt)
}

// startAudio subscribes to the report, requests the analysis and opens the tap.
func (r *room) startAudio(startedAt time.Time) {
	r.startedAt = startedAt
	r.tap = r.env.audio.Tap(r.id, startedAt, r.fence)
	r.automatic.listenClosely()
	r.audio.add("subscribe", func(context.Context) (err error) {
		r.unsubscribe, err = r.env.feedback.SubscribeReportReady(r.env.ctx, r.id,
			func(problem string) { r.post(func() { r.broadcastReport(problem) }) })
		return err
	})
	r.audio.add("begin", func(ctx context.Context) error {
		return r.env.audio.Begin(ctx, r.id, startedAt)
	})
	r.media.StartTap(r.tap)
}

// ledgerFailed warns the candidate when a failed ledger entry may cost the report. The ledgers
// call it.
func (r *room) ledgerFailed(entry string, givenUp bool) {
	text := ""
	switch {
	case givenUp && (entry == "start" || entry == "begin" || entry == "finish audio"):
		text = "this role play could not be handed over to the analysis; there may be no report"
	case entry == "begin":
		text = "the analysis does not answer yet; keep speaking, the server tries again"
	default:
		return
	}
	r.post(func() {
		if p := r.participants[string(store.ParticipantCandidate)]; p != nil {
			p.push(protocol.Error{Code: protocol.CodeUnavailable, Message: text})
		}
	})
}

// tail is how long the tap stays open after the play has ended: what a client sends until it
// learns of the end, and what the network still carries, belongs to the play.
const tail = 400 * time.Millisecond

// playEnded stores the end of the play. The audio is handed over when the tail has passed.
func (r *room) playEnded(now time.Time) {
	r.endedAt = now
	r.automatic.leave("the role play is over")
	r.env.metrics.finished.WithLabelValues(string(r.stage.reason)).Inc()
	if r.tap == nil {
		return
	}
	r.recordChange("finish", r.env.attempts.FinishAttempt, now)
}

// tailEnd returns when the tail ends; false when no play has ended or its tap is closed.
func (r *room) tailEnd() (at time.Time, ok bool) {
	return r.endedAt.Add(tail), r.tap != nil && r.stage.name == protocol.PhaseEnded
}

// closeTap closes the tap and hands the audio over.
func (r *room) closeTap() {
	r.tap = nil
	r.media.StopTap()
	r.audio.add("finish audio", func(ctx context.Context) error {
		return r.env.audio.Finish(ctx, r.id)
	})
}
