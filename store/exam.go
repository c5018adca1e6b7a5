package store

import (
	"fmt"
	"time"
)

// ExamState is the stage that a mock exam has reached.
type ExamState string

// The states of an exam. The candidate is still needed in the first four. An exam is Reported when
// at least one of its role plays has a report and none is analysed any more, Failed when no report
// could be made of what was played, and Abandoned when nothing was played.
const (
	ExamWarmUp    ExamState = "warm_up"
	ExamFirst     ExamState = "first"
	ExamBetween   ExamState = "between"
	ExamSecond    ExamState = "second"
	ExamAnalysing ExamState = "analysing"
	ExamReported  ExamState = "reported"
	ExamFailed    ExamState = "failed"
	ExamAbandoned ExamState = "abandoned"
)

// ExamStates returns all states, in the order of the constants.
func ExamStates() []ExamState {
	return []ExamState{
		ExamWarmUp, ExamFirst, ExamBetween, ExamSecond, ExamAnalysing, ExamReported, ExamFailed,
		ExamAbandoned,
	}
}

// Live reports whether the candidate is still needed. A candidate has one live exam at a time.
func (s ExamState) Live() bool {
	return s == ExamWarmUp || s == ExamFirst || s == ExamBetween || s == ExamSecond
}

const (
	// ExamPause is how long an exam waits for its candidate before and between its role plays,
	// and how long an attempt waits that nobody has joined.
	ExamPause = 30 * time.Minute
	// ExamSilence is how long after the beginning of its preparation an attempt of an exam counts
	// as lost when no media server has said what became of it. It is longer than any preparation.
	ExamSilence = time.Hour
	// ExamReplaceTime is how long after an exam a role play can be repeated that failed by the
	// server's fault.
	ExamReplaceTime = 7 * 24 * time.Hour
)

// Exam is a mock exam: a warm-up, which is not recorded, and then two role plays of one profession
// back to back. Each role play has a slot, which is played once.
type Exam struct {
	ID          string // UUID v7
	CandidateID string
	Profession  string
	Consent     bool // the candidate agreed to being recorded
	State       ExamState
	Slots       [2]ExamSlot
	CreatedAt   time.Time
	ChangedAt   time.Time  // when State last changed
	EndedAt     *time.Time // since then no slot can be begun that was not begun before
}

// ExamSlot is the place of one role play in an exam.
type ExamSlot struct {
	ScenarioID string
	Version    int      // of the scenario
	Attempt    *Attempt // the latest in this slot; nil: it was not begun
	Replaced   bool     // it failed by the server's fault, and was repeated
}

// InExam is the place of an attempt in an exam. It is zero for an attempt that is not in one.
type InExam struct {
	ID       string // the exam's
	Position int    // 1 or 2
	Replaces bool   // it replaces an attempt that failed by the server's fault
}

// NextSlot is what the candidate of an exam plays next.
type NextSlot struct {
	Position int  // 1 or 2
	Replaces bool // an attempt that failed is repeated
}

// Next returns what is played next. It returns false while an attempt is under way, and when the
// exam is over. A slot is played once; only an attempt that failed is repeated, once, and after
// the rest of the exam.
func (e Exam) Next(now time.Time) (NextSlot, bool) {
	for _, s := range e.Slots {
		if s.live() {
			return NextSlot{}, false
		}
	}
	if e.EndedAt == nil {
		for i, s := range e.Slots {
			if s.Attempt == nil {
				return NextSlot{Position: i + 1}, true
			}
		}
	}
	for i, s := range e.Slots {
		if s.repeatable() && e.EndedAt != nil && now.Before(e.EndedAt.Add(ExamReplaceTime)) {
			return NextSlot{Position: i + 1, Replaces: true}, true
		}
	}
	return NextSlot{}, false
}

// live reports whether the slot's attempt is under way.
func (s ExamSlot) live() bool { return s.Attempt != nil && s.Attempt.Joinable() }

// repeatable reports whether the slot's attempt failed, which is never the candidate's fault, and
// was not repeated.
func (s ExamSlot) repeatable() bool {
	return s.Attempt != nil && s.Attempt.State == AttemptFailed && !s.Replaced
}

// Begin gives a new attempt the next slot. It returns ErrState when there is none.
func (e *Exam) Begin(a *Attempt, now time.Time) error {
	e.Expire(now)
	next, ok := e.Next(now)
	if !ok {
		return fmt.Errorf("nothing can be begun in an exam that is %s: %w", e.State, ErrState)
	}
	slot := &e.Slots[next.Position-1]
	a.Exam = InExam{ID: e.ID, Position: next.Position, Replaces: next.Replaces}
	a.ScenarioID, a.ScenarioVersion = slot.ScenarioID, slot.Version
	slot.Attempt, slot.Replaced = a, slot.Replaced || next.Replaces
	e.Follow(now)
	return nil
}

// Follow sets the state after a change of an attempt.
func (e *Exam) Follow(now time.Time) {
	if state := e.follows(); state != e.State {
		e.State, e.ChangedAt = state, now
	}
	if !e.State.Live() && e.EndedAt == nil {
		e.EndedAt = &now
	}
}

// follows returns the state that follows from the attempts.
func (e Exam) follows() ExamState {
	has := map[AttemptState]bool{}
	begun, open := false, false
	for i, s := range e.Slots {
		if s.live() {
			return []ExamState{ExamFirst, ExamSecond}[i]
		}
		begun, open = begun || s.Attempt != nil, open || s.Attempt == nil
		if s.Attempt != nil {
			has[s.Attempt.State] = true
		}
	}
	switch {
	case open && e.EndedAt == nil && begun:
		return ExamBetween
	case open && e.EndedAt == nil:
		return ExamWarmUp
	case has[AttemptAnalysing]:
		return ExamAnalysing
	case has[AttemptReported]:
		return ExamReported
	case has[AttemptFailed]:
		return ExamFailed
	}
	return ExamAbandoned
}

// Waits returns until when the exam waits for its candidate; false when it does not.
func (e Exam) Waits() (until time.Time, ok bool) {
	return e.ChangedAt.Add(ExamPause), e.State == ExamWarmUp || e.State == ExamBetween
}

// Expire ends an exam that has waited for its candidate for too long: what was played until then
// is its result. It reports whether it did.
func (e *Exam) Expire(now time.Time) bool {
	until, waits := e.Waits()
	if !waits || now.Before(until) {
		return false
	}
	e.end(until)
	return true
}

// GiveUp ends an exam at its candidate's wish. It returns ErrState during a role play, which ends
// first, and when the exam is over.
func (e *Exam) GiveUp(now time.Time) error {
	if _, waits := e.Waits(); !waits {
		return fmt.Errorf("an exam that is %s cannot be given up: %w", e.State, ErrState)
	}
	e.end(now)
	return nil
}

// Forget follows the removal of one of the exam's attempts that nobody has joined: it can be begun
// again. The exam waits from when it was due, whenever that is noticed.
func (e *Exam) Forget(a Attempt, now time.Time) {
	if due := a.CreatedAt.Add(ExamPause); due.Before(now) {
		now = due
	}
	if a.Exam.Replaces {
		e.Slots[a.Exam.Position-1].Replaced = false
	}
	e.Follow(now)
}

// Drop follows the deletion of one of the exam's attempts. It ends the exam, because a slot that
// was played must not be begun again. A slot that was replaced stays so.
func (e *Exam) Drop(now time.Time) {
	if e.EndedAt == nil {
		e.EndedAt = &now
	}
	e.Follow(now)
}

func (e *Exam) end(now time.Time) {
	e.EndedAt = &now
	e.Follow(now)
}

// Silent reports whether no media server has said for too long what became of the preparation of
// an exam's attempt.
func (a Attempt) Silent(now time.Time) bool {
	return a.Exam.ID != "" && a.State == AttemptPreparing && a.PreparedAt != nil &&
		!now.Before(a.PreparedAt.Add(ExamSilence))
}

// Sealed reports whether the candidate may not know the scenario yet: the card of an exam's role
// play is shown when its preparation begins.
func (a Attempt) Sealed() bool { return a.Exam.ID != "" && a.State == AttemptCreated }

// ProblemPreparationLost is the problem of an attempt of an exam whose media server was lost
// during the preparation and that nobody could continue.
const ProblemPreparationLost = "The server was lost while you prepared. This was not your fault. " +
	"You can play this role play of your mock exam again."

// ExamView is an exam together with what a page shows of its slots.
type ExamView struct {
	Exam
	Attempts       [2]*AttemptView // nil: the slot was not begun
	Parts          [2]*ExamPart    // what is kept of the reports; nil: there is none
	PrepareSeconds [2]int
	PlaySeconds    [2]int
}
