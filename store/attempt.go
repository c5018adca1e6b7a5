package store

import (
	"fmt"
	"time"
)

// AttemptState is where an attempt stands.
type AttemptState string

// The states of an attempt, in order. An attempt leaves Created when its candidate joins the
// room; Abandoned and Failed are ends.
const (
	AttemptCreated   AttemptState = "created"
	AttemptPreparing AttemptState = "preparing"
	AttemptPlaying   AttemptState = "playing"
	AttemptAnalysing AttemptState = "analysing"
	AttemptReported  AttemptState = "reported"
	AttemptFailed    AttemptState = "failed"
	AttemptAbandoned AttemptState = "abandoned"
)

// Attempt is one practice of a scenario by one candidate. Its id is its room's id.
type Attempt struct {
	ID          string // UUID v7
	ScenarioID  string
	CandidateID string
	PartnerID   string // the tutor who plays the patient; empty when there is none
	State       AttemptState
	Consent     bool // the candidate agreed to being recorded
	CreatedAt   time.Time
	PreparedAt  *time.Time // preparation began
	StartedAt   *time.Time // play began
	EndedAt     *time.Time // play ended
	Problem     string     // why it failed, for people
}

// Speaker names a side of the conversation in subjects, file names and reports.
type Speaker string

// The speakers of a role play.
const (
	SpeakerCandidate Speaker = "candidate"
	SpeakerPatient   Speaker = "patient"
)

// Prepare moves the attempt into preparation. Doing it again is no error, so that a room can be
// opened twice.
func (a *Attempt) Prepare(now time.Time) error {
	switch a.State {
	case AttemptCreated:
		a.State, a.PreparedAt = AttemptPreparing, &now
		return nil
	case AttemptPreparing:
		return nil
	}
	return fmt.Errorf("an attempt that is %s cannot be prepared: %w", a.State, ErrState)
}

// Start begins the play. Doing it again keeps the first start.
func (a *Attempt) Start(now time.Time) error {
	switch a.State {
	case AttemptCreated, AttemptPreparing:
		a.State, a.StartedAt = AttemptPlaying, &now
		return nil
	case AttemptPlaying:
		return nil
	}
	return fmt.Errorf("an attempt that is %s cannot be started: %w", a.State, ErrState)
}

// Finish ends the play; what is left is the analysis.
func (a *Attempt) Finish(now time.Time) error {
	switch a.State {
	case AttemptPlaying:
		a.State, a.EndedAt = AttemptAnalysing, &now
		return nil
	case AttemptAnalysing, AttemptReported:
		return nil
	}
	return fmt.Errorf("an attempt that is %s cannot be finished: %w", a.State, ErrState)
}

// Abandon ends an attempt that never came to play.
func (a *Attempt) Abandon(now time.Time) error {
	switch a.State {
	case AttemptCreated, AttemptPreparing:
		a.State, a.EndedAt = AttemptAbandoned, &now
		return nil
	case AttemptAbandoned:
		return nil
	}
	return fmt.Errorf("an attempt that is %s cannot be abandoned: %w", a.State, ErrState)
}

// Reported notes that the report is there. It may follow a crash, so it is taken from Playing too.
func (a *Attempt) Reported(now time.Time) error {
	switch a.State {
	case AttemptPlaying, AttemptAnalysing, AttemptFailed:
		if a.EndedAt == nil {
			a.EndedAt = &now
		}
		a.State, a.Problem = AttemptReported, ""
		return nil
	case AttemptReported:
		return nil
	}
	return fmt.Errorf("an attempt that is %s cannot be reported: %w", a.State, ErrState)
}

// Fail notes that no report can be made, and why.
func (a *Attempt) Fail(now time.Time, problem string) error {
	if a.State == AttemptReported {
		return fmt.Errorf("a reported attempt cannot fail: %w", ErrState)
	}
	if a.EndedAt == nil {
		a.EndedAt = &now
	}
	a.State, a.Problem = AttemptFailed, problem
	return nil
}

// Seat gives the patient's part to a tutor. A tutor who holds it and is still in the room
// (present) keeps it.
func (a *Attempt) Seat(userID string, present bool) error {
	if !a.Joinable() {
		return fmt.Errorf("an attempt that is %s cannot be joined: %w", a.State, ErrState)
	}
	if a.PartnerID != "" && a.PartnerID != userID && present {
		return fmt.Errorf("another tutor plays the patient in this room: %w", ErrConflict)
	}
	a.PartnerID = userID
	return nil
}

// Joinable reports whether its room may be joined.
func (a Attempt) Joinable() bool {
	return a.State == AttemptCreated || a.State == AttemptPreparing || a.State == AttemptPlaying
}

// Join is what a ticket allows: one user to take one part in one room.
type Join struct {
	AttemptID string
	UserID    string
	SessionID string // the signed-in device, so that its end closes the room's socket
	Name      string
	Role      ParticipantRole
	Expires   time.Time
}

// ParticipantRole is the part somebody takes in a room.
type ParticipantRole string

// The parts. An observer hears and is not heard.
const (
	ParticipantCandidate ParticipantRole = "candidate"
	ParticipantPatient   ParticipantRole = "patient"
	ParticipantObserver  ParticipantRole = "observer"
)

// AttemptView is an attempt with what a list shows beside it.
type AttemptView struct {
	Attempt       Attempt
	ScenarioSlug  string
	ScenarioTitle string
	Profession    string
	CandidateName string
	PartnerName   string // empty when there is none
}
