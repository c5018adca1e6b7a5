package store

import "time"

// PlayClock is the state of a play's clock, from which another media server can continue the play.
type PlayClock struct {
	Left    time.Duration // of the play
	Running bool
	// Partner says that somebody has played the patient, so that the clock runs only while they
	// are there.
	Partner bool
	// Stood is how long the clock has stood so far because the candidate or the patient was away.
	// A play whose clock has stood for too long ends.
	Stood time.Duration
}
