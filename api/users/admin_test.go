package users_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/audit"
	"bedside/api/users"
	"bedside/store"
)

func TestAdministration(t *testing.T) {
	s := apitest.NewServer(t)
	admin, p := s.NewUser(t, store.RoleAdmin), s.NewUser(t, store.RoleCandidate)
	mark := strings.ToLower(rand.Text())
	p.Do(t, "PATCH", "/api/users/profile", map[string]any{
		"name": "Zoë 100%_" + mark,
	}).Expect(t, 200)
	list := func(query string) (page users.AccountPage) {
		t.Helper()
		admin.Do(t, "GET", "/api/users?"+query, nil).Expect(t, 200).Decode(t, &page)
		return page
	}
	for query, want := range map[string]int{
		"text=" + mark:                                    1,
		"text=ZO%C3%8B+100%25_" + mark:                    1,
		"text=%25" + mark:                                 0,
		"text=" + mark + "&role=tutor":                    0,
		"text=" + mark + "&disabled=true":                 0,
		"text=" + mark + "&disabled=false&role=candidate": 1,
		"text=" + strings.ToLower(p.Email):                1,
	} {
		if page := list(query); len(page.Items) != want {
			t.Errorf("%s: %d accounts", query, len(page.Items))
		}
	}
	first := list("limit=1")
	if second := list("limit=1&before=" + first.Next); first.Next == "" ||
		second.Items[0].ID >= first.Items[0].ID {
		t.Errorf("pages %+v, %+v", first, second)
	}
	for _, bad := range []string{"limit=0", "before=x", "role=king", "disabled=maybe"} {
		admin.Do(t, "GET", "/api/users?"+bad, nil).Problem(t, 422, "invalid")
	}
	path := "/api/users/" + p.ID
	var a users.Account
	admin.Do(t, "PATCH", path, map[string]any{"role": "tutor"}).Expect(t, 200).Decode(t, &a)
	if a.Role != store.RoleTutor {
		t.Errorf("account %+v", a)
	}
	p.Do(t, "GET", "/api/rooms", nil).Expect(t, 200) // the new role takes effect at once
	admin.Do(t, "PATCH", path, map[string]any{"role": "king"}).Problem(t, 422, "invalid")
	admin.Do(t, "PATCH", path, map[string]any{"disabled": true}).Expect(t, 200)
	if a := p.Do(t, "GET", "/api/rooms", nil); a.StatusCode != 401 && a.StatusCode != 403 {
		t.Errorf("a disabled account got %d", a.StatusCode)
	}
	// Once to close rooms with the new role, once to sign out.
	if n := len(s.EndedSessions()); n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	p.Login(t, p.Email, apitest.Password).Problem(t, 403, "account-disabled")
	admin.Do(t, "PATCH", path, map[string]any{
		"disabled": false, "role": "candidate",
	}).Expect(t, 200)
	p.SignIn(t)
	admin.Do(t, "GET", "/api/users/0190d2a0-0000-7000-8000-00000000ffff", nil).
		Problem(t, 404, "not-found")
	admin.Do(t, "GET", "/api/users/x", nil).Problem(t, 404, "not-found")

	var trail, own audit.ActPage
	admin.Do(t, "GET", "/api/audit?user="+p.ID, nil).Expect(t, 200).Decode(t, &trail)
	p.Do(t, "GET", "/api/audit", nil).Expect(t, 200).Decode(t, &own)
	if len(own.Items) != len(trail.Items) {
		t.Errorf("%d entries, and %d for the administrator", len(own.Items), len(trail.Items))
	}
	for i, act := range trail.Items {
		if act.ActorID == admin.ID && (act.IP == "" || own.Items[i].IP != "" || own.Items[i].Own) {
			t.Errorf("entry %+v is shown as %+v", act, own.Items[i])
		}
	}
	p.CheckAuditTrail(t,
		"user.change_role done", "user.disable done", "session.start refused",
		"user.change_role done", "user.enable done", "session.start done")
}
