// Package analytics is the slice of what tutors and administrators learn from the practice of
// others: how far attempts came, by scenario, by criterion and over time.
//
// A tutor's numbers count the attempts in which they played the patient, which are those that they
// may open (package attempts has the rule). An administrator's count all, or those of a tutor.
package analytics

import (
	"context"
	"net/http"
	"slices"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store counts attempts. store/postgres implements it.
type Store interface {
	PracticeByScenario(ctx context.Context, f store.PracticeFilter) ([]store.ScenarioPractice,
		error)
	PracticeByDay(ctx context.Context, f store.PracticeFilter) ([]store.DayPractice, error)
	PracticeRows(ctx context.Context, f store.PracticeFilter, after store.DayPractice,
		limit int) ([]store.DayPractice, error)
}

// Service handles the operations of the slice.
type Service struct {
	Store Store
	Clock func() time.Time
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "analytics", Description: "Practice in numbers, for tutors and administrators",
		Routes: s.routes,
		Tables: []store.TableRule{
			{
				Table: "practice_days", OnDelete: store.Deleted,
				Why: "numbers of attempts by day. The deleted account's attempts are not " +
					"counted any more, and a tutor's own rows are deleted",
			},
			{
				Table: "practice_changes", OnDelete: store.Deleted,
				Why: "differences to `practice_days`, added to it every minute",
			},
		},
	}
}

func (s *Service) routes(api huma.API) {
	const whose = "A tutor's numbers count the attempts in which they played the patient, an " +
		"administrator's count all. Attempts belong to the day (UTC) on which they were created. "
	httpx.Register(api, huma.Operation{
		OperationID: "get-practice-analytics", Method: http.MethodGet,
		Path:    "/api/analytics/practice",
		Summary: "Count attempts by scenario, by criterion and by week",
		Description: whose + "Nothing is counted of accounts and attempts that were deleted, but " +
			"attempts that were removed because nobody joined them count as created.",
	}, s.practice, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "get-practice-csv", Method: http.MethodGet,
		Path:    "/api/analytics/practice.csv",
		Summary: "Download the numbers as CSV",
		Description: whose + "The file is CSV by RFC 4180 in UTF-8 with a header. Texts that a " +
			"spreadsheet would take for a formula begin with an apostrophe.",
		Metadata: httpx.Expensive(),
		Responses: map[string]*huma.Response{"200": {
			Description: "The table", Content: map[string]*huma.MediaType{
				"text/csv": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			},
		}},
	}, s.csv, store.RoleTutor, store.RoleAdmin)
}

// maxDays is the longest period.
const maxDays = 731

// Filter selects attempts.
type Filter struct {
	From       string `query:"from" format:"date" doc:"the first day; 90 days before to when absent" example:"2026-08-01"`
	To         string `query:"to" format:"date" doc:"the last day; today when absent" example:"2026-10-31"`
	Profession string `query:"profession" maxLength:"40" doc:"of the scenario" example:"nursing"`
	Scenario   string `query:"scenario" maxLength:"80" doc:"the id or the slug" example:"nursing-insulin-at-home"`
	Difficulty int    `query:"difficulty" minimum:"0" maximum:"3" doc:"of the scenario; 0: all"`
	Criterion  string `query:"criterion" maxLength:"40" doc:"that the scenario trains" example:"fluency"`
	Tutor      string `query:"tutor" format:"uuid" doc:"who played the patient; for administrators"`
}

// filter returns the attempts that a user may count, of those that are selected.
func (s *Service) filter(ctx context.Context, in *Filter) (f store.PracticeFilter, err error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return f, err
	}
	f = store.PracticeFilter{
		Scenario: in.Scenario, Profession: in.Profession, Difficulty: in.Difficulty,
		Criterion: in.Criterion, TutorID: in.Tutor,
	}
	if p.User.Role != store.RoleAdmin {
		if in.Tutor != "" && in.Tutor != p.User.ID {
			return f, &httpx.Fault{
				Err:    store.ErrForbidden,
				Detail: "Tutors see the numbers of their own role plays only. Leave out tutor.",
			}
		}
		f.TutorID = p.User.ID
	}
	if f.To, err = day("query.to", in.To, s.Clock().UTC().Truncate(24*time.Hour)); err != nil {
		return f, err
	}
	if f.From, err = day("query.from", in.From, f.To.AddDate(0, 0, -90)); err != nil {
		return f, err
	}
	switch days := f.To.Sub(f.From) / (24 * time.Hour); {
	case days < 0:
		return f, httpx.Invalid("query.from", "The first day is after the last one.")
	case days > maxDays:
		return f, httpx.Invalid("query.from", "Choose a period of at most two years.")
	}
	return f, nil
}

func day(field, s string, otherwise time.Time) (time.Time, error) {
	if s == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return at, httpx.Invalid(field, "Write the day as year-month-day, for example 2026-10-31.")
	}
	return at, nil
}

// Practice is how far attempts came.
type Practice struct {
	From      string         `json:"from" format:"date" doc:"the first day"`
	To        string         `json:"to" format:"date" doc:"the last day"`
	Total     Steps          `json:"total"`
	Scenarios []ScenarioRow  `json:"scenarios" doc:"those with attempts, the most first"`
	Criteria  []CriterionRow `json:"criteria" maxItems:"9" doc:"the criteria that the scenarios train"`
	Weeks     []WeekRow      `json:"weeks" maxItems:"106" doc:"oldest first; weeks without attempts are left out"`
}

// Steps counts attempts by how far they came.
type Steps struct {
	Created         int      `json:"created" minimum:"0"`
	Prepared        int      `json:"prepared" minimum:"0" doc:"the preparation began"`
	Started         int      `json:"started" minimum:"0" doc:"the play began"`
	Ended           int      `json:"ended" minimum:"0" doc:"the play ended"`
	Reported        int      `json:"reported" minimum:"0" doc:"there is a report"`
	InProgress      int      `json:"in_progress" minimum:"0" doc:"attempts that go on"`
	DropOuts        DropOuts `json:"drop_outs"`
	PracticeSeconds int      `json:"practice_seconds" minimum:"0" doc:"time of play"`
}

// DropOuts counts attempts that ended before their report, by where they ended.
type DropOuts struct {
	Joining     int `json:"joining" minimum:"0" doc:"nobody joined the room"`
	Preparation int `json:"preparation" minimum:"0" doc:"the play did not begin"`
	Play        int `json:"play" minimum:"0" doc:"the play did not end"`
	Analysis    int `json:"analysis" minimum:"0" doc:"no report could be made"`
}

func viewSteps(s store.Steps) Steps {
	out := Steps{
		InProgress:      s.Waiting + s.Preparing + s.Playing + s.Analysing,
		PracticeSeconds: int(s.Practice.Seconds()),
	}
	out.Created, out.Prepared, out.Started, out.Ended, out.Reported = s.Funnel()
	d := &out.DropOuts
	d.Joining, d.Preparation, d.Play, d.Analysis = s.DropOuts()
	return out
}

// ScenarioRow counts the attempts at a scenario.
type ScenarioRow struct {
	Scenario httpx.ScenarioName `json:"scenario"`
	Steps
}

// CriterionRow counts the attempts at scenarios that train a criterion.
type CriterionRow struct {
	Criterion string `json:"criterion" example:"fluency"`
	Scenarios int    `json:"scenarios" minimum:"0" doc:"scenarios with attempts"`
	Steps
}

// WeekRow counts the attempts of a week.
type WeekRow struct {
	Week string `json:"week" format:"date" doc:"its Monday"`
	Steps
}

type practiceInput struct{ Filter }

type practiceOutput struct{ Body Practice }

func (s *Service) practice(ctx context.Context, in *practiceInput) (*practiceOutput, error) {
	f, err := s.filter(ctx, &in.Filter)
	if err != nil {
		return nil, err
	}
	scenarios, err := s.Store.PracticeByScenario(ctx, f)
	if err != nil {
		return nil, err
	}
	days, err := s.Store.PracticeByDay(ctx, f)
	if err != nil {
		return nil, err
	}
	out := Practice{
		From: f.From.Format(time.DateOnly), To: f.To.Format(time.DateOnly),
		Scenarios: make([]ScenarioRow, len(scenarios)), Criteria: []CriterionRow{},
		Weeks: byWeek(days),
	}
	var total store.Steps
	for i, one := range scenarios {
		total.Add(one.Steps)
		out.Scenarios[i] = ScenarioRow{httpx.NameScenario(one.Scenario), viewSteps(one.Steps)}
	}
	out.Total = viewSteps(total)
	for _, c := range byCriterion(scenarios) {
		out.Criteria = append(out.Criteria, CriterionRow{c.name, c.scenarios, viewSteps(c.steps)})
	}
	return &practiceOutput{Body: out}, nil
}

// byWeek adds up days, which are in order, by week.
func byWeek(days []store.DayPractice) []WeekRow {
	list := []WeekRow{}
	var steps store.Steps
	for i, d := range days {
		steps.Add(d.Steps)
		monday := d.Day.AddDate(0, 0, -(int(d.Day.Weekday())+6)%7)
		if i+1 < len(days) && days[i+1].Day.Before(monday.AddDate(0, 0, 7)) {
			continue
		}
		list = append(list, WeekRow{monday.Format(time.DateOnly), viewSteps(steps)})
		steps = store.Steps{}
	}
	return list
}

// criterion counts the attempts at scenarios that train a criterion.
type criterion struct {
	name      string
	scenarios int
	steps     store.Steps
}

// byCriterion adds up scenarios by the criteria that they train, in the order of the test.
func byCriterion(scenarios []store.ScenarioPractice) (list []criterion) {
	for _, name := range store.Criteria() {
		c := criterion{name: name}
		for _, one := range scenarios {
			if slices.Contains(one.Scenario.Criteria, name) {
				c.scenarios++
				c.steps.Add(one.Steps)
			}
		}
		if c.scenarios > 0 {
			list = append(list, c)
		}
	}
	return list
}
