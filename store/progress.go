package store

import "time"

// Progress is what a user has done with one scenario. The counts follow from the user's attempts;
// the user sets only Marks.
type Progress struct {
	Scenario Scenario // without its cards
	Attempts int      // whose play began
	Reported int
	Practice time.Duration // the time of play
	LastAt   *time.Time    // when the latest play began
	Best     *Result       // nil: there is no score
	Latest   *Result       // likewise
	Marks    Marks
}

// Marks are what a user notes about a scenario.
type Marks struct {
	BookmarkedAt *time.Time // nil: not bookmarked
	CardReadAt   *time.Time // when the user first read the card; nil: not yet
	Notes        string
	UpdatedAt    *time.Time // nil: there are no marks
}

// MaxNotes is the largest number of characters of Marks.Notes.
const MaxNotes = 4000

// MarksChange is a change of Marks. Nil fields stay as they are.
type MarksChange struct {
	Bookmarked *bool
	CardRead   *bool
	Notes      *string
}

// Apply changes the marks.
func (m *Marks) Apply(c MarksChange, now time.Time) {
	set := func(at **time.Time, to *bool) {
		switch {
		case to == nil:
		case !*to:
			*at = nil
		case *at == nil:
			*at = &now
		}
	}
	set(&m.BookmarkedAt, c.Bookmarked)
	set(&m.CardReadAt, c.CardRead)
	if c.Notes != nil {
		m.Notes = *c.Notes
	}
	m.UpdatedAt = &now
}

// Result is a score of an attempt, as a range.
type Result struct {
	AttemptID string
	Criterion string // ResultOverall, or a criterion
	At        time.Time
	Low, High float64
}

// ResultOverall is the criterion of an attempt's result as a whole.
const ResultOverall = "overall"

// Play is a play of a user's own attempt.
type Play struct {
	StartedAt time.Time
	Practice  time.Duration // zero while it goes on
}

// Overview is all that a user has practised.
type Overview struct {
	Progress []Progress // the scenarios played or marked, the latest first
	Plays    []Play     // newest first
	Results  []Result   // by criterion, oldest first
}
