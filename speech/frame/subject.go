package frame

import (
	"fmt"
	"strings"
)

// Subjects of the streams. An attempt's audio is audio.<attempt>.<speaker>, its end marker
// audio.<attempt>.end.
const (
	AudioSubjects = "audio.>"
	JobSubjects   = "jobs.>"

	FeedbackSubjects = "feedback.>"

	end   = "end"
	alive = "alive"
)

// ValidToken says whether s may stand in a subject: 1 to 64 letters, digits, '-' or '_'.
func ValidToken(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' &&
			r != '_'
	}) < 0
}

// ValidSpeaker says whether s may be a speaker's name in a subject: a token that is no marker's.
func ValidSpeaker(s string) bool { return ValidToken(s) && s != end && s != alive }

// AudioSubject carries one speaker's batches.
func AudioSubject(attempt, speaker string) string { return "audio." + attempt + "." + speaker }

// EndSubject carries the end marker: an empty message after everything else.
func EndSubject(attempt string) string { return AudioSubject(attempt, end) }

// AliveSubject carries the heartbeats of an attempt's tap: empty messages.
func AliveSubject(attempt string) string { return AudioSubject(attempt, alive) }

// AttemptSubjects is everything of one attempt.
func AttemptSubjects(attempt string) string { return "audio." + attempt + ".>" }

// JobSubject carries the request to analyse an attempt.
func JobSubject(attempt string) string { return "jobs." + attempt }

// FeedbackSubject carries news of an attempt to whoever listens now.
func FeedbackSubject(attempt string) string { return "feedback." + attempt }

// Kind says what a message of an attempt's log is.
type Kind int

// The kinds.
const (
	KindAudio Kind = iota // a batch of one speaker
	KindAlive             // the tap lives
	KindEnd               // nothing follows
)

// ParseAudioSubject gives the kind of a message, and whose audio it is.
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
	}
	return KindAudio, parts[2], nil
}
