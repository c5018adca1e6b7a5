package progress

import (
	"context"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
	"bedside/store/practice"
)

// weeks is the number of weeks of an overview.
const weeks = 12

// Overview is all that a user has practised.
type Overview struct {
	Attempts        int                `json:"attempts" minimum:"0" doc:"attempts whose play began"`
	Reported        int                `json:"reported" minimum:"0" doc:"attempts with a report"`
	PracticeSeconds int                `json:"practice_seconds" minimum:"0" doc:"time of play"`
	StreakDays      int                `json:"streak_days" minimum:"0" doc:"days in a row with a play, up to today or yesterday"`
	BestStreakDays  int                `json:"best_streak_days" minimum:"0" doc:"the most days in a row with a play"`
	TestDate        string             `json:"test_date" doc:"of the profile: year-month-day, or empty" example:"2026-11-14"`
	DaysToTest      *int               `json:"days_to_test" doc:"null when there is no date or it has passed" example:"12"`
	Next            *Step              `json:"next" doc:"what to practise next; null when there is no scenario"`
	Alternatives    []Step             `json:"alternatives" maxItems:"2" doc:"instead of next"`
	Scenarios       []ScenarioProgress `json:"scenarios" maxItems:"500" doc:"those you have played or marked, the latest first"`
	Criteria        []Trend            `json:"criteria" maxItems:"9" doc:"your results by criterion; empty until there are scores"`
	Weeks           []Week             `json:"weeks" maxItems:"12" doc:"the last twelve weeks, the oldest first"`
}

// Step is a scenario to practise next, and why.
type Step struct {
	Scenario httpx.ScenarioName `json:"scenario"`
	Reason   practice.Reason    `json:"reason" enum:"first,weakest,poor,new,harder,old,again"`
	Words    string             `json:"words" doc:"the reason as a sentence" example:"You have not yet practised “Starting insulin at home”, and your test is in 12 days."`
}

// Trend is how the results of a criterion have changed.
type Trend struct {
	Criterion string  `json:"criterion" example:"fluency"`
	Points    []Point `json:"points" maxItems:"100" doc:"oldest first"`
}

// Point is a result of a criterion, as a range.
type Point struct {
	At        time.Time `json:"at"`
	Low       float64   `json:"low" example:"3.5"`
	High      float64   `json:"high" example:"4.5"`
	AttemptID string    `json:"attempt_id" format:"uuid"`
}

// Week is what was practised in a week.
type Week struct {
	Week            string `json:"week" format:"date" doc:"its Monday" example:"2026-11-02"`
	Attempts        int    `json:"attempts" minimum:"0"`
	PracticeSeconds int    `json:"practice_seconds" minimum:"0"`
}

type overviewOutput struct{ Body Overview }

func (s *Service) overview(ctx context.Context, _ *struct{}) (*overviewOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	o, err := s.Store.Overview(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	scenarios, err := s.Store.PlayableScenarios(ctx)
	if err != nil {
		return nil, err
	}
	return &overviewOutput{Body: summarise(p.User, o, scenarios, s.Clock())}, nil
}

func summarise(u store.User, o store.Overview, scenarios []store.Scenario,
	now time.Time) Overview {
	zone := practice.Zone(u.TimeZone)
	out := Overview{
		TestDate: u.TestDate, Alternatives: []Step{}, Criteria: trends(o.Results),
		Scenarios: make([]ScenarioProgress, len(o.Progress)),
	}
	for i, p := range o.Progress {
		out.Attempts += p.Attempts
		out.Reported += p.Reported
		out.PracticeSeconds += int(p.Practice.Seconds())
		out.Scenarios[i] = view(p)
	}
	out.StreakDays, out.BestStreakDays = practice.Streaks(o.Plays, now, zone)
	if days, ok := practice.DaysTo(u.TestDate, now, zone); ok && days >= 0 {
		out.DaysToTest = &days
	}
	for _, w := range practice.Weeks(o.Plays, now, zone, weeks) {
		out.Weeks = append(out.Weeks, Week{
			Week: w.Monday.Format(time.DateOnly), Attempts: w.Attempts,
			PracticeSeconds: int(w.Practice.Seconds()),
		})
	}
	for i, step := range practice.Next(practice.Candidate{
		Profession: u.Profession, TestDate: u.TestDate, Zone: zone, Progress: o.Progress,
		Results: o.Results,
	}, scenarios, now) {
		one := Step{
			Scenario: httpx.NameScenario(step.Scenario), Reason: step.Reason, Words: step.Words,
		}
		if i == 0 {
			out.Next = &one
			continue
		}
		out.Alternatives = append(out.Alternatives, one)
	}
	return out
}

// trends groups the results of criteria, which are in their order, by criterion.
func trends(results []store.Result) []Trend {
	list := []Trend{}
	for _, r := range results {
		if r.Criterion == store.ResultOverall {
			continue
		}
		if len(list) == 0 || list[len(list)-1].Criterion != r.Criterion {
			list = append(list, Trend{Criterion: r.Criterion})
		}
		t := &list[len(list)-1]
		t.Points = append(t.Points, Point{
			At: r.At, Low: r.Low, High: r.High, AttemptID: r.AttemptID,
		})
	}
	return list
}
