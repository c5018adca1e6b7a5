package attempts_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"bedside/api/apitest"
	"bedside/store"
)

func TestUnconfirmedAccountsCanDoLess(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	create := func() apitest.Response {
		return p.Do(t, "POST", "/api/attempts", map[string]any{
			"scenario": apitest.ScenarioSlug, "consent": true,
		})
	}
	p.Do(t, "POST", "/api/users/profile/export", nil).Problem(t, 403, "address-unconfirmed")
	var first struct{ ID string }
	create().Expect(t, 201).Decode(t, &first)
	ticket := "/api/attempts/" + first.ID + "/ticket"
	p.Do(t, "POST", ticket, nil).Expect(t, 201)

	// One at a time.
	s.Exec(t, `UPDATE attempts SET state = 'preparing' WHERE id = $1`, first.ID)
	create().Problem(t, 403, "address-unconfirmed")
	p.Do(t, "POST", ticket, nil).Expect(t, 201) // this one can be joined again
	s.Exec(t, `UPDATE attempts SET state = 'abandoned' WHERE id = $1`, first.ID)

	// Five a day, exactly, at once as well.
	var made atomic.Int32
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if create().StatusCode == 201 {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 4 {
		t.Errorf("%d more role plays, want 4", n)
	}
	create().Problem(t, 403, "address-unconfirmed")

	p.Confirm(t)
	create().Expect(t, 201)
	p.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202)

	other := s.NewUser(t, store.RoleCandidate)
	for range 7 {
		other.NewAttempt(t)
	}
}
