package scenarios_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/api/scenarios"
	"bedside/store"
)

// newDraft creates a draft with a text that nothing else has, and returns it.
func newDraft(t *testing.T, tutor *apitest.Client) (d scenarios.ScenarioDetail,
	doc map[string]any) {
	t.Helper()
	doc = document(t, tutor, apitest.ScenarioSlug)
	doc["slug"] = "test-" + strings.ToLower(rand.Text())
	doc["title"] = "Draft " + rand.Text()
	doc["strong"] = []string{"A strong candidate asks before explaining."}
	tutor.Do(t, "POST", "/api/scenarios", doc).Expect(t, 201).Decode(t, &d)
	return d, doc
}

// document returns the document of a scenario.
func document(t *testing.T, tutor *apitest.Client, ref string) (doc map[string]any) {
	t.Helper()
	var d scenarios.ScenarioDetail
	tutor.Do(t, "GET", "/api/scenarios/"+ref, nil).Expect(t, 200).Decode(t, &d)
	if err := json.Unmarshal(d.Document, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDraftsAreNowhereVisible(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, candidate, guest := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleCandidate),
		s.NewClient(t)
	d, doc := newDraft(t, tutor)
	title := doc["title"].(string)
	secret := func(what string) {
		t.Helper()
		word := strings.Fields(title)[1]
		for name, c := range map[string]*apitest.Client{"candidate": candidate, "guest": guest} {
			for _, path := range []string{
				"/api/scenarios?limit=100", "/api/scenarios?q=" + word,
				"/api/scenarios?sort=newest", "/api/scenarios/" + apitest.ScenarioSlug,
			} {
				if a := c.Do(t, "GET", path, nil).Expect(t, 200); bytes.Contains(a.Data,
					[]byte(title)) {
					t.Errorf("%s: a %s sees it in %s", what, name, path)
				}
			}
			for _, ref := range []string{d.ID, d.Slug} {
				a := c.Do(t, "GET", "/api/scenarios/"+ref, nil)
				if bytes.Contains(a.Data, []byte(title)) {
					t.Errorf("%s: a %s reads it", what, name)
				}
			}
		}
	}
	secret("a draft")
	guest.Do(t, "GET", "/api/scenarios/"+d.ID, nil).Problem(t, 404, "not-found")
	candidate.Do(t, "POST", "/api/attempts", map[string]any{
		"scenario": d.Slug, "consent": true,
	}).Problem(t, 404, "not-found")
	tutor.Do(t, "POST", "/api/scenarios/"+d.ID+"/publish", nil).Expect(t, 200)
	guest.Do(t, "GET", "/api/scenarios/"+d.Slug, nil).Expect(t, 200)
	title = "Newer " + rand.Text()
	doc["title"] = title
	tutor.Do(t, "PUT", "/api/scenarios/"+d.ID, doc, "If-Match", `"v1"`).Expect(t, 200)
	secret("a newer draft of a published scenario")
	tutor.Do(t, "POST", "/api/scenarios/"+d.ID+"/publish", nil).Expect(t, 200)
	tutor.Do(t, "POST", "/api/scenarios/"+d.ID+"/archive", nil).Expect(t, 200)
	secret("an archived scenario")
	guest.Do(t, "GET", "/api/scenarios/"+d.ID, nil).Problem(t, 404, "scenario-archived")
	candidate.Do(t, "POST", "/api/attempts", map[string]any{
		"scenario": d.Slug, "consent": true,
	}).Problem(t, 409, "scenario-archived")
}

func TestOfTwoWritersOneIsRefused(t *testing.T) {
	s := apitest.NewServer(t)
	tutor := s.NewUser(t, store.RoleTutor)
	d, doc := newDraft(t, tutor)
	path := "/api/scenarios/" + d.ID
	tutor.Do(t, "PUT", path, doc).Problem(t, 428, "precondition-required")
	tutor.Do(t, "PUT", path, doc, "If-Match", `"v2"`).Problem(t, 412, "changed-meanwhile")
	writers := []*apitest.Client{tutor, s.NewUser(t, store.RoleAdmin)}
	statuses := make([]int, len(writers))
	var all sync.WaitGroup
	for i, w := range writers {
		all.Go(func() {
			statuses[i] = w.Do(t, "PUT", path, doc, "If-Match", `"v1"`).StatusCode
		})
	}
	all.Wait()
	if statuses[0]+statuses[1] != http.StatusOK+http.StatusPreconditionFailed {
		t.Errorf("statuses %v", statuses)
	}
	if got := tutor.Do(t, "GET", path, nil).Header.Get("ETag"); got != `"v2"` {
		t.Errorf("ETag %s", got)
	}
	var versions scenarios.VersionList
	tutor.Do(t, "GET", path+"/versions", nil).Expect(t, 200).Decode(t, &versions)
	if len(versions.Items) != 2 || versions.Items[1].Author.ID != tutor.ID {
		t.Errorf("versions %+v", versions)
	}
}

func TestReportShowsTheVersionThatWasPlayed(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, candidate := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleCandidate)
	d, doc := newDraft(t, tutor)
	path := "/api/scenarios/" + d.ID
	tutor.Do(t, "POST", path+"/publish", nil).Expect(t, 200)
	var detail scenarios.ScenarioDetail
	candidate.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &detail)
	if detail.Strong != nil || detail.Model != nil || detail.Document != nil {
		t.Error("a candidate gets the model performance before the first report")
	}
	id := s.NewReportOf(t, candidate, tutor, d.Slug)
	title := doc["title"]
	for _, change := range []string{"one", "two", "three"} {
		doc["title"] = change
		a := tutor.Do(t, "PUT", path, doc, "If-Match", "*").Expect(t, 200)
		tutor.Do(t, "POST", path+"/publish", nil, "If-Match", a.Header.Get("ETag")).Expect(t, 200)
	}
	var attempt attempts.AttemptDetail
	candidate.Do(t, "GET", "/api/attempts/"+id, nil).Expect(t, 200).Decode(t, &attempt)
	if attempt.Scenario.Title != title || attempt.ScenarioTitle != title ||
		attempt.Scenario.Version != 1 {
		t.Errorf("the attempt shows %q, %q, version %d; %q was played", attempt.Scenario.Title,
			attempt.ScenarioTitle, attempt.Scenario.Version, title)
	}
	candidate.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &detail)
	if detail.Title != "three" || len(detail.Strong) == 0 || detail.Patient != nil ||
		*detail.Tried != 1 {
		t.Errorf("after the report: %+v", detail)
	}
}

func TestLibrary(t *testing.T) {
	s := apitest.NewServer(t)
	tutor := s.NewUser(t, store.RoleTutor)
	d, doc := newDraft(t, tutor)
	path := "/api/scenarios/" + d.ID
	tutor.Do(t, "POST", "/api/scenarios", doc).Problem(t, 409, "slug-taken")
	doc["colour"] = "blue"
	p := tutor.Do(t, "POST", "/api/scenarios", doc).Problem(t, 422, "invalid")
	if len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Location, "colour") {
		t.Errorf("errors %+v", p.Errors)
	}
	delete(doc, "colour")
	doc["slug"] = "schema"
	tutor.Do(t, "POST", "/api/scenarios", doc).Problem(t, 422, "invalid")
	tutor.Do(t, "POST", path+"/archive", nil).Problem(t, 409, "wrong-state")

	var copied scenarios.ScenarioDetail
	for _, want := range []string{"-copy", "-copy-2"} {
		tutor.Do(t, "POST", path+"/duplicate", nil).Expect(t, 201).Decode(t, &copied)
		if copied.Slug != d.Slug+want || copied.Library.State != store.ScenarioDraft {
			t.Errorf("the copy is %+v", copied.ScenarioSummary)
		}
	}
	text := string(tutor.Do(t, "GET", path+"/export", nil).Expect(t, 200).Data)
	yaml := []string{"Content-Type", "application/yaml"}
	tutor.Do(t, "POST", "/api/scenarios/import", text, yaml...).Problem(t, 409, "slug-taken")
	other := strings.ReplaceAll(text, d.Slug, d.Slug+"-too")
	var imported scenarios.ImportResult
	tutor.Do(t, "POST", "/api/scenarios/import?update=true", text+"---\n"+other, yaml...).
		Expect(t, 200).Decode(t, &imported)
	if len(imported.Items) != 2 || imported.Items[0].Version != 2 ||
		imported.Items[1].Version != 1 {
		t.Errorf("imported %+v", imported)
	}
	p = tutor.Do(t, "POST", "/api/scenarios/import", "slug: x\ntitle: [", yaml...).
		Problem(t, 422, "invalid")
	if len(p.Errors) == 0 || !strings.Contains(p.Errors[0].Message, "line ") {
		t.Errorf("errors %+v", p.Errors)
	}
	tutor.Do(t, "DELETE", path, nil).Expect(t, 204)
	tutor.Do(t, "GET", path, nil).Problem(t, 404, "not-found")
	tutor.Do(t, "DELETE", "/api/scenarios/"+apitest.ScenarioSlug, nil).
		Problem(t, 409, "wrong-state")
	for _, action := range []store.Action{
		store.ActCreateScenario, store.ActUpdateScenario, store.ActDeleteScenario,
	} {
		a := tutor.Do(t, "GET", "/api/audit?action="+string(action), nil).Expect(t, 200)
		if !bytes.Contains(a.Data, []byte(d.ID)) {
			t.Errorf("the audit trail has no %s: %s", action, a.Data)
		}
	}
}

func TestCopyKeepsBuiltInPicture(t *testing.T) {
	s := apitest.NewServer(t)
	var copied scenarios.ScenarioDetail
	s.NewUser(t, store.RoleTutor).Do(t, "POST",
		"/api/scenarios/"+apitest.ScenarioSlug+"/duplicate", nil).Expect(t, 201).
		Decode(t, &copied)
	p := copied.Picture
	if p == nil || p.ID != store.BuiltInPicture(apitest.ScenarioSlug) || p.Alt == "" {
		t.Fatalf("the copy has the picture %+v", p)
	}
	s.NewClient(t).Do(t, "GET", p.URL, nil).Expect(t, 200)
}
