// Package tap connects media rooms to the log of their audio. A tap is a listener in a room: while
// a role play is played, it gives every speaker's track a sink, and the sink writes the track's
// packets to the bus, from which a speech worker analyses them.
package tap

import (
	"log/slog"
	"time"

	"bedside/sfu"
	"bedside/speech/bus"
	"bedside/speech/event"
	"bedside/speech/part"
	"bedside/store"
)

// Audio is the bus as signaling.Audio uses it: Begin and Finish are the bus's own methods. It is
// safe for concurrent use, and does not own the bus.
type Audio struct {
	*bus.Bus
	log *slog.Logger
}

// NewAudio returns the audio side of a bus.
func NewAudio(b *bus.Bus, log *slog.Logger) Audio { return Audio{b, log} }

// Tap returns a tap for an attempt whose play began at startedAt. What it records carries the
// fence of the room's lease.
func (a Audio) Tap(attemptID string, startedAt time.Time, fence int64) Tap {
	a.Open(attemptID, startedAt, fence)
	return Tap{a, attemptID, startedAt}
}

// Tap is the tap of one attempt, as signaling.Tap. Safe for concurrent use. It must not be used
// after Audio.Finish and Audio.Suspend.
type Tap struct {
	audio     Audio
	attempt   string
	startedAt time.Time
}

// Sink returns a sink for the candidate's or the patient's tracks, and nil for an
// observer's, who is never recorded. When it cannot make a writer, it logs that and returns nil.
func (t Tap) Sink(room, participant string) sfu.Sink {
	if participant != string(store.SpeakerCandidate) &&
		participant != string(store.SpeakerPatient) {
		return nil
	}
	w, err := t.audio.Writer(room, participant, t.startedAt)
	if err != nil {
		t.audio.log.Error("a track is not recorded", "room", room, "participant", participant,
			"error", err)
		return nil
	}
	return sink{w}
}

// Interrupted records that a cause began (on) or ceased to keep a speaker from being heard.
func (t Tap) Interrupted(speaker store.Speaker, cause store.Cause, on bool, at time.Time) {
	t.audio.Record(t.attempt, t.startedAt, event.Changed{
		At: at.UnixMicro(), Speaker: string(speaker), Cause: string(cause), On: on,
	})
}

// Clock records the play's clock, which has started or stopped.
func (t Tap) Clock(c store.PlayClock, at time.Time) {
	t.audio.RecordClock(t.attempt, t.startedAt, event.Clock{
		At: at.UnixMicro(), Left: c.Left.Microseconds(), Running: c.Running,
		Partner: c.Partner, Stood: c.Stood.Microseconds(),
	})
}

// Acted records a batch of events of the automatic patient, as event.Append writes it.
func (t Tap) Acted(events []byte) {
	batch, err := event.Parse(events)
	if err != nil {
		t.audio.log.Error("events of an automatic patient are not recorded", "attempt", t.attempt,
			"error", err)
		return
	}
	for _, e := range batch {
		t.audio.Record(t.attempt, t.startedAt, e)
	}
}

// Said records what the automatic patient has said.
func (t Tap) Said(line part.Line, played part.Played) {
	t.audio.Record(t.attempt, t.startedAt, event.Said{
		Line: line.ID, Text: line.Text, From: played.From, To: played.To, Cut: played.Cut,
	})
}

// Patient records a snapshot of the automatic patient, for Audio.LastPatient.
func (t Tap) Patient(generation int, state []byte, heardTo int64) {
	t.audio.RecordPatient(t.attempt, t.startedAt, event.Patient{
		Generation: generation, State: state, HeardTo: heardTo,
	})
}

// Live makes what is recorded reach the log at once while an automatic patient listens.
func (t Tap) Live(on bool) { t.audio.SetLive(t.attempt, on) }

// Moved records that this process stops writing the log, which another continues.
func (t Tap) Moved(at time.Time) {
	t.audio.Record(t.attempt, t.startedAt, event.Moved{At: at.UnixMicro()})
}

// Sent records how many packets a speaker's client has sent on an RTP stream, as it says.
func (t Tap) Sent(speaker store.Speaker, ssrc uint32, packets int) {
	if packets < 0 || packets > event.MaxPackets {
		return
	}
	t.audio.Record(t.attempt, t.startedAt, event.Sent{
		Speaker: string(speaker), SSRC: ssrc, Packets: packets,
	})
}

// sink writes a track's packets to the bus.
type sink struct{ writer *bus.Writer }

func (s sink) WriteRTP(p *sfu.Packet) {
	s.writer.Begin(p.SSRC, p.Index)
	s.writer.Write(p.Sequence, p.Timestamp, p.Arrival, p.Payload)
}

func (s sink) WriteCount(ssrc uint32, packets int) { s.writer.Count(ssrc, packets) }

// Close does nothing: Audio.Finish marks the end of the attempt's log.
func (s sink) Close() {}
