package attempts_test

import (
	"slices"
	"testing"

	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/store"
)

func TestAttemptsAreFiltered(t *testing.T) {
	s := apitest.NewServer(t)
	p, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	reported, created := s.NewReport(t, p, tutor), p.NewAttempt(t)
	for query, want := range map[string][]string{
		"":                                  {created, reported},
		"?state=reported":                   {reported},
		"?state=created&limit=1":            {created},
		"?scenario=" + apitest.ScenarioSlug: {created, reported},
		"?scenario=" + apitest.ScenarioSlug + "&state=failed": {},
		"?scenario=unknown": {},
	} {
		var page attempts.AttemptPage
		p.Do(t, "GET", "/api/attempts"+query, nil).Expect(t, 200).Decode(t, &page)
		got := []string{}
		for _, a := range page.Items {
			got = append(got, a.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
	var page attempts.AttemptPage
	tutor.Do(t, "GET", "/api/attempts?state=reported", nil).Expect(t, 200).Decode(t, &page)
	if len(page.Items) != 1 || page.Items[0].ID != reported {
		t.Errorf("the partner's list is %+v", page.Items)
	}
	p.Do(t, "GET", "/api/attempts?state=x", nil).Expect(t, 422)
}
