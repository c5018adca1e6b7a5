package attempts_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"bedside/api/apitest"
	"bedside/api/attempts"
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

	// One at a time, also when the tickets to several are requested at once.
	var list attempts.AttemptPage
	p.Do(t, "GET", "/api/attempts", nil).Expect(t, 200).Decode(t, &list)
	var joined sync.Map
	for i := range 20 {
		id := list.Items[i%len(list.Items)].ID
		all.Go(func() {
			a := p.Do(t, "POST", "/api/attempts/"+id+"/ticket", nil)
			if a.StatusCode == 201 {
				joined.Store(id, true)
			}
		})
	}
	all.Wait()
	var ids []any
	joined.Range(func(id, _ any) bool { ids = append(ids, id); return true })
	if len(ids) != 1 {
		t.Fatalf("tickets to the role plays %v, want one", ids)
	}
	joinable := func(id string) int {
		return p.Do(t, "POST", "/api/attempts/"+id+"/ticket", nil).StatusCode
	}
	other := list.Items[0].ID
	if other == ids[0] {
		other = list.Items[1].ID
	}
	if got := joinable(ids[0].(string)); got != 201 {
		t.Errorf("a second ticket to the same role play: %d", got)
	}
	s.Exec(t, `UPDATE attempts SET state = 'abandoned' WHERE id = $1`, ids[0])
	if got := joinable(other); got != 201 {
		t.Errorf("a ticket to the next role play: %d", got)
	}

	p.Confirm(t)
	create().Expect(t, 201)
	p.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202)

	confirmed := s.NewUser(t, store.RoleCandidate)
	for range 7 {
		confirmed.NewAttempt(t)
	}
}
