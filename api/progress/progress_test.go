package progress_test

import (
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/progress"
	"bedside/store"
)

const path = "/api/protected/progress/" + apitest.ScenarioSlug

// get returns the client's progress at the scenario.
func get(t *testing.T, c *apitest.Client) (p progress.ScenarioProgress) {
	t.Helper()
	c.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &p)
	return p
}

func overview(t *testing.T, c *apitest.Client) (o progress.Overview) {
	t.Helper()
	c.Do(t, "GET", "/api/progress", nil).Expect(t, 200).Decode(t, &o)
	return o
}

func TestProgressFollowsARolePlay(t *testing.T) {
	s := apitest.NewServer(t)
	c, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	if p := get(t, c); p.Attempts != 0 || p.Best != nil ||
		p.Scenario.Slug != apitest.ScenarioSlug {
		t.Errorf("at the beginning: %+v", p)
	}
	c.NewAttempt(t) // which is not played
	s.NewReport(t, c, tutor)
	p := get(t, c)
	if p.Attempts != 1 || p.Reported != 1 || p.LastAt == nil || p.Best != nil || p.Latest != nil {
		t.Errorf("after the report: %+v", p)
	}
	var byID progress.ScenarioProgress
	c.Do(t, "GET", "/api/protected/progress/"+p.Scenario.ID, nil).Expect(t, 200).Decode(t, &byID)
	if byID.Attempts != 1 || byID.Scenario != p.Scenario {
		t.Errorf("by its id: %+v", byID)
	}
	// It is the candidate's, not the partner's.
	if p := get(t, tutor); p.Attempts != 0 {
		t.Errorf("the partner has %+v", p)
	}
	for _, name := range []string{"nothing", "0190d2a0-0000-7000-8000-00000000ffff"} {
		c.Do(t, "GET", "/api/protected/progress/"+name, nil).Problem(t, 404, "not-found")
		c.Do(t, "POST", "/api/protected/progress/"+name,
			map[string]any{"bookmarked": true}).Problem(t, 404, "not-found")
	}
}

func TestMarksAreAllThatAUserSets(t *testing.T) {
	s := apitest.NewServer(t)
	c, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	set := func(body any) (p progress.ScenarioProgress) {
		t.Helper()
		c.Do(t, "POST", path, body).Expect(t, 200).Decode(t, &p)
		return p
	}
	p := set(map[string]any{"bookmarked": true, "notes": "Ask about his brother.",
		"card_read": true})
	if !p.Bookmarked || !p.CardRead || p.Notes != "Ask about his brother." || p.UpdatedAt == nil {
		t.Errorf("%+v", p)
	}
	if p := set(map[string]any{"bookmarked": false}); p.Bookmarked || !p.CardRead ||
		p.Notes == "" {
		t.Errorf("after the bookmark was taken away: %+v", p)
	}
	set(map[string]any{})
	for what, body := range map[string]any{
		"a score":         map[string]any{"best": map[string]any{"low": 500, "high": 500}},
		"attempts":        map[string]any{"attempts": 99},
		"a result":        map[string]any{"bookmarked": true, "latest": nil},
		"an unknown key":  map[string]any{"colour": "blue"},
		"another case":    `{"Bookmarked": true}`,
		"long notes":      map[string]any{"notes": strings.Repeat("é", store.MaxNotes+1)},
		"notes that hide": map[string]any{"notes": "a\x00b"},
		"a number":        map[string]any{"bookmarked": 1},
	} {
		if r := c.Do(t, "POST", path, body); r.StatusCode != 422 {
			t.Errorf("%s: %d, want 422: %s", what, r.StatusCode, r.Data)
		}
	}
	set(map[string]any{"notes": strings.Repeat("é", store.MaxNotes)})
	if p := get(t, c); p.Attempts != 0 || p.Best != nil || p.Bookmarked {
		t.Errorf("at the end: %+v", p)
	}
	if p := get(t, other); p.Notes != "" || p.CardRead {
		t.Errorf("another user reads %+v", p)
	}
}

func TestOverview(t *testing.T) {
	s := apitest.NewServer(t)
	c, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	date := s.Now().UTC().AddDate(0, 0, 12).Format(time.DateOnly)
	c.Do(t, "PATCH", "/api/users/profile", map[string]any{
		"profession": "medicine", "test_date": date, "time_zone": "UTC",
	}).Expect(t, 200)
	o := overview(t, c)
	if o.Attempts != 0 || o.StreakDays != 0 || o.DaysToTest == nil || *o.DaysToTest != 12 ||
		len(o.Weeks) != 12 || len(o.Criteria) != 0 || len(o.Scenarios) != 0 {
		t.Errorf("at the beginning: %+v", o)
	}
	if o.Next == nil || o.Next.Scenario.Profession != "medicine" || o.Next.Reason != "first" ||
		!strings.HasSuffix(o.Next.Words, "and your test is in 12 days.") ||
		len(o.Alternatives) != 2 {
		t.Errorf("next %+v, or %+v", o.Next, o.Alternatives)
	}
	id := s.NewReport(t, c, tutor)
	o = overview(t, c)
	if o.Attempts != 1 || o.Reported != 1 || o.StreakDays != 1 || o.BestStreakDays != 1 ||
		len(o.Scenarios) != 1 || o.Weeks[11].Attempts != 1 {
		t.Errorf("after a role play: %+v", o)
	}
	// Scores come with a later report.
	now := time.Now()
	if err := s.DB.SaveReport(t.Context(), store.Report{
		AttemptID: id, CreatedAt: now, StartedAt: now, Results: []store.Result{
			{Criterion: store.ResultOverall, Low: 330, High: 370},
			{Criterion: "fluency", Low: 4, High: 5},
		},
	}); err != nil {
		t.Fatal(err)
	}
	o = overview(t, c)
	if len(o.Criteria) != 1 || o.Criteria[0].Criterion != "fluency" ||
		len(o.Criteria[0].Points) != 1 || o.Criteria[0].Points[0].AttemptID != id ||
		o.Criteria[0].Points[0].High != 5 {
		t.Errorf("criteria %+v", o.Criteria)
	}
	if best := o.Scenarios[0].Best; best == nil || best.Low != 330 || best.AttemptID != id ||
		*o.Scenarios[0].Latest != *best {
		t.Errorf("best %+v", best)
	}
}

func TestOverviewOfAZoneThatIsUnknown(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleTutor)
	s.Exec(t, `UPDATE users SET time_zone = 'Mars/Olympus', test_date = '2020-01-01'
		WHERE id = $1`, c.ID)
	o := overview(t, c)
	if o.DaysToTest != nil || o.TestDate != "2020-01-01" || o.Next == nil {
		t.Errorf("%+v", o)
	}
}

// TestCatalogueKnowsWhatIsTriedAndBookmarked reads the catalogue as a user with progress.
func TestCatalogueKnowsWhatIsTriedAndBookmarked(t *testing.T) {
	s := apitest.NewServer(t)
	c, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	const other = "medicine-headache-scan"
	s.NewReport(t, c, tutor)
	c.Do(t, "POST", "/api/protected/progress/"+other, map[string]any{"bookmarked": true}).
		Expect(t, 200)
	type item struct {
		Slug       string
		Tried      int
		Bookmarked bool
	}
	for query, want := range map[string]item{
		"?tried=true":      {apitest.ScenarioSlug, 1, false},
		"?bookmarked=true": {other, 0, true},
	} {
		var list struct{ Items []item }
		c.Do(t, "GET", "/api/scenarios"+query, nil).Expect(t, 200).Decode(t, &list)
		if len(list.Items) != 1 || list.Items[0] != want {
			t.Errorf("%s: %+v, want %+v", query, list.Items, want)
		}
	}
	for _, query := range []string{"?tried=false", "?bookmarked=false"} {
		var list struct{ Total int }
		c.Do(t, "GET", "/api/scenarios"+query, nil).Expect(t, 200).Decode(t, &list)
		if list.Total < 3 {
			t.Errorf("%s: %d", query, list.Total)
		}
	}
}

func TestDraftsHaveNoProgress(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	const draft = "/api/protected/progress/pharmacy-blood-thinner"
	c.Do(t, "GET", draft, nil).Expect(t, 200)
	s.Exec(t, `UPDATE scenarios SET state = 'draft', published_version = NULL
		WHERE slug = 'pharmacy-blood-thinner'`)
	c.Do(t, "GET", draft, nil).Problem(t, 404, "not-found")
	c.Do(t, "POST", draft, map[string]any{"bookmarked": true}).Problem(t, 404, "not-found")
	s.Exec(t, `UPDATE scenarios SET state = 'published', published_version = 1
		WHERE slug = 'pharmacy-blood-thinner'`)
}
