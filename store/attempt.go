package store

import (
	"fmt"
	"slices"
	"time"
)

// AttemptState is the stage that an attempt has reached.
type AttemptState string

// The states of an attempt, in order. It leaves Created when its candidate joins the room.
// Abandoned (no play took place) and Failed (no report could be made) end it early.
const (
	AttemptCreated   AttemptState = "created"
	AttemptPreparing AttemptState = "preparing"
	AttemptPlaying   AttemptState = "playing"
	AttemptAnalysing AttemptState = "analysing"
	AttemptReported  AttemptState = "reported"
	AttemptFailed    AttemptState = "failed"
	AttemptAbandoned AttemptState = "abandoned"
)

// PatientKind says who plays the patient of an attempt.
type PatientKind string

// The kinds of patients. The automatic patient needs a scenario with a dialogue.
const (
	PatientAutomatic PatientKind = "automatic"
	PatientTutor     PatientKind = "tutor"
	PatientFriend    PatientKind = "friend" // another candidate, who was invited by a link
)

// Mode is how strictly a role play is played.
type Mode string

// The modes. In exam mode there are no pauses, hints or captions.
const (
	ModePractice Mode = "practice"
	ModeExam     Mode = "exam"
)

// NewAttempt is what a candidate chooses when an attempt is created.
type NewAttempt struct {
	CandidateID string
	ScenarioID  string
	Consent     bool        // the candidate agreed to being recorded
	Patient     PatientKind // empty: a tutor
	Mode        Mode        // empty: practice
	PartnerID   string      // who plays the patient; empty: nobody yet
}

// Attempt is one practice of a scenario by one candidate. Its id is also its room's id.
type Attempt struct {
	ID         string // UUID v7
	ScenarioID string
	// ScenarioVersion is the version of the scenario that was published when the attempt was
	// created. The attempt keeps it.
	ScenarioVersion int
	CandidateID     string
	PartnerID       string // the tutor who plays the patient; empty when there is none
	State           AttemptState
	Consent         bool // the candidate agreed to being recorded
	Patient         PatientKind
	Mode            Mode
	CreatedAt       time.Time
	PreparedAt      *time.Time // preparation began
	StartedAt       *time.Time // play began
	EndedAt         *time.Time // play ended
	Problem         string     // why it failed, in words for the user
	// Fence is the number of media nodes that have taken the attempt's room, one after the other.
	// A node may change the attempt while no other one has taken the room since (CheckFence).
	Fence int64
	// Exam is the attempt's place in a mock exam; zero when it is in none.
	Exam InExam
}

// AttemptFilter selects attempts of a user, newest first.
type AttemptFilter struct {
	UserID   string       // the candidate or the partner
	Scenario string       // its slug; empty: any
	State    AttemptState // empty: any
	Before   string       // the id of the last attempt of the page before; empty: the first page
	Limit    int
}

// Speaker is one side of the conversation. Its text is part of NATS subjects, file names and
// reports.
type Speaker string

// The speakers of a role play.
const (
	SpeakerCandidate Speaker = "candidate"
	SpeakerPatient   Speaker = "patient"
)

// CheckFence returns ErrFenced when the room was taken by another media node after the one whose
// fence is given. Only a node's changes are checked.
func (a Attempt) CheckFence(fence int64) error {
	if fence < a.Fence {
		return fmt.Errorf("another media node has the room (fence %d, not %d): %w", a.Fence,
			fence, ErrFenced)
	}
	return nil
}

// Prepare begins the preparation. It changes nothing when the preparation has begun already,
// because a room can be opened twice. It returns ErrState in any later state.
func (a *Attempt) Prepare(now time.Time) error {
	changed, err := a.advance(AttemptPreparing, "prepared", AttemptCreated)
	if changed {
		a.PreparedAt = &now
	}
	return err
}

// Start begins the play, and keeps the first start when called again. It changes nothing when the
// attempt has its report, which can come first while the database is away. It returns ErrState
// when the attempt has ended otherwise.
func (a *Attempt) Start(now time.Time) error {
	if a.State == AttemptReported {
		return nil
	}
	changed, err := a.advance(AttemptPlaying, "started", AttemptCreated, AttemptPreparing)
	if changed {
		a.StartedAt = &now
	}
	return err
}

// Finish ends the play; the analysis follows. It changes nothing when the play has ended already.
// It returns ErrState when there was no play.
func (a *Attempt) Finish(now time.Time) error {
	if a.State == AttemptReported {
		return nil
	}
	changed, err := a.advance(AttemptAnalysing, "finished", AttemptPlaying)
	if changed {
		a.EndedAt = &now
	}
	return err
}

// Abandon ends an attempt whose play never began. It returns ErrState when the play has begun or
// the attempt failed.
func (a *Attempt) Abandon(now time.Time) error {
	changed, err := a.advance(AttemptAbandoned, "abandoned", AttemptCreated, AttemptPreparing)
	if changed {
		a.EndedAt = &now
	}
	return err
}

// Reported records that the report exists, of a play that began at a time. The media server may
// have crashed before Finish, and while it cannot reach the database its Start comes late or not
// at all; so any state before is permitted. But Reported returns ErrState when the attempt was
// abandoned, and when the time is zero and there was no play.
func (a *Attempt) Reported(now, startedAt time.Time) error {
	from := []AttemptState{AttemptPlaying, AttemptAnalysing, AttemptFailed}
	if !startedAt.IsZero() {
		from = append(from, AttemptCreated, AttemptPreparing)
	}
	changed, err := a.advance(AttemptReported, "reported", from...)
	if changed {
		if a.StartedAt == nil && !startedAt.IsZero() {
			a.StartedAt = &startedAt
		}
		a.end(now)
		a.Problem = ""
	}
	return err
}

// Fail records that no report can be made, and why. It returns ErrState when there is a report.
func (a *Attempt) Fail(now time.Time, problem string) error {
	if a.State == AttemptReported {
		return fmt.Errorf("a reported attempt cannot fail: %w", ErrState)
	}
	a.end(now)
	a.State, a.Problem = AttemptFailed, problem
	return nil
}

// Retry makes a failed attempt wait for its analysis again. It changes nothing when the attempt is
// analysed already, and returns ErrState in any other state.
func (a *Attempt) Retry() error {
	changed, err := a.advance(AttemptAnalysing, "analysed again", AttemptFailed)
	if changed {
		a.Problem = ""
	}
	return err
}

// Deletable returns nil when its candidate may delete the attempt. It returns ErrState while
// something may still be written of it: its room is open, or its analysis is not done.
func (a Attempt) Deletable() error {
	switch a.State {
	case AttemptReported, AttemptFailed, AttemptAbandoned:
		return nil
	}
	return fmt.Errorf("an attempt that is %s cannot be deleted: %w", a.State, ErrState)
}

// Reopen makes a reported attempt wait for a second report, because the media server was cut off
// and sent more audio after the first; lastAt is when its latest came. live means that the play
// goes on. Reopen returns ErrState when there is no report.
func (a *Attempt) Reopen(lastAt time.Time, live bool) error {
	if a.State != AttemptReported {
		return fmt.Errorf("an attempt that is %s cannot be reopened: %w", a.State, ErrState)
	}
	a.State, a.EndedAt = AttemptPlaying, nil
	if !live {
		a.State, a.EndedAt = AttemptAnalysing, &lastAt
	}
	return nil
}

// advance moves the attempt from one of the given states to another, and reports whether it did.
// It does nothing when the attempt is in that state already, and returns ErrState in any other;
// participle names the change in the message.
func (a *Attempt) advance(to AttemptState, participle string,
	from ...AttemptState) (changed bool, err error) {
	switch {
	case a.State == to:
		return false, nil
	case slices.Contains(from, a.State):
		a.State = to
		return true, nil
	}
	return false, fmt.Errorf("an attempt that is %s cannot be %s: %w", a.State, participle,
		ErrState)
}

// end sets the end of the play unless it is set.
func (a *Attempt) end(now time.Time) {
	if a.EndedAt == nil {
		a.EndedAt = &now
	}
}

// Seat gives the patient's part to a tutor. present says whether the tutor who has the part is in
// the room; then Seat returns ErrConflict for anybody else. It returns ErrState when the room can
// no longer be joined.
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

// Joinable reports whether people may join the attempt's room.
func (a Attempt) Joinable() bool {
	return a.State == AttemptCreated || a.State == AttemptPreparing || a.State == AttemptPlaying
}

// Join is what a ticket permits: one user may join one room in one part. A ticket is the signed,
// single-use token for the WebSocket that carries a Join.
type Join struct {
	AttemptID string
	NodeID    string // the media node for the room, the only one that admits the user
	UserID    string
	SessionID string // the signed-in device; when it is signed out, the socket is closed
	Name      string
	AvatarID  string // the medium that is the user's portrait, or empty
	AvatarURL string // where the portrait is, for some minutes; set when the ticket is verified
	Role      ParticipantRole
	Expires   time.Time
}

// ParticipantRole is the part that a user has in a room.
type ParticipantRole string

// The parts. An observer can listen but not speak.
const (
	ParticipantCandidate ParticipantRole = "candidate"
	ParticipantPatient   ParticipantRole = "patient"
	ParticipantObserver  ParticipantRole = "observer"
)

// AttemptView is an attempt together with the names that a list shows.
type AttemptView struct {
	Attempt       Attempt
	ScenarioSlug  string
	ScenarioTitle string
	Profession    string
	CandidateName string
	PartnerName   string // empty when there is none
}

// ProblemAudioLost is the problem of an attempt whose audio was lost before it was analysed.
const ProblemAudioLost = "What was said was lost in the server's storage before it could be " +
	"analysed. This was not your fault. Please play the scenario again."

// Try is one try at the analysis of an attempt.
type Try struct {
	// Number counts the tries that crashed or failed, and this one.
	Number int
	// ReportedAt is when the attempt was reported while its recordings could not be stored, or
	// when an operator wanted them to be stored again. This try is to store them. Nil: there is no
	// report, or nothing to store.
	ReportedAt *time.Time
}

// Unfinished is an attempt that is played or analysed, or whose recordings follow its report.
type Unfinished struct {
	Attempt
	ProgressAt *time.Time       // when a worker was last at its analysis
	Recordings []RecordingState // only from AttemptsInLog
	ReportedAt *time.Time       // likewise; nil: there is no report
}

// Has reports whether one of the recordings is in a state.
func (u Unfinished) Has(s RecordingState) bool { return slices.Contains(u.Recordings, s) }

// Since returns when something last happened to the attempt.
func (u Unfinished) Since() time.Time {
	since := u.CreatedAt
	for _, t := range []*time.Time{u.StartedAt, u.EndedAt, u.ProgressAt} {
		if t != nil && t.After(since) {
			since = *t
		}
	}
	return since
}
