package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// examStep is something that happens to an exam. The attempt of a step is the latest of a slot.
type examStep struct {
	name string
	do   func(e *Exam, now time.Time) error
}

func examSteps() map[string]examStep {
	attempt := func(position int, change func(a *Attempt, now time.Time) error) func(*Exam,
		time.Time) error {
		return func(e *Exam, now time.Time) error {
			if err := change(e.Slots[position-1].Attempt, now); err != nil {
				return err
			}
			e.Follow(now)
			return nil
		}
	}
	steps := map[string]func(*Exam, time.Time) error{
		"begin": func(e *Exam, now time.Time) error {
			return e.Begin(&Attempt{State: AttemptCreated, CreatedAt: now}, now)
		},
		"expire": func(e *Exam, now time.Time) error {
			if !e.Expire(now) {
				return ErrState
			}
			return nil
		},
		"give-up": func(e *Exam, now time.Time) error { return e.GiveUp(now) },
	}
	for position := 1; position <= 2; position++ {
		for name, change := range map[string]func(a *Attempt, now time.Time) error{
			"prepare": func(a *Attempt, now time.Time) error { return a.Prepare(now) },
			"start":   func(a *Attempt, now time.Time) error { return a.Start(now) },
			"finish":  func(a *Attempt, now time.Time) error { return a.Finish(now) },
			"report":  func(a *Attempt, now time.Time) error { return a.Reported(now, now) },
			"fail":    func(a *Attempt, now time.Time) error { return a.Fail(now, "lost") },
			"abandon": func(a *Attempt, now time.Time) error { return a.Abandon(now) },
			"retry":   func(a *Attempt, _ time.Time) error { return a.Retry() },
		} {
			steps[fmt.Sprint(name, position)] = attempt(position, change)
		}
		steps[fmt.Sprint("delete", position)] = func(e *Exam, now time.Time) error {
			e.Slots[position-1].Attempt = nil
			e.Drop(now)
			return nil
		}
		steps[fmt.Sprint("forget", position)] = func(e *Exam, now time.Time) error {
			slot := &e.Slots[position-1]
			a := *slot.Attempt
			slot.Attempt = nil
			if a.Exam.Replaces {
				slot.Attempt = &Attempt{State: AttemptFailed}
			}
			e.Forget(a, now)
			return nil
		}
		steps[fmt.Sprint("delete-repetition", position)] = func(e *Exam, now time.Time) error {
			e.Slots[position-1].Attempt = &Attempt{State: AttemptFailed} // it comes back
			e.Drop(now)
			return nil
		}
	}
	list := map[string]examStep{}
	for name, do := range steps {
		list[name] = examStep{name, do}
	}
	return list
}

// TestExam plays exams step by step. A step ends with ! when the rules must refuse it. A number
// alone lets so many minutes pass.
func TestExam(t *testing.T) {
	const first = "begin prepare1 start1 finish1"
	const second = " begin prepare2 start2 finish2"
	for _, c := range []struct {
		name, steps string
		state       ExamState
		next        string // position, and r when it replaces a failed attempt
	}{
		{"a new one", "", ExamWarmUp, "1"},
		{"the first room", "begin", ExamFirst, ""},
		{"one room at a time", "begin begin!", ExamFirst, ""},
		{"no second before the first is over", "begin prepare1 start1 begin!", ExamFirst, ""},
		{"between, while the first is analysed", first, ExamBetween, "2"},
		{"between, with the first report", first + " report1", ExamBetween, "2"},
		{"the second room", first + " begin", ExamSecond, ""},
		{"the first report comes in the second room", first + " begin report1", ExamSecond, ""},
		{"both are analysed", first + second, ExamAnalysing, ""},
		{"one is analysed", first + second + " report1", ExamAnalysing, ""},
		{"both reports", first + second + " report1 report2", ExamReported, ""},
		{"nothing follows", first + second + " report1 report2 begin!", ExamReported, ""},
		{"left in the first preparation", "begin prepare1 abandon1", ExamBetween, "2"},
		{
			"left in the first preparation, then played",
			"begin prepare1 abandon1" + second + " report2", ExamReported, "",
		},
		{"left in both", "begin prepare1 abandon1 begin prepare2 abandon2", ExamAbandoned, ""},
		{"a left one cannot be repeated", "begin prepare1 abandon1" + second + " report2 begin!",
			ExamReported, ""},
		{"nobody joined", "begin forget1", ExamWarmUp, "1"},
		{"nobody joined the second", first + " begin forget2", ExamBetween, "2"},
		{"nobody joined and nobody came back", first + " report1 begin forget2 30 expire",
			ExamReported, ""},
		{"not yet too long", "29 expire!", ExamWarmUp, "1"},
		{"the warm-up was too long", "30 expire", ExamAbandoned, ""},
		{"the warm-up was too long to begin", "30 begin!", ExamAbandoned, ""},
		{"the break was too long", first + " report1 30 expire", ExamReported, ""},
		{"the break was too long, analysing", first + " 30 expire", ExamAnalysing, ""},
		{"a role play is never too long", "begin prepare1 start1 300 expire!", ExamFirst, ""},
		{"given up in the warm-up", "give-up", ExamAbandoned, ""},
		{"given up in the break", first + " give-up report1 begin!", ExamReported, ""},
		{"not given up in a role play", "begin prepare1 give-up!", ExamFirst, ""},
		{"not given up when it is over", first + second + " give-up!", ExamAnalysing, ""},
		{"the first failed: the second comes first", first + " fail1", ExamBetween, "2"},
		{"the first failed: then it is repeated", first + " fail1" + second + " report2",
			ExamReported, "1r"},
		{"both failed", first + second + " fail1 fail2", ExamFailed, "1r"},
		{"in the repetition", first + second + " fail1 report2 begin", ExamFirst, ""},
		{"the repetition is analysed", first + second + " fail1 report2 " + first, ExamAnalysing,
			""},
		{"repeated", first + second + " fail1 report2 " + first + " report1", ExamReported, ""},
		{"repeated once only", first + second + " fail1 report2 " + first + " fail1 begin!",
			ExamReported, ""},
		{"repeated, which was deleted", first + second + " fail1 report2 " + first +
			" report1 delete-repetition1 begin!", ExamReported, ""},
		{"nobody joined the repetition", first + second + " fail1 report2 begin forget1",
			ExamReported, "1r"},
		{"both repeated", first + second + " fail1 fail2 " + first + " report1 begin prepare2" +
			" start2 finish2 report2 begin!", ExamReported, ""},
		{"repeated within a week", first + second + " fail1 report2 10079", ExamReported, "1r"},
		{"not after a week", first + second + " fail1 report2 10080 begin!", ExamReported, ""},
		{"retried by an operator", first + second + " fail1 report2 retry1", ExamAnalysing, ""},
		{"deleted in the break", first + " report1 delete1 begin!", ExamAbandoned, ""},
		{"deleted during the second", first + " report1 begin delete1", ExamSecond, ""},
		{
			"deleted during the second, then finished",
			first + " report1" + second + " delete1 report2 begin!", ExamReported, "",
		},
		{"failed after it was given up", first + " give-up fail1", ExamFailed, "1r"},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := examSteps()
			now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
			e := Exam{ID: "exam", State: ExamWarmUp, CreatedAt: now, ChangedAt: now}
			for name := range strings.FieldsSeq(c.steps) {
				var minutes int
				if n, err := fmt.Sscan(name, &minutes); n == 1 && err == nil {
					now = now.Add(time.Duration(minutes) * time.Minute)
					continue
				}
				name, refused := strings.CutSuffix(name, "!")
				err := steps[name].do(&e, now)
				if refused != (err != nil) || err != nil && !errors.Is(err, ErrState) {
					t.Fatalf("%s: %v; refused: want %v", name, err, refused)
				}
			}
			if e.State != c.state {
				t.Errorf("the exam is %s; want %s", e.State, c.state)
			}
			next := ""
			if n, ok := e.Next(now); ok {
				next = fmt.Sprint(n.Position)
				if n.Replaces {
					next += "r"
				}
			}
			if next != c.next {
				t.Errorf("next is %q; want %q", next, c.next)
			}
			if over := !e.State.Live(); over && e.EndedAt == nil {
				t.Error("the exam is over and has no end")
			}
		})
	}
}

func TestExamAttemptsThatNobodyPlays(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	hour := now.Add(-time.Hour)
	recent := now.Add(-59 * time.Minute)
	in := InExam{ID: "exam", Position: 1}
	for _, c := range []struct {
		name           string
		a              Attempt
		silent, sealed bool
	}{
		{"in no exam", Attempt{State: AttemptCreated}, false, false},
		{"not joined", Attempt{State: AttemptCreated, Exam: in}, false, true},
		{
			"preparing for an hour",
			Attempt{State: AttemptPreparing, PreparedAt: &hour, Exam: in}, true, false,
		},
		{
			"preparing", Attempt{State: AttemptPreparing, PreparedAt: &recent, Exam: in}, false,
			false,
		},
		{"played", Attempt{State: AttemptPlaying, PreparedAt: &hour, Exam: in}, false, false},
		{
			"preparing in no exam", Attempt{State: AttemptPreparing, PreparedAt: &hour}, false,
			false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.a.Silent(now); got != c.silent {
				t.Errorf("silent: %v", got)
			}
			if got := c.a.Sealed(); got != c.sealed {
				t.Errorf("sealed: %v", got)
			}
		})
	}
}

func TestChooseExam(t *testing.T) {
	choice := func(id, focus string, tries int) ExamChoice {
		return ExamChoice{ScenarioID: id, Slug: id, Focus: focus, Tries: tries}
	}
	for _, c := range []struct {
		name string
		pool []ExamChoice
		want string // the ids, sorted
	}{
		{"too few", []ExamChoice{choice("a", "x", 0)}, ""},
		{"not the same focus", []ExamChoice{choice("a", "x", 0), choice("b", "x", 0),
			choice("c", "y", 3)}, "c"},
		{"not yet tried", []ExamChoice{choice("a", "x", 1), choice("b", "y", 0),
			choice("c", "z", 0)}, "bc"},
		{"the same focus rather than none", []ExamChoice{choice("a", "x", 0),
			choice("b", "x", 0)}, "ab"},
		{"no focus is not the same", []ExamChoice{choice("a", "", 0), choice("b", "", 0),
			choice("c", "x", 1)}, "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair, ok := ChooseExam("exam", c.pool)
			if ok != (c.want != "") {
				t.Fatalf("chosen: %v", ok)
			}
			for _, want := range c.want {
				if pair[0].Slug != string(want) && pair[1].Slug != string(want) {
					t.Errorf("chose %s and %s, not %c", pair[0].Slug, pair[1].Slug, want)
				}
			}
		})
	}
}

func TestChooseExamFollowsFromTheExam(t *testing.T) {
	var pool []ExamChoice
	for i := range 6 {
		pool = append(pool, ExamChoice{ScenarioID: fmt.Sprint(i), Focus: fmt.Sprint(i)})
	}
	backwards := make([]ExamChoice, 0, len(pool))
	for i := range pool {
		backwards = append(backwards, pool[len(pool)-1-i])
	}
	seen := map[[2]ExamChoice]bool{}
	for i := range 50 {
		pair, _ := ChooseExam(fmt.Sprint("exam ", i), pool)
		again, _ := ChooseExam(fmt.Sprint("exam ", i), backwards)
		if pair != again {
			t.Errorf("exam %d gets %v, then %v", i, pair, again)
		}
		seen[pair] = true
	}
	if len(seen) < 5 {
		t.Errorf("50 exams have only %d pairs", len(seen))
	}
}

func TestChooseReplacement(t *testing.T) {
	e := Exam{ID: "exam", Slots: [2]ExamSlot{{ScenarioID: "a", Version: 3}, {ScenarioID: "b"}}}
	pool := []ExamChoice{{ScenarioID: "a"}, {ScenarioID: "b"}}
	if c := ChooseReplacement(e, 1, pool); c.ScenarioID != "a" || c.Version != 3 {
		t.Errorf("of two scenarios, got %+v", c)
	}
	pool = append(pool, ExamChoice{ScenarioID: "c", Tries: 2},
		ExamChoice{ScenarioID: "d", Tries: 1})
	if c := ChooseReplacement(e, 1, pool); c.ScenarioID != "d" {
		t.Errorf("of four scenarios, got %+v", c)
	}
}

func TestPool(t *testing.T) {
	f := func(x float64) *float64 { return &x }
	part := func(dur, phon float64, syll, pauses int, paused, longest, runS float64) ExamPart {
		return ExamPart{Measures: Measures{
			SpeechDurationS: dur, PhonationTimeS: phon, SyllableCount: syll, PauseCount: pauses,
			PauseTotalS: paused, PauseMaxS: f(longest), MeanLengthOfRunS: f(runS),
			F0MedianHz: f(200), VoicedRatio: f(.5), IntensityMeanDB: f(-20), NoiseFloorDB: f(-60),
		}, Turns: TurnTotals{CandidateTalkRatio: phon / 100, CandidateTurns: 3,
			LongestCandidateTurnS: longest, GapMedianS: f(1)}}
	}
	parts := []ExamPart{
		part(60, 40, 160, 10, 20, 3, 4), part(120, 80, 240, 5, 40, 5, 8),
	}
	m := Pool(parts)
	for name, got := range map[string][2]float64{
		"speech duration":   {m.SpeechDurationS, 180},
		"phonation":         {m.PhonationTimeS, 120},
		"speech rate":       {*m.SpeechRateSyllPerS, 400.0 / 180},
		"articulation":      {*m.ArticulationRateSyllPerS, 400.0 / 120},
		"phonation ratio":   {*m.PhonationTimeRatio, 120.0 / 180},
		"run of syllables":  {*m.MeanLengthOfRunSyll, 20},
		"run":               {*m.MeanLengthOfRunS, 6},
		"pauses":            {float64(m.PauseCount), 15},
		"pauses a minute":   {*m.PausesPerMin, 5},
		"mean pause":        {*m.PauseMeanS, 4},
		"longest pause":     {*m.PauseMaxS, 5},
		"voiced":            {*m.VoicedRatio, .5},
		"loudness":          {*m.IntensityMeanDB, -20},
		"share of the talk": {PoolTurns(parts).CandidateTalkRatio, .6},
		"turns":             {float64(PoolTurns(parts).CandidateTurns), 6},
		"longest turn":      {PoolTurns(parts).LongestCandidateTurnS, 5},
	} {
		if d := got[0] - got[1]; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s: %v; want %v", name, got[0], got[1])
		}
	}
	if m.F0MedianHz != nil || m.NoiseFloorDB != nil || PoolTurns(parts).GapMedianS != nil {
		t.Error("a median was pooled")
	}
	if empty := Pool([]ExamPart{{}, {}}); empty != (Measures{}) {
		t.Errorf("two silent parts: %+v", empty)
	}
}
