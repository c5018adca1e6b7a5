package postgres_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/store"
)

// driftSQL finds rows that differ from what the attempts and results say, as text.
const driftSQL = `SELECT 'progress ' || coalesce(v::text, 'nothing') || ', stored ' ||
		coalesce(p::text, 'nothing')
	FROM progress_of_attempts v FULL JOIN progress p USING (user_id, scenario_id)
	WHERE (v.user_id, v.scenario_id, v.attempts, v.reported, v.practice_seconds, v.last_at,
			v.best_attempt, v.latest_attempt)
		IS DISTINCT FROM (p.user_id, p.scenario_id, p.attempts, p.reported, p.practice_seconds,
			p.last_at, p.best_attempt, p.latest_attempt)
	UNION ALL SELECT 'days ' || d::text FROM (
		SELECT tutor_id, day, scenario_id, sum(created) AS created, sum(prepared) AS prepared,
			sum(started) AS started, sum(ended) AS ended, sum(reported) AS reported,
			sum(waiting) AS waiting, sum(preparing) AS preparing, sum(playing) AS playing,
			sum(analysing) AS analysing, sum(seconds) AS seconds
		FROM (SELECT * FROM practice_of_attempts
			UNION ALL SELECT tutor_id, day, scenario_id, -created, -prepared, -started, -ended,
				-reported, -waiting, -preparing, -playing, -analysing, -seconds
				FROM practice_sum) x
		GROUP BY tutor_id, day, scenario_id) d
	WHERE (created, prepared, started, ended, reported, waiting, preparing, playing, analysing,
		seconds) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`

// checkProgress compares what is stored with what follows from the attempts.
func checkProgress(t *testing.T, when string) {
	t.Helper()
	if drift := query(t, driftSQL); len(drift) > 0 {
		t.Fatalf("%s, %d rows differ: %s", when, len(drift), strings.Join(drift, "\n"))
	}
}

// TestProgressFollowsFromAttempts changes attempts at random, several at the same time, in every
// way in which the program changes them, and compares the rows with the attempts.
func TestProgressFollowsFromAttempts(t *testing.T) {
	const workers, rounds = 8, 60
	var candidates, tutors []store.User
	for range 3 {
		candidates = append(candidates, newUser(t, store.RoleCandidate))
		tutors = append(tutors, newUser(t, store.RoleTutor))
	}
	scenarios, err := db.PlayableScenarios(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	scenarios = scenarios[:2] // so that changes of the same rows meet
	for round := range 3 {
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(w)))
				m := mover{t: t, r: r, scenarios: scenarios, candidates: candidates,
					tutors: tutors}
				for range rounds {
					m.move()
				}
			})
		}
		all.Wait()
		checkProgress(t, "after changes")
		if _, err := db.FoldPractice(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkProgress(t, "after the changes were added to the days")
	}
	for _, u := range []store.User{candidates[0], tutors[0], tutors[1]} {
		if _, err := db.DeleteUser(t.Context(), u.ID,
			func(store.User) (store.Effects, error) { return store.Effects{}, nil }); err != nil {
			t.Fatal(err)
		}
		checkProgress(t, "after the deletion of a "+string(u.Role))
	}
	if n := query(t, `SELECT count(*)::text FROM progress WHERE user_id = $1`,
		candidates[1].ID); n[0] == "0" {
		t.Error("nothing was counted")
	}
	if _, err := db.ExpireReports(t.Context(), time.Now().AddDate(0, 0, -20)); err != nil {
		t.Fatal(err)
	}
	checkProgress(t, "after the retention")
	if _, err := db.SweepAttempts(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	checkProgress(t, "after the sweep")
	if _, err := db.FoldPractice(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkProgress(t, "at the end")
	if left := query(t, `SELECT id::text FROM practice_changes`); len(left) > 0 {
		t.Errorf("%d changes are left", len(left))
	}
}

// mover makes random changes of attempts. A goroutine has its own.
type mover struct {
	t                  *testing.T
	r                  *rand.Rand
	scenarios          []store.Scenario
	candidates, tutors []store.User
	attempts           []string
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// move makes one change. Rules may refuse it.
func (m *mover) move() {
	ctx := m.t.Context()
	if len(m.attempts) == 0 || m.r.IntN(4) == 0 {
		a, err := db.CreateAttempt(ctx, store.NewAttempt{
			CandidateID: pick(m.r, m.candidates).ID,
			ScenarioID:  pick(m.r, m.scenarios).ID, Consent: true,
		})
		if err != nil {
			m.t.Error(err)
			return
		}
		m.attempts = append(m.attempts, a.ID)
		return
	}
	id := pick(m.r, m.attempts)
	at := time.Now().Add(-time.Duration(m.r.IntN(60*24)) * time.Hour)
	var err error
	switch m.r.IntN(10) {
	case 0:
		_, err = db.PrepareAttempt(ctx, id, 0, at)
	case 1, 2:
		_, err = db.StartAttempt(ctx, id, 0, at)
	case 3:
		_, err = db.FinishAttempt(ctx, id, 0, at.Add(time.Duration(m.r.IntN(3000))*time.Second))
	case 4, 5:
		r := store.Report{AttemptID: id, CreatedAt: at, StartedAt: at}
		if m.r.IntN(2) == 0 {
			low := m.r.Float64() * 400
			r.Results = []store.Result{
				{Criterion: store.ResultOverall, Low: low, High: low + 50},
				{Criterion: "fluency", Low: 3, High: 4},
			}
		}
		err = db.SaveReport(ctx, r)
	case 6:
		err = db.FailAttempt(ctx, id, "It crashed.")
	case 7:
		_, err = db.SeatPartner(ctx, id, pick(m.r, m.tutors).ID, true)
	case 8:
		_, err = db.RetryAnalysis(ctx, id, func(store.Attempt) store.Act {
			return store.Act{Action: store.ActRetry, Outcome: store.OutcomeDone}
		})
	case 9:
		_, err = db.FoldPractice(ctx)
	}
	if err != nil && !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrNotFound) &&
		!errors.Is(err, store.ErrConflict) {
		m.t.Error(err)
	}
}

func TestProgressOfAScenario(t *testing.T) {
	u, other := newUser(t, store.RoleCandidate), newUser(t, store.RoleCandidate)
	a := newAttempt(t, u)
	slug := "nursing-insulin-at-home"
	read := func(u store.User, scenario string) store.Progress {
		t.Helper()
		p, err := db.Progress(t.Context(), u.ID, scenario)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := read(u, slug); p.Attempts != 0 || p.LastAt != nil || p.Scenario.Slug != slug {
		t.Errorf("before the play: %+v", p)
	}
	start := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, start); err != nil {
		t.Fatal(err)
	}
	if p := read(u, slug); p.Attempts != 1 || p.Practice != 0 {
		t.Errorf("in the play: %+v", p)
	}
	if _, err := db.FinishAttempt(t.Context(), a.ID, 0, start.Add(5*time.Minute)); err != nil {
		t.Fatal(err)
	}
	report := store.Report{AttemptID: a.ID, CreatedAt: start, StartedAt: start}
	report.Results = []store.Result{{Criterion: store.ResultOverall, Low: 300, High: 340}}
	expect(t, db.SaveReport(t.Context(), report), nil)
	p := read(u, read(u, slug).Scenario.ID)
	if p.Attempts != 1 || p.Reported != 1 || p.Practice != 5*time.Minute ||
		p.LastAt == nil || !p.LastAt.Equal(start) || p.Best == nil || p.Latest == nil ||
		p.Best.Low != 300 || p.Latest.AttemptID != a.ID {
		t.Errorf("after the report: %+v", p)
	}
	// A second report without scores takes them away.
	report.Results = nil
	expect(t, db.SaveReport(t.Context(), report), nil)
	if p := read(u, slug); p.Best != nil || p.Latest != nil || p.Attempts != 1 {
		t.Errorf("after a report without scores: %+v", p)
	}
	if p := read(other, slug); p.Attempts != 0 {
		t.Errorf("another user has %+v", p)
	}
	_, err := db.Progress(t.Context(), u.ID, "nothing-like-this")
	expect(t, err, store.ErrNotFound)
}

// TestUnjoinedAttemptsAreCounted after the sweep has removed them.
func TestUnjoinedAttemptsAreCounted(t *testing.T) {
	s, err := db.PublishedScenario(t.Context(), "pharmacy-blood-thinner")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC)
	u := newUser(t, store.RoleCandidate)
	for range 2 {
		a, err := db.CreateAttempt(t.Context(), store.NewAttempt{
			CandidateID: u.ID, ScenarioID: s.ID, Consent: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := execSQL(t, db.Cluster.URL(), `UPDATE attempts SET created_at = $2
			WHERE id = $1`, a.ID, day.Add(5*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	count := func() store.Steps {
		t.Helper()
		list, err := db.PracticeByDay(t.Context(), store.PracticeFilter{From: day, To: day})
		if err != nil || len(list) != 1 || !list[0].Day.Equal(day) {
			t.Fatal(list, err)
		}
		return list[0].Steps
	}
	if n := count(); n.Created != 2 || n.Waiting != 2 || n.Unjoined != 0 {
		t.Errorf("before the sweep: %+v", n)
	}
	if _, err := db.SweepAttempts(t.Context(), day.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	n := count()
	if created, _, _, _, _ := n.Funnel(); created != 2 || n.Created != 0 || n.Unjoined != 2 {
		t.Errorf("after the sweep: %+v", n)
	}
	if joining, _, _, _ := n.DropOuts(); joining != 2 {
		t.Errorf("%d left before joining, want 2", joining)
	}
	checkProgress(t, "after the sweep")
}

// TestPracticeRowsInPages reads them one by one.
func TestPracticeRowsInPages(t *testing.T) {
	u, tutor := newUser(t, store.RoleCandidate), newUser(t, store.RoleTutor)
	scenarios, err := db.PlayableScenarios(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2002, 2, 3, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		for _, s := range scenarios[:2] {
			a, err := db.CreateAttempt(t.Context(), store.NewAttempt{
				CandidateID: u.ID, ScenarioID: s.ID, Consent: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.SeatPartner(t.Context(), a.ID, tutor.ID, true); err != nil {
				t.Fatal(err)
			}
			if err := execSQL(t, db.Cluster.URL(), `UPDATE attempts SET created_at = $2
				WHERE id = $1`, a.ID, from.AddDate(0, 0, i)); err != nil {
				t.Fatal(err)
			}
		}
		if i == 1 { // one day is folded, one is both, one is not
			if _, err := db.FoldPractice(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	filter := store.PracticeFilter{From: from, To: from.AddDate(0, 0, 2), TutorID: tutor.ID}
	var last store.DayPractice
	seen := map[string]bool{}
	for {
		page, err := db.PracticeRows(t.Context(), filter, last, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		last = page[0]
		seen[last.Day.String()+last.Scenario.ID] = true
		if last.Steps.Created != 1 {
			t.Errorf("%+v", last)
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d rows, want 6", len(seen))
	}
}

func TestMarks(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	slug, yes, no, notes := "nursing-insulin-at-home", true, false, "Ask about his brother first."
	change := func(c store.MarksChange) store.Marks {
		t.Helper()
		p, err := db.ChangeMarks(t.Context(), u.ID, slug, c)
		if err != nil {
			t.Fatal(err)
		}
		return p.Marks
	}
	m := change(store.MarksChange{Bookmarked: &yes, CardRead: &yes, Notes: &notes})
	if m.BookmarkedAt == nil || m.CardReadAt == nil || m.Notes != notes {
		t.Errorf("%+v", m)
	}
	again := change(store.MarksChange{CardRead: &yes, Bookmarked: &no})
	if again.BookmarkedAt != nil || again.Notes != notes ||
		!again.CardReadAt.Equal(*m.CardReadAt) {
		t.Errorf("then %+v", again)
	}
	o, err := db.Overview(t.Context(), u.ID)
	if err != nil || len(o.Progress) != 1 || o.Progress[0].Marks.Notes != notes ||
		o.Progress[0].Attempts != 0 {
		t.Errorf("overview %+v, %v", o, err)
	}
	long := strings.Repeat("é", store.MaxNotes)
	change(store.MarksChange{Notes: &long})
	_, err = db.ChangeMarks(t.Context(), u.ID, "nothing-like-this", store.MarksChange{})
	expect(t, err, store.ErrNotFound)
}

// TestResultsOfAnOverview are by criterion and oldest first.
func TestResultsOfAnOverview(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	start := time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second)
	for i := range 3 {
		a := newAttempt(t, u)
		at := start.Add(time.Duration(i) * time.Hour)
		expect(t, db.SaveReport(t.Context(), store.Report{
			AttemptID: a.ID, CreatedAt: at, StartedAt: at, Results: []store.Result{
				{Criterion: "giving", Low: float64(i), High: float64(i)},
				{Criterion: "fluency", Low: float64(i), High: float64(i)},
			},
		}), nil)
	}
	o, err := db.Overview(t.Context(), u.ID)
	if err != nil || len(o.Plays) != 3 || !o.Plays[0].StartedAt.Equal(start.Add(2*time.Hour)) {
		t.Fatalf("plays %+v, %v", o.Plays, err)
	}
	var got []string
	for _, r := range o.Results {
		got = append(got, r.Criterion+string(rune('0'+int(r.Low))))
	}
	if !slices.Equal(got, []string{"fluency0", "fluency1", "fluency2", "giving0", "giving1",
		"giving2"}) {
		t.Errorf("results %q", got)
	}
}
