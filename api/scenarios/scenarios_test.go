package scenarios_test

import (
	"bytes"
	"testing"

	"bedside/api/apitest"
	"bedside/api/httpx"
	"bedside/store"
)

func TestOnlyTutorsReadTheInterlocutorCard(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	var list struct{ Items []httpx.ScenarioSummary }
	candidate.Do(t, "GET", "/api/scenarios", nil).Expect(t, 200).Decode(t, &list)
	if len(list.Items) < 3 {
		t.Fatalf("%d scenarios", len(list.Items))
	}
	var one httpx.Scenario
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
