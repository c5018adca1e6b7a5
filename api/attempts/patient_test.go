package attempts_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/api/scenarios"
	"bedside/store"
)

func TestPatientAndModeOfAnAttempt(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for _, c := range []struct {
		body    map[string]any
		patient store.PatientKind
		mode    store.Mode
	}{
		{map[string]any{}, store.PatientTutor, store.ModePractice},
		{map[string]any{"patient": "friend"}, store.PatientFriend, store.ModePractice},
		{
			map[string]any{"patient": "automatic", "mode": "exam"}, store.PatientAutomatic,
			store.ModeExam,
		},
	} {
		c.body["scenario"], c.body["consent"] = apitest.ScenarioSlug, true
		var a attempts.AttemptDetail
		p.Do(t, "POST", "/api/attempts", c.body).Expect(t, 201).Decode(t, &a)
		if a.Patient != c.patient || a.Mode != c.mode {
			t.Errorf("%v: created with %s, %s", c.body, a.Patient, a.Mode)
		}
		p.Do(t, "GET", "/api/attempts/"+a.ID, nil).Expect(t, 200).Decode(t, &a)
		if a.Patient != c.patient || a.Mode != c.mode {
			t.Errorf("%v: read with %s, %s", c.body, a.Patient, a.Mode)
		}
	}
	for _, wrong := range []string{"patient", "mode"} {
		p.Do(t, "POST", "/api/attempts", map[string]any{
			"scenario": apitest.ScenarioSlug, "consent": true, wrong: "nurse",
		}).Problem(t, 422, "invalid")
	}
	exam := p.NewExam(t)
	var a attempts.AttemptDetail
	p.Do(t, "POST", "/api/exams/"+exam+"/attempts", nil).Expect(t, 201).Decode(t, &a)
	p.Do(t, "GET", "/api/attempts/"+a.ID, nil).Expect(t, 200).Decode(t, &a)
	if a.Mode != store.ModeExam {
		t.Errorf("the role play of a mock exam is in %s mode", a.Mode)
	}
}

func TestAutomaticPatientNeedsADialogue(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, p := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleCandidate)
	var d scenarios.ScenarioDetail
	var doc map[string]any
	tutor.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil).Expect(t, 200).Decode(t, &d)
	if err := json.Unmarshal(d.Document, &doc); err != nil {
		t.Fatal(err)
	}
	if !d.HasDialogue || doc["dialogue"] == nil {
		t.Errorf("%s has no dialogue", d.Slug)
	}
	doc["slug"], doc["title"] = "test-"+strings.ToLower(rand.Text()), "Mute "+rand.Text()
	delete(doc, "dialogue")
	tutor.Do(t, "POST", "/api/scenarios", doc).Expect(t, 201).Decode(t, &d)
	tutor.Do(t, "POST", "/api/scenarios/"+d.ID+"/publish", nil).Expect(t, 200)
	body := map[string]any{"scenario": d.Slug, "consent": true, "patient": "automatic"}
	p.Do(t, "POST", "/api/attempts", body).Problem(t, 422, "invalid")
	body["patient"] = "tutor"
	p.Do(t, "POST", "/api/attempts", body).Expect(t, 201)

	has := map[string]bool{}
	for _, title := range []string{d.Title, "Starting insulin at home"} {
		var page scenarios.ScenarioList
		p.Do(t, "GET", "/api/scenarios?q="+strings.ReplaceAll(title, " ", "+"), nil).
			Expect(t, 200).Decode(t, &page)
		for _, one := range page.Items {
			has[one.Slug] = one.HasDialogue
		}
	}
	if mute, ok := has[d.Slug]; !ok || mute || !has[apitest.ScenarioSlug] {
		t.Errorf("lists say: %v", has)
	}
}
