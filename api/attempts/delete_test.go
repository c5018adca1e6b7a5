package attempts_test

import (
	"testing"

	"bedside/api/apitest"
	"bedside/store"
)

func TestDeleteAttempt(t *testing.T) {
	s := apitest.NewServer(t)
	p, partner := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	id := s.NewReport(t, p, partner)
	other := s.NewReport(t, p, partner)
	path := "/api/attempts/" + id
	partner.Do(t, "DELETE", path, nil).Problem(t, 403, "forbidden")
	s.NewUser(t, store.RoleAdmin).Do(t, "DELETE", path, nil).Problem(t, 403, "forbidden")
	s.NewUser(t, store.RoleCandidate).Do(t, "DELETE", path, nil).Problem(t, 404, "not-found")
	p.Do(t, "GET", path+"/report", nil).Expect(t, 200)

	p.Do(t, "DELETE", path, nil).Expect(t, 204)
	for _, gone := range []string{"", "/report", "/audio/candidate"} {
		p.Do(t, "GET", path+gone, nil).Problem(t, 404, "not-found")
	}
	p.Do(t, "DELETE", path, nil).Problem(t, 404, "not-found")
	p.Do(t, "GET", "/api/attempts/"+other+"/report", nil).Expect(t, 200)
	acts, err := s.DB.Acts(t.Context(), store.ActFilter{
		UserID: p.ID, Action: store.ActDeleteAttempt, Limit: 10,
	})
	if err != nil || len(acts) != 1 || acts[0].ActorID != p.ID ||
		acts[0].Object != "attempt "+id {
		t.Errorf("acts %+v, %v", acts, err)
	}
}

func TestLiveAttemptIsNotDeleted(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	id := p.NewAttempt(t)
	p.Do(t, "DELETE", "/api/attempts/"+id, nil).Problem(t, 409, "wrong-state")
	p.Do(t, "GET", "/api/attempts/"+id, nil).Expect(t, 200)
}
