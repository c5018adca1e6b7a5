package exams_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/api/exams"
	"bedside/store"
	"bedside/store/postgres"
)

// world is a server with a candidate whose mock exam has begun.
type world struct {
	*apitest.Server
	t         *testing.T
	candidate *apitest.Client
	exam      string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: apitest.NewServer(t), t: t}
	w.candidate = w.NewUser(t, store.RoleCandidate)
	w.exam = w.candidate.NewExam(t)
	return w
}

// read returns the exam as a user sees it, and its JSON.
func (w *world) read(by *apitest.Client) (e exams.Exam, text string) {
	w.t.Helper()
	r := by.Do(w.t, "GET", "/api/exams/"+w.exam, nil).Expect(w.t, 200)
	r.Decode(w.t, &e)
	return e, string(r.Data)
}

func (w *world) expect(want store.ExamState) exams.Exam {
	w.t.Helper()
	e, _ := w.read(w.candidate)
	if e.State != want {
		w.t.Errorf("the exam is %s; want %s", e.State, want)
	}
	return e
}

func (w *world) begin() exams.ExamAttempt {
	w.t.Helper()
	var a exams.ExamAttempt
	w.candidate.Do(w.t, "POST", "/api/exams/"+w.exam+"/attempts", nil).Expect(w.t, 201).
		Decode(w.t, &a)
	return a
}

// play plays an attempt from its preparation to its end.
func (w *world) play(id string) {
	w.t.Helper()
	now := time.Now()
	for _, do := range []func() (store.Attempt, error){
		func() (store.Attempt, error) { return w.DB.PrepareAttempt(w.t.Context(), id, 0, now) },
		func() (store.Attempt, error) { return w.DB.StartAttempt(w.t.Context(), id, 0, now) },
		func() (store.Attempt, error) { return w.DB.FinishAttempt(w.t.Context(), id, 0, now) },
	} {
		if _, err := do(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) report(id string, playS, phonationS float64, syllables int) {
	w.t.Helper()
	m := store.Measures{
		SpeechDurationS: 2 * phonationS, PhonationTimeS: phonationS, SyllableCount: syllables,
	}
	if err := w.DB.SaveReport(w.t.Context(), store.Report{
		AttemptID: id, CreatedAt: time.Now(), StartedAt: time.Now(), PlayS: playS,
		Speakers: []store.SpeakerReport{{
			Speaker: store.SpeakerCandidate, Analysis: store.Analysis{Measures: m},
			Interruptions: []store.Interruption{{FromS: 1, ToS: 2, Cause: store.CauseMuted}},
		}},
	}); err != nil {
		w.t.Fatal(err)
	}
}

func TestExamFromWarmUpToResult(t *testing.T) {
	w := newWorld(t)
	tutor := w.NewUser(t, store.RoleTutor)
	e := w.expect(store.ExamWarmUp)
	if e.Next == nil || e.Next.Position != 1 || e.WaitsUntil == nil || len(e.RolePlays) != 2 ||
		e.RolePlays[0].PlaySeconds == 0 {
		t.Errorf("a new exam: %+v", e)
	}
	first := w.begin()
	w.expect(store.ExamFirst)
	w.candidate.Do(t, "POST", "/api/exams/"+w.exam+"/attempts", nil).Problem(t, 409, "exam-over")
	w.candidate.Do(t, "POST", "/api/attempts/"+first.ID+"/ticket", nil).Expect(t, 201)
	tutor.Do(t, "POST", "/api/attempts/"+first.ID+"/ticket", nil).Expect(t, 201)
	w.play(first.ID)
	if e := w.expect(store.ExamBetween); e.Next == nil || e.Next.Position != 2 {
		t.Errorf("between: %+v", e.Next)
	}
	// The partner of the first role play learns of the second here.
	second := w.begin()
	seen, _ := w.read(tutor)
	if a := seen.RolePlays[1].Attempt; a == nil || a.ID != second.ID {
		t.Errorf("the partner sees %+v", seen.RolePlays[1])
	}
	w.play(second.ID)
	w.expect(store.ExamAnalysing)
	w.report(first.ID, 290, 40, 160)
	if e := w.expect(store.ExamAnalysing); e.Result != nil {
		t.Error("there is a result before the second report")
	}
	w.report(second.ID, 300, 80, 240)
	e = w.expect(store.ExamReported)
	r := e.Result
	if r == nil || len(r.Parts) != 2 || r.Parts[0].AttemptID != first.ID || r.PlayS != 590 ||
		r.BreakS == nil || len(r.Parts[1].Interruptions) != 1 {
		t.Fatalf("the result: %+v", r)
	}
	if got := *r.Pooled.ArticulationRateSyllPerS; math.Abs(got-400.0/120) > 1e-9 {
		t.Errorf("the pooled articulation rate is %v", got)
	}
	var a attempts.AttemptDetail
	w.candidate.Do(t, "GET", "/api/attempts/"+second.ID, nil).Expect(t, 200).Decode(t, &a)
	if a.ExamID != w.exam || a.ExamPosition != 2 || a.Sealed {
		t.Errorf("the second attempt: %+v", a.Attempt)
	}
	var page exams.ExamPage
	w.candidate.Do(t, "GET", "/api/exams", nil).Expect(t, 200).Decode(t, &page)
	if len(page.Items) != 1 || page.Items[0].State != store.ExamReported {
		t.Errorf("the list: %+v", page)
	}
}

// TestScenarioOfAnExamIsSealed reads, as the candidate, everything that could tell the scenario
// before its preparation begins.
func TestScenarioOfAnExamIsSealed(t *testing.T) {
	w := newWorld(t)
	tutor := w.NewUser(t, store.RoleTutor)
	first := w.begin()
	tells := func(by *apitest.Client, path string) bool {
		t.Helper()
		text := string(by.Do(t, "GET", path, nil).Expect(t, 200).Data)
		return strings.Contains(text, `"dentistry-`)
	}
	paths := []string{"/api/attempts/" + first.ID, "/api/attempts", "/api/exams/" + w.exam,
		"/api/exams"}
	for _, path := range paths {
		if tells(w.candidate, path) {
			t.Errorf("%s tells the scenario before the preparation", path)
		}
	}
	w.tellsNothing(first)
	if !tells(tutor, paths[0]) {
		t.Error("a tutor does not see the cards")
	}
	var sealed struct {
		Sealed   bool
		Scenario map[string]json.RawMessage
	}
	w.candidate.Do(t, "GET", paths[0], nil).Expect(t, 200).Decode(t, &sealed)
	if !sealed.Sealed || string(sealed.Scenario["play_seconds"]) == "0" {
		t.Errorf("the sealed attempt: %v, %s", sealed.Sealed, sealed.Scenario)
	}
	if _, err := w.DB.PrepareAttempt(t.Context(), first.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !tells(w.candidate, path) {
			t.Errorf("%s does not tell the scenario in the preparation", path)
		}
	}
}

// tellsNothing checks that a scenario that is sealed cannot be guessed: a filter by it does not
// find the attempt, and the archive of the candidate does not name it.
func (w *world) tellsNothing(sealed exams.ExamAttempt) {
	w.t.Helper()
	a, err := w.DB.FindAttempt(w.t.Context(), sealed.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	v, _, err := w.DB.AttemptView(w.t.Context(), sealed.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var page attempts.AttemptPage
	w.candidate.Do(w.t, "GET", "/api/attempts?scenario="+v.ScenarioSlug, nil).Expect(w.t, 200).
		Decode(w.t, &page)
	if len(page.Items) != 0 {
		w.t.Error("a filter by the scenario finds the sealed attempt")
	}
	for _, p := range postgres.PersonalTables() {
		rows, err := w.DB.PersonalRows(w.t.Context(), p, w.candidate.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.Contains(strings.Join(rows, ""), a.ScenarioID) {
			w.t.Errorf("the archive names the sealed scenario in %s", p.Table)
		}
	}
}

func TestOneExamIsUnderWay(t *testing.T) {
	w := newWorld(t)
	again := func() apitest.Response {
		return w.candidate.Do(t, "POST", "/api/exams", map[string]any{
			"profession": apitest.ExamProfession, "consent": true,
		})
	}
	again().Problem(t, 409, "exam-under-way")
	a := w.begin()
	w.candidate.Do(t, "POST", "/api/exams/"+w.exam+"/end", nil).Expect(t, 200)
	w.expect(store.ExamAbandoned)
	w.candidate.Do(t, "GET", "/api/attempts/"+a.ID, nil).Expect(t, 404) // nobody had joined
	again().Expect(t, 201)
}

// TestExpiredExamIsOver reads an exam that has waited for too long, before any job has ended it.
func TestExpiredExamIsOver(t *testing.T) {
	w := newWorld(t)
	w.Exec(t, `UPDATE exams SET changed_at = changed_at - interval '31 minutes' WHERE id = $1`,
		w.exam)
	e := w.expect(store.ExamAbandoned)
	if e.Next != nil || e.WaitsUntil != nil || e.EndedAt == nil ||
		!e.EndedAt.Before(time.Now().Add(-30*time.Second)) {
		t.Errorf("the expired exam: %+v", e)
	}
	var page exams.ExamPage
	w.candidate.Do(t, "GET", "/api/exams", nil).Expect(t, 200).Decode(t, &page)
	if len(page.Items) != 1 || page.Items[0].State != store.ExamAbandoned {
		t.Errorf("the list: %+v", page.Items)
	}
}

func TestNewExamIsChecked(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	create := func(body map[string]any) apitest.Response {
		return p.Do(t, "POST", "/api/exams", body)
	}
	create(map[string]any{"profession": "dentistry", "consent": false}).Problem(t, 422, "invalid")
	create(map[string]any{"profession": "astrology", "consent": true}).Problem(t, 422, "invalid")
	s.Exec(t, `UPDATE users SET profession = '' WHERE id = $1`, p.ID)
	create(map[string]any{"consent": true}).Problem(t, 422, "invalid")
	s.Exec(t, `UPDATE users SET profession = $2 WHERE id = $1`, p.ID, apitest.ExamProfession)
	var e exams.Exam
	create(map[string]any{"consent": true}).Expect(t, 201).Decode(t, &e)
	if e.Profession != apitest.ExamProfession {
		t.Errorf("by default the profession is %q", e.Profession)
	}
}

func TestExamsOfUnconfirmedAccountsCountAsTwoRolePlays(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	for range 2 {
		exam := p.NewExam(t)
		p.Do(t, "POST", "/api/exams/"+exam+"/end", nil).Expect(t, 200)
	}
	p.Do(t, "POST", "/api/exams", map[string]any{
		"profession": apitest.ExamProfession, "consent": true,
	}).Problem(t, 403, "address-unconfirmed")
}

// TestRefusedExamsCostNothing asks for exams that there cannot be, and then uses the whole day.
func TestRefusedExamsCostNothing(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	exam := p.NewExam(t)
	for range 4 {
		p.Do(t, "POST", "/api/exams", map[string]any{
			"profession": apitest.ExamProfession, "consent": true,
		}).Problem(t, 409, "exam-under-way")
	}
	p.Do(t, "POST", "/api/exams/"+exam+"/end", nil).Expect(t, 200)
	exam = p.NewExam(t)
	p.Do(t, "POST", "/api/exams/"+exam+"/end", nil).Expect(t, 200)
}

func TestExamsAreForTheirPeople(t *testing.T) {
	w := newWorld(t)
	partner, other := w.NewUser(t, store.RoleTutor), w.NewUser(t, store.RoleTutor)
	path := "/api/exams/" + w.exam
	partner.Do(t, "GET", path, nil).Problem(t, 404, "not-found")
	first := w.begin()
	partner.Do(t, "POST", "/api/attempts/"+first.ID+"/ticket", nil).Expect(t, 201)
	partner.Do(t, "GET", path, nil).Expect(t, 200)
	other.Do(t, "GET", path, nil).Problem(t, 404, "not-found")
	var list exams.ExamPage
	partner.Do(t, "GET", "/api/exams", nil).Expect(t, 200).Decode(t, &list)
	if len(list.Items) != 0 {
		t.Errorf("the partner's own exams: %+v", list.Items)
	}
}
