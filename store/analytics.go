package store

import "time"

// Steps counts attempts by how far they came, and the states of those that go on.
type Steps struct {
	Created, Prepared, Started, Ended, Reported int
	Waiting, Preparing, Playing, Analysing      int
	Unjoined                                    int // removed, as nobody had joined them
	Practice                                    time.Duration
}

// Add adds the counts of other attempts.
func (s *Steps) Add(o Steps) {
	s.Created += o.Created
	s.Prepared += o.Prepared
	s.Started += o.Started
	s.Ended += o.Ended
	s.Reported += o.Reported
	s.Waiting += o.Waiting
	s.Preparing += o.Preparing
	s.Playing += o.Playing
	s.Analysing += o.Analysing
	s.Unjoined += o.Unjoined
	s.Practice += o.Practice
}

// Funnel returns how many attempts reached each stage. Attempts that were removed because nobody
// had joined them count as created.
func (s Steps) Funnel() (created, prepared, started, ended, reported int) {
	return s.Created + s.Unjoined, s.Prepared, s.Started, s.Ended, s.Reported
}

// DropOuts returns how many attempts ended before each stage: before anybody joined, in the
// preparation, in the play, and in the analysis. Those that go on are no drop-outs.
func (s Steps) DropOuts() (joining, preparation, play, analysis int) {
	return max(0, s.Created+s.Unjoined-s.Prepared-s.Waiting),
		max(0, s.Prepared-s.Started-s.Preparing),
		max(0, s.Started-s.Ended-s.Playing),
		max(0, s.Ended-s.Reported-s.Analysing)
}

// PracticeFilter selects attempts by the day (UTC) on which they were created.
type PracticeFilter struct {
	From, To   time.Time // days, both included
	TutorID    string    // who played the patient; empty: all attempts
	Scenario   string    // its id or slug; empty: all
	Profession string    // empty: all
	Difficulty int       // 0: all
	Criterion  string    // that the scenario trains; empty: all
}

// ScenarioPractice counts the attempts at a scenario.
type ScenarioPractice struct {
	Scenario Scenario // without its cards
	Steps    Steps
}

// DayPractice counts the attempts of a day, at one scenario or at all.
type DayPractice struct {
	Day      time.Time
	Scenario Scenario // of Practice days by scenario; otherwise empty
	Steps    Steps
}
