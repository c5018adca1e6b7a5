package signaling

import (
	"context"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// prepare notes that the candidate has come for the first time.
func (r *room) prepare(now time.Time) {
	if r.prepared {
		return
	}
	r.prepared = true
	r.records.add("prepare", func(ctx context.Context) error {
		_, err := r.hub.attempts.PrepareAttempt(ctx, r.id, now)
		return err
	})
}

// beginPlay starts recording and analysis. Preparation is never recorded. The play does not wait
// for the database or the bus: what they must know is in the ledgers.
func (r *room) beginPlay(now time.Time) {
	startedAt := now.UTC().Truncate(time.Microsecond) // as the database keeps it
	r.records.add("start", func(ctx context.Context) error {
		_, err := r.hub.attempts.StartAttempt(ctx, r.id, startedAt)
		return err
	})
	r.beginAudio(startedAt)
}

func (r *room) beginAudio(startedAt time.Time) {
	r.tapping = true
	r.audio.add("subscribe", func(context.Context) (err error) {
		r.unsub, err = r.hub.feedback.SubscribeReportReady(r.hub.ctx, r.id, func(problem string) {
			r.post(func() { r.report(problem) })
		})
		return err
	})
	r.audio.add("begin", func(ctx context.Context) error {
		return r.hub.audio.Begin(ctx, r.id, startedAt)
	})
	r.media.StartTap(r.hub.audio.Tap(r.id, startedAt))
}

// inTrouble is told by a ledger what did not work at once, or was given up. People hear only of
// what may cost them their report.
func (r *room) inTrouble(entry string, givenUp bool) {
	text := ""
	switch {
	case givenUp && (entry == "start" || entry == "begin" || entry == "finish audio"):
		text = "this role play could not be handed over to the analysis; there may be no report"
	case entry == "begin":
		text = "the analysis does not answer yet; go on speaking, it is asked again"
	default:
		return
	}
	r.post(func() {
		if s := r.seats[string(store.ParticipantCandidate)]; s != nil {
			s.tell(protocol.Error{Code: protocol.CodeUnavailable, Message: text})
		}
	})
}

// tail is how long the tap outlives the play: what a client sends until it hears of the end, and
// what its network still carries, belongs to the play and is kept.
const tail = 400 * time.Millisecond

// endPlay has the attempt wait for its report. The audio is handed over when the tail has passed.
func (r *room) endPlay(now time.Time) {
	r.endedAt = now
	r.hub.metrics.finished.WithLabelValues(string(r.stage.reason)).Inc()
	if !r.tapping {
		return
	}
	r.records.add("finish", func(ctx context.Context) error {
		_, err := r.hub.attempts.FinishAttempt(ctx, r.id, now)
		return err
	})
}

// tailing says until when the tap outlives the play; false when it does not, or not any longer.
func (r *room) tailing() (until time.Time, ok bool) {
	return r.endedAt.Add(tail), r.tapping && r.stage.name == protocol.PhaseEnded
}

// handOver ends the tap.
func (r *room) handOver() {
	r.tapping = false
	r.media.StopTap()
	r.audio.add("finish audio", func(ctx context.Context) error {
		return r.hub.audio.Finish(ctx, r.id)
	})
}

// report tells everybody that the report is there, or why there is none.
func (r *room) report(problem string) {
	if r.reported {
		return
	}
	r.reported = true
	m := protocol.Report{AttemptID: r.id, Status: protocol.ReportReady}
	if problem != "" {
		m.Status, m.Problem = protocol.ReportFailed, problem
	}
	r.tellAll(m)
}
