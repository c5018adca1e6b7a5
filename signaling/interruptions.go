package signaling

import (
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// condition is a speaker and a cause that may keep the speaker from being heard.
type condition struct {
	speaker store.Speaker
	cause   store.Cause
}

// interruptions remembers which causes were recorded as holding, so that each change is recorded
// once. The room's loop owns it.
type interruptions struct {
	recorded map[condition]bool
	// seen holds who has been connected: a patient who has not come yet has lost no connection.
	seen map[store.Speaker]bool
}

func newInterruptions() *interruptions {
	return &interruptions{recorded: map[condition]bool{}, seen: map[store.Speaker]bool{}}
}

// update compares the room with what was recorded, and calls record for each change.
func (i *interruptions) update(s *seats, st *stage, record func(condition, bool)) {
	stopped := st.name == protocol.PhasePlaying && !st.running
	for _, speaker := range []store.Speaker{store.SpeakerCandidate, store.SpeakerPatient} {
		t := s.taken[string(speaker)]
		connected := t != nil && t.connected
		i.seen[speaker] = i.seen[speaker] || connected
		for cause, holds := range map[store.Cause]bool{
			store.CauseConnectionLost: i.seen[speaker] && !connected,
			store.CauseMuted:          connected && t.muted,
			store.CausePageHidden:     connected && t.hidden,
			store.CauseClockStopped:   stopped,
		} {
			if c := (condition{speaker, cause}); i.recorded[c] != holds {
				i.recorded[c] = holds
				record(c, holds)
			}
		}
	}
}

// recordClock records the play's clock, from which a later process continues the play.
func (r *room) recordClock(now time.Time) {
	if r.tap != nil && r.stage.name == protocol.PhasePlaying {
		r.tap.Clock(r.stage.clock(now), now)
	}
}

// recordInterruptions records in the log of the audio what has changed since its last call. Only a
// play is recorded: what happens after its end interrupts nobody.
func (r *room) recordInterruptions(now time.Time) {
	if r.tap == nil || r.stage.name != protocol.PhasePlaying {
		return
	}
	r.interruptions.update(r.seats, r.stage, func(c condition, on bool) {
		r.tap.Interrupted(c.speaker, c.cause, on, now)
	})
}
