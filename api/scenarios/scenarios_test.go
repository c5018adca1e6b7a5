package scenarios_test

import (
	"bytes"
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/scenarios/view"
	"bedside/store"
)

func TestOnlyTutorsReadTheInterlocutorCard(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	var list struct{ Items []view.ScenarioSummary }
	candidate.Do(t, "GET", "/api/scenarios", nil).Expect(t, 200).Decode(t, &list)
	if len(list.Items) < 3 {
		t.Fatalf("%d scenarios", len(list.Items))
	}
	var one view.Scenario
	a := candidate.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil).Expect(t, 200)
	a.Decode(t, &one)
	if one.Patient != nil || len(one.Candidate.Tasks) < 3 ||
		bytes.Contains(a.Data, []byte("brother")) {
		t.Errorf("a candidate got %s", a.Data)
	}
	tutor.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil).Expect(t, 200).Decode(t, &one)
	if one.Patient == nil || len(one.Patient.Lines) == 0 {
		t.Error("a tutor got no interlocutor card")
	}
	candidate.Do(t, "GET", "/api/scenarios/nothing", nil).Problem(t, 404, "not-found")
}

// TestCatalogueIsPublic also checks that guests may keep answers only as long as they are true.
func TestCatalogueIsPublic(t *testing.T) {
	s := apitest.NewServer(t)
	guest := s.NewClient(t)
	for _, path := range []string{"/api/scenarios", "/api/scenarios/" + apitest.ScenarioSlug} {
		a := guest.Do(t, "GET", path, nil).Expect(t, 200)
		tag := a.Header.Get("ETag")
		if a.Header.Get("Cache-Control") != "public, no-cache" || tag == "" ||
			!strings.Contains(strings.Join(a.Header.Values("Vary"), ","), "Authorization") ||
			bytes.Contains(a.Data, []byte(`"tried"`)) {
			t.Errorf("%s: %v\n%s", path, a.Header, a.Data)
		}
		again := guest.Do(t, "GET", path, nil, "If-None-Match", tag).Expect(t, 304)
		if len(again.Data) != 0 || again.Header.Get("ETag") != tag {
			t.Errorf("%s: 304 with %v and %s", path, again.Header, again.Data)
		}
		s.Exec(t, `UPDATE scenarios SET updated_at = now() WHERE slug = $1`, apitest.ScenarioSlug)
		guest.Do(t, "GET", path, nil, "If-None-Match", tag).Expect(t, 200)
		mine := s.NewUser(t, store.RoleCandidate).Do(t, "GET", path, nil).Expect(t, 200)
		if mine.Header.Get("Cache-Control") != "no-store" ||
			!bytes.Contains(mine.Data, []byte(`"tried":0`)) {
			t.Errorf("%s: %v\n%s", path, mine.Header, mine.Data)
		}
	}
	guest.Do(t, "GET", "/api/scenarios?tried=true", nil).Problem(t, 401, "unauthenticated")
	guest.Access = "nonsense"
	guest.Do(t, "GET", "/api/scenarios", nil).Problem(t, 401, "unauthenticated")
}
