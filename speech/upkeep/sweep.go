package upkeep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/bus"
	"bedside/store"
)

// settled is the time for which an attempt must be reported before its audio is swept: the worker
// removes it by itself.
const settled = time.Minute

// mayGo reports whether the audio of an attempt, of which the log holds l, can be removed from the
// log. known is false when the attempt does not exist, for example because its account was
// deleted. keep is the time for which the audio stays after a failure; zero means for ever.
func mayGo(u store.Unfinished, known bool, l bus.Logged, keep time.Duration, now time.Time) bool {
	if !known {
		return true
	}
	quiet := now.Sub(u.Since())
	expired := keep > 0 && quiet > keep
	switch u.State {
	case store.AttemptReported:
		switch {
		case u.Has(store.RecordingPending):
			return false
		case u.Has(store.RecordingFailed):
			return expired
		case u.ReportedAt != nil && l.FirstAt.Before(*u.ReportedAt) && !l.Ended:
			return now.Sub(l.LastAt) > cutOff
		}
		return quiet > settled
	case store.AttemptFailed:
		return expired
	case store.AttemptPlaying, store.AttemptAnalysing:
		return false
	}
	// Audio that still arrives is that of a play, whatever the database knows of it.
	return min(quiet, now.Sub(l.LastAt)) > quietUnplayed
}

// cutOff is how long audio without an end marker stays after its report: its media server may only
// be cut off, and send the rest.
const cutOff = time.Hour

// isCutShort reports whether audio has arrived after the report, and the log still has what the
// report was made from. So the worker took the play for ended while its media server was cut off.
func isCutShort(u store.Unfinished, l bus.Logged) bool {
	return u.State == store.AttemptReported && u.ReportedAt != nil &&
		l.FirstAt.Before(*u.ReportedAt) && l.LastAt.After(*u.ReportedAt)
}

// heard is the age of the latest audio up to which a play without an end marker goes on. A tap
// sends heartbeats more often.
const heard = 20 * time.Second

// reopen has an attempt analysed again.
func (k *Keeper) reopen(ctx context.Context, u store.Unfinished, l bus.Logged) error {
	live := !l.Ended && k.Clock().Sub(l.LastAt) < heard
	err := k.Attempts.ReopenAttempt(ctx, u.ID, l.LastAt, live)
	if errors.Is(err, store.ErrState) || errors.Is(err, store.ErrNotFound) {
		return nil // another process was faster, or it was deleted
	}
	if err != nil {
		return err
	}
	k.Logger.Warn("audio has arrived after the report; analysed again", "attempt", u.ID,
		"live", live)
	return k.Log.Requeue(ctx, job(u))
}

// quietUnplayed is the time after which audio of an attempt that was never played goes. While the
// database is away, the start of a play is recorded late, even after its end.
const quietUnplayed = time.Hour

// Sweep removes the audio of attempts that need it no longer: those that are reported with their
// recordings stored, that failed some time ago, or that were deleted. It finds audio that arrived
// late as well; with what the report was made from, it is analysed again.
func (k *Keeper) Sweep(ctx context.Context) error {
	// The log first: an attempt is in the database before its audio is in the log.
	logged, err := k.Log.Logged(ctx)
	if err != nil || len(logged) == 0 {
		return err
	}
	ids := make([]string, len(logged))
	for i, l := range logged {
		ids[i] = l.AttemptID
	}
	list, err := k.Attempts.AttemptsInLog(ctx, ids)
	if err != nil {
		return err
	}
	known := map[string]store.Unfinished{}
	for _, u := range list {
		known[u.ID] = u
	}
	var errs []error
	swept, expired := 0, 0
	for _, l := range logged {
		u, ok := known[l.AttemptID]
		if isCutShort(u, l) {
			errs = append(errs, k.reopen(ctx, u, l))
			continue
		}
		if !mayGo(u, ok, l, k.Keep, k.Clock()) {
			continue
		}
		if err := k.Log.Forget(ctx, l.AttemptID); err != nil {
			errs = append(errs, err)
			continue
		}
		swept++
		if u.State == store.AttemptFailed || u.Has(store.RecordingFailed) {
			expired++
		}
	}
	if expired > 0 {
		errs = append(errs, k.Audit.Record(ctx, store.Act{
			Action: store.ActExpireAudio,
			Detail: fmt.Sprintf("%d role plays whose analysis failed", expired),
		}))
	}
	if swept > 0 {
		k.Logger.Info("removed audio that is needed no longer from the log", "attempts", swept)
	}
	return errors.Join(errs...)
}
