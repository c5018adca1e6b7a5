package signaling

import (
	"context"
	"time"

	"bedside/signaling/protocol"
)

// beginPlay starts recording and analysis. Preparation is never recorded.
func (r *room) beginPlay(now time.Time) {
	r.attempt.StartedAt = &now
	r.beginAudio(now)
	r.records.add("start", func(ctx context.Context) error {
		_, err := r.hub.attempts.StartAttempt(ctx, r.id, now)
		return err
	})
}

func (r *room) beginAudio(startedAt time.Time) {
	r.media.StartTap(r.hub.audio.Tap(r.id))
	r.tapping = true
	r.audio.add("begin", func(ctx context.Context) error { return r.hub.audio.Begin(ctx, r.id, startedAt) })
	stop, err := r.hub.feedback.SubscribeReport(r.hub.ctx, r.id, func(problem string) { r.post(func() { r.report(problem) }) })
	if err != nil {
		r.log.Warn("the room will not hear of its report; clients find it by asking", "error", err)
		return
	}
	r.unsub = stop
}

// endPlay hands the audio over and has the attempt wait for its report.
func (r *room) endPlay(before protocol.PhaseName, now time.Time) {
	r.endedAt = now
	r.hub.metrics.finished.WithLabelValues(string(r.stage.reason)).Inc()
	if !r.tapping {
		return
	}
	r.tapping = false
	r.media.StopTap()
	r.audio.add("finish", func(ctx context.Context) error { return r.hub.audio.Finish(ctx, r.id) })
	r.records.add("finish", func(ctx context.Context) error {
		_, err := r.hub.attempts.FinishAttempt(ctx, r.id, now)
		return err
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
