package frame

import (
	"fmt"
	"strings"
)

// Subjects of all messages of a kind, as streams subscribe to them.
const (
	AudioSubjects       = "audio.>"
	JobSubjects         = "jobs.>"
	ReportReadySubjects = "feedback.>"

	// Subjects of messages that only test whether a stream stores messages. Nobody reads them.
	AudioProbe       = "audio.probe"
	JobProbe         = "jobs.probe.all"
	ReportReadyProbe = "feedback.probe.all"

	// EventsToken stands in subjects of events where those of audio have the speaker.
	EventsToken = "events"

	end    = "end"
	alive  = "alive"
	events = EventsToken
	clock  = "clock"
	state  = "state"
)

// ValidToken reports whether s is allowed in a subject: 1 to 64 letters, digits, '-' or '_'.
func ValidToken(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' &&
			r != '_'
	}) < 0
}

// ValidSpeaker reports whether s is allowed as a speaker's name in a subject: a valid token other
// than those of heartbeats, events, clocks, states and end markers.
func ValidSpeaker(s string) bool {
	return ValidToken(s) && s != end && s != alive && s != events && s != clock && s != state
}

// AudioSubject returns the subject of one speaker's batches.
func AudioSubject(attempt, speaker string) string { return "audio." + attempt + "." + speaker }

// EndSubject returns the subject of the end marker, an empty message that follows all others.
func EndSubject(attempt string) string { return AudioSubject(attempt, end) }

// EventSubject returns the subject of batches of events, see package event.
func EventSubject(attempt string) string { return AudioSubject(attempt, events) }

// ClockSubject returns the subject of the states of the play's clock, batches of one event.Clock.
func ClockSubject(attempt string) string { return AudioSubject(attempt, clock) }

// StateSubject returns the subject of the automatic patient's snapshots, batches of one
// event.Patient.
func StateSubject(attempt string) string { return AudioSubject(attempt, state) }

// AliveSubject returns the subject of the heartbeats, batches of one event.Alive.
func AliveSubject(attempt string) string { return AudioSubject(attempt, alive) }

// AttemptSubjects returns a pattern for all messages of an attempt's log.
func AttemptSubjects(attempt string) string { return "audio." + attempt + ".>" }

// JobSubject returns the subject of the job to analyse an attempt.
func JobSubject(attempt string) string { return "jobs." + attempt }

// ReportReadySubject returns the subject on which the end of an attempt's analysis is announced.
func ReportReadySubject(attempt string) string { return "feedback." + attempt }

// Kind is the kind of a message of an attempt's log.
type Kind int

// The kinds of messages.
const (
	KindAudio  Kind = iota // a batch of one speaker's frames
	KindAlive              // a heartbeat
	KindEnd                // the end marker
	KindEvents             // a batch of events
)

// ParseAudioSubject returns the kind of the message with this subject and, for audio, its speaker.
func ParseAudioSubject(subject string) (kind Kind, speaker string, err error) {
	parts := strings.Split(subject, ".")
	if len(parts) != 3 || parts[0] != "audio" || !ValidToken(parts[1]) || !ValidToken(parts[2]) {
		return 0, "", fmt.Errorf("subject %.80q is not of the form audio.<attempt>.<speaker>",
			subject)
	}
	switch parts[2] {
	case end:
		return KindEnd, "", nil
	case alive:
		return KindAlive, "", nil
	case events, clock, state:
		return KindEvents, "", nil
	}
	return KindAudio, parts[2], nil
}
