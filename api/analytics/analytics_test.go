package analytics_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"bedside/api/analytics"
	"bedside/api/apitest"
	"bedside/store"
)

func practice(t *testing.T, c *apitest.Client, query string) (p analytics.Practice) {
	t.Helper()
	c.Do(t, "GET", "/api/analytics/practice"+query, nil).Expect(t, 200).Decode(t, &p)
	return p
}

// TestTutorsCountTheirOwn compares the numbers of two tutors with the attempts that they may open.
func TestTutorsCountTheirOwn(t *testing.T) {
	s := apitest.NewServer(t)
	candidate := s.NewUser(t, store.RoleCandidate)
	tutor, other := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleTutor)
	admin := s.NewUser(t, store.RoleAdmin)
	before := practice(t, admin, "").Total
	s.NewReport(t, candidate, tutor)
	s.NewReport(t, candidate, tutor)
	s.NewReport(t, candidate, other)
	candidate.NewAttempt(t) // with nobody
	if n := practice(t, tutor, "").Total; n.Created != 2 || n.Reported != 2 {
		t.Errorf("the tutor counts %+v", n)
	}
	if n := practice(t, other, "").Total; n.Created != 1 {
		t.Errorf("the other tutor counts %+v", n)
	}
	if n := practice(t, tutor, "?tutor="+tutor.ID).Total; n.Created != 2 {
		t.Errorf("by the own id, the tutor counts %+v", n)
	}
	tutor.Do(t, "GET", "/api/analytics/practice?tutor="+other.ID, nil).Problem(t, 403, "forbidden")
	tutor.Do(t, "GET", "/api/analytics/practice.csv?tutor="+other.ID, nil).
		Problem(t, 403, "forbidden")
	after := practice(t, admin, "").Total
	if after.Created-before.Created != 4 || after.Reported-before.Reported != 3 ||
		after.InProgress-before.InProgress != 1 {
		t.Errorf("the administrator counts %+v, before %+v", after, before)
	}
	if n := practice(t, admin, "?tutor="+other.ID).Total; n.Created != 1 {
		t.Errorf("of the other tutor, the administrator counts %+v", n)
	}
	// The numbers are the same after they were added to those of the day.
	if _, err := s.DB.FoldPractice(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := practice(t, admin, "").Total; n != after {
		t.Errorf("later the administrator counts %+v, before %+v", n, after)
	}
	candidate.Do(t, "DELETE", "/api/users/profile", nil).Expect(t, 204)
	if n := practice(t, tutor, "").Total; n != (analytics.Steps{}) {
		t.Errorf("after the candidate's account was deleted, the tutor counts %+v", n)
	}
}

func TestFunnelAndDropOuts(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	seat := func() string {
		t.Helper()
		id := candidate.NewAttempt(t)
		tutor.Do(t, "POST", "/api/attempts/"+id+"/ticket", nil).Expect(t, 201)
		return id
	}
	do := func(_ store.Attempt, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	s.NewReport(t, candidate, tutor)
	left := seat() // in the preparation
	do(s.DB.PrepareAttempt(t.Context(), left, 0, now))
	do(s.DB.AbandonAttempt(t.Context(), left, 0, now))
	failed := seat() // in the analysis
	do(s.DB.StartAttempt(t.Context(), failed, 0, now))
	do(s.DB.FinishAttempt(t.Context(), failed, 0, now.Add(5*time.Minute)))
	if err := s.DB.FailAttempt(t.Context(), failed, "It crashed."); err != nil {
		t.Fatal(err)
	}
	playing := seat() // which goes on
	do(s.DB.StartAttempt(t.Context(), playing, 0, now))
	seat() // which waits
	n := practice(t, tutor, "").Total
	want := analytics.Steps{
		Created: 5, Prepared: 4, Started: 3, Ended: 2, Reported: 1, InProgress: 2,
		DropOuts:        analytics.DropOuts{Preparation: 1, Analysis: 1},
		PracticeSeconds: n.PracticeSeconds,
	}
	if n != want || n.PracticeSeconds < 300 || n.PracticeSeconds > 302 {
		t.Errorf("%+v, want %+v", n, want)
	}
}

func TestFilters(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	s.NewReport(t, candidate, tutor)
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	for query, want := range map[string]int{
		"?profession=nursing": 1, "?profession=medicine": 0,
		"?scenario=" + apitest.ScenarioSlug: 1, "?scenario=nothing": 0,
		"?criterion=nothing": 0,
		"?difficulty=3":      0, "?difficulty=0": 1,
		"?from=" + day(-1) + "&to=" + day(1):  1,
		"?from=" + day(-9) + "&to=" + day(-2): 0,
	} {
		p := practice(t, tutor, query)
		if p.Total.Created != want || len(p.Scenarios) != want || len(p.Weeks) != want {
			t.Errorf("%s: %+v", query, p)
		}
	}
	for _, query := range []string{
		"?from=" + day(0) + "&to=" + day(-1), "?from=2020-01-01", "?from=yesterday",
		"?difficulty=4", "?tutor=me", "?to=2026-02-30", "?color=blue",
	} {
		tutor.Do(t, "GET", "/api/analytics/practice"+query, nil).Problem(t, 422, "invalid")
	}
}

// TestCSVIsSafeAndComplete gives a scenario a title that a spreadsheet would run.
func TestCSVIsSafeAndComplete(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	s.NewReport(t, candidate, tutor)
	var title string
	for _, evil := range []string{
		`=HYPERLINK("http://x","y")`, "+1", "-1", "@x", "\t=1", " =1", "＝1", `say "no", or` + "\nnot",
	} {
		s.Exec(t, `UPDATE scenarios SET title = $2 WHERE slug = $1`, apitest.ScenarioSlug, evil)
		r := tutor.Do(t, "GET", "/api/analytics/practice.csv", nil).Expect(t, 200)
		if got := r.Header.Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" {
			t.Error(got)
		}
		if !strings.HasPrefix(r.Header.Get("Content-Disposition"),
			`attachment; filename="bedside-by-scenario-`) {
			t.Error(r.Header.Get("Content-Disposition"))
		}
		if !strings.HasSuffix(string(r.Data), "\r\n") {
			t.Errorf("lines end otherwise: %q", r.Data)
		}
		rows, err := csv.NewReader(strings.NewReader(string(r.Data))).ReadAll()
		if err != nil || len(rows) != 2 || rows[0][1] != "title" {
			t.Fatal(rows, err)
		}
		title = rows[1][1]
		if strings.HasPrefix(evil, "say") {
			if title != evil {
				t.Errorf("%q became %q", evil, title)
			}
			continue
		}
		if !strings.HasPrefix(title, "'") {
			t.Errorf("%q became %q", evil, title)
		}
	}
	for by, columns := range map[string]int{"scenario": 15, "day": 16, "criterion": 13} {
		r := tutor.Do(t, "GET", "/api/analytics/practice.csv?by="+by, nil).Expect(t, 200)
		rows, err := csv.NewReader(strings.NewReader(string(r.Data))).ReadAll()
		if err != nil || len(rows[0]) != columns {
			t.Errorf("by %s: %q, %v", by, rows, err)
		}
	}
	tutor.Do(t, "GET", "/api/analytics/practice.csv?by=person", nil).Problem(t, 422, "invalid")
}
