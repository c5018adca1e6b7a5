package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/exams"
	"bedside/api/media"
	"bedside/store"
)

// TestPermissions requests every operation as each kind of user, and compares the status.
func TestPermissions(t *testing.T) {
	s := apitest.NewServer(t)
	owner, stranger := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	partner, tutor := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleTutor)
	admin := s.NewUser(t, store.RoleAdmin)
	done := s.NewReport(t, owner, partner)
	waiting := owner.NewAttempt(t)
	exam := owner.NewExam(t)
	var first exams.ExamAttempt
	owner.Do(t, "POST", "/api/exams/"+exam+"/attempts", nil).Expect(t, 201).Decode(t, &first)
	partner.Do(t, "POST", "/api/attempts/"+first.ID+"/ticket", nil).Expect(t, 201)
	const nobody = "0190d2a0-0000-7000-8000-00000000ffff"
	everybody := []*apitest.Client{owner, stranger, partner, tutor, admin, s.NewClient(t)}

	var portrait, picture media.Media
	for kind, m := range map[string]*media.Media{"avatar": &portrait, "scenario": &picture} {
		c := owner
		if kind == "scenario" {
			c = partner
		}
		c.Upload(t, "x.jpg", apitest.Photo(t, 64, 64, 1), "kind", kind).Expect(t, 201).
			Decode(t, m)
	}

	tested := map[string]bool{} // operations that have a row
	for _, row := range []struct {
		method, path string
		body         any
		want         [6]int // owner, stranger, partner, another tutor, admin, nobody
	}{
		{"GET", "/api/attempts/" + waiting, nil, [6]int{200, 404, 200, 200, 200, 401}},
		{
			"POST", "/api/attempts/" + waiting + "/ticket", map[string]any{"role": "candidate"},
			[6]int{201, 404, 403, 403, 403, 401},
		},
		{
			"POST", "/api/attempts/" + waiting + "/ticket", map[string]any{"role": "patient"},
			[6]int{403, 404, 201, 201, 201, 401},
		},
		{
			"POST", "/api/attempts/" + waiting + "/ticket", map[string]any{"role": "observer"},
			[6]int{403, 404, 201, 201, 201, 401},
		},
		{"GET", "/api/attempts/" + waiting + "/report", nil, [6]int{404, 404, 404, 404, 404, 401}},
		{
			"GET", "/api/attempts/" + waiting + "/audio/candidate", nil,
			[6]int{404, 404, 404, 404, 404, 401},
		},
		{
			"POST", "/api/attempts/" + waiting + "/invitation", nil,
			[6]int{201, 404, 403, 403, 403, 401},
		},
		{
			"DELETE", "/api/attempts/" + waiting + "/invitation", nil,
			[6]int{204, 404, 403, 403, 403, 401},
		},
		{"GET", "/api/invitations/none", nil, [6]int{404, 404, 404, 404, 404, 404}},
		{"POST", "/api/invitations/none", nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"GET", "/api/attempts/" + done, nil, [6]int{200, 404, 200, 404, 200, 401}},
		{"POST", "/api/attempts/" + done + "/ticket", nil, [6]int{409, 404, 409, 404, 409, 401}},
		{"GET", "/api/attempts/" + done + "/report", nil, [6]int{200, 404, 200, 404, 200, 401}},
		{
			"GET", "/api/attempts/" + done + "/audio/candidate", nil,
			[6]int{200, 404, 200, 404, 200, 401},
		},
		{
			"POST", "/api/attempts/" + done + "/audio/candidate/url", nil,
			[6]int{200, 404, 200, 404, 200, 401},
		},
		{"POST", "/api/attempts/" + done + "/retry", nil, [6]int{403, 403, 403, 403, 409, 401}},
		{"DELETE", "/api/attempts/" + waiting, nil, [6]int{409, 404, 403, 403, 403, 401}},
		{"GET", "/api/retention", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"GET", "/api/attempts", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"POST", "/api/attempts",
			map[string]any{"scenario": apitest.ScenarioSlug, "consent": true},
			[6]int{201, 201, 201, 201, 201, 401},
		},
		// Another form is not one; api/media tests more.
		{
			"POST", "/api/protected/media/upload", map[string]any{},
			[6]int{415, 415, 415, 415, 415, 401},
		},
		{"GET", "/api/media/" + portrait.ID, nil, [6]int{200, 404, 404, 404, 200, 404}},
		{"GET", "/api/media/" + picture.ID, nil, [6]int{404, 404, 200, 200, 200, 404}},
		{"POST", "/api/media/" + portrait.ID + "/url", nil, [6]int{200, 404, 404, 404, 200, 401}},
		{"POST", "/api/media/" + picture.ID + "/url", nil, [6]int{404, 404, 200, 200, 200, 401}},
		{"GET", "/api/media", nil, [6]int{403, 403, 200, 200, 200, 401}},
		{"DELETE", "/api/media/" + nobody, nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"GET", "/api/exams", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"POST", "/api/exams", map[string]any{"profession": "no profession", "consent": true},
			[6]int{422, 422, 422, 422, 422, 401},
		},
		{"GET", "/api/exams/" + exam, nil, [6]int{200, 404, 200, 404, 200, 401}},
		{"POST", "/api/exams/" + exam + "/attempts", nil, [6]int{409, 404, 403, 404, 403, 401}},
		{"POST", "/api/exams/" + exam + "/end", nil, [6]int{200, 404, 404, 404, 403, 401}},
		{"GET", "/api/rooms", nil, [6]int{403, 403, 200, 200, 200, 401}},
		{"GET", "/api/patient", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"GET", "/api/patient/workers", nil, [6]int{403, 403, 403, 403, 200, 401}},
		{"GET", "/api/hearing", nil, [6]int{200, 200, 200, 200, 200, 401}},
		// Without readings; api/hearing tests more.
		{"POST", "/api/hearing", map[string]any{}, [6]int{422, 422, 422, 422, 422, 401}},
		{"POST", "/api/hearing/none/use", nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"DELETE", "/api/hearing", nil, [6]int{204, 204, 204, 204, 204, 401}},
		{"GET", "/api/scenarios", nil, [6]int{200, 200, 200, 200, 200, 200}},
		{"GET", "/api/scenarios?state=draft", nil, [6]int{403, 403, 200, 200, 200, 401}},
		{"GET", "/api/scenarios?tried=true", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"GET", "/api/scenarios/" + apitest.ScenarioSlug, nil,
			[6]int{200, 200, 200, 200, 200, 200},
		},
		{
			"GET", "/api/scenarios/" + apitest.ScenarioSlug + "?version=1", nil,
			[6]int{403, 403, 200, 200, 200, 403},
		},
		// Text that is no JSON; api/scenarios tests more.
		{"POST", "/api/scenarios/lint", map[string]any{}, [6]int{403, 403, 415, 415, 415, 401}},
		{
			"POST", "/api/scenarios/understanding", map[string]any{},
			[6]int{403, 403, 415, 415, 415, 401},
		},
		{"GET", "/api/progress", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"GET", "/api/protected/progress/" + apitest.ScenarioSlug, nil,
			[6]int{200, 200, 200, 200, 200, 401},
		},
		{
			"POST", "/api/protected/progress/" + apitest.ScenarioSlug,
			map[string]any{"bookmarked": true}, [6]int{200, 200, 200, 200, 200, 401},
		},
		{"GET", "/api/analytics/practice", nil, [6]int{403, 403, 200, 200, 200, 401}},
		{"GET", "/api/analytics/practice.csv", nil, [6]int{403, 403, 200, 200, 200, 401}},
		{
			"GET", "/api/analytics/practice?tutor=" + partner.ID, nil,
			[6]int{403, 403, 200, 403, 200, 401},
		},
		{"POST", "/api/scenarios", map[string]any{}, [6]int{403, 403, 422, 422, 422, 401}},
		// Other forms and no If-Match; api/scenarios tests more.
		{
			"PUT", "/api/scenarios/" + apitest.ScenarioSlug, map[string]any{},
			[6]int{403, 403, 428, 428, 428, 401},
		},
		{
			"POST", "/api/scenarios/import", map[string]any{},
			[6]int{403, 403, 415, 415, 415, 401},
		},
		{
			"POST", "/api/scenarios/" + apitest.ScenarioSlug + "/publish", nil,
			[6]int{403, 403, 200, 200, 200, 401},
		},
		{"POST", "/api/scenarios/nothing/archive", nil, [6]int{403, 403, 404, 404, 404, 401}},
		{"POST", "/api/scenarios/nothing/duplicate", nil, [6]int{403, 403, 404, 404, 404, 401}},
		{"DELETE", "/api/scenarios/nothing", nil, [6]int{403, 403, 404, 404, 404, 401}},
		{
			"GET", "/api/scenarios/" + apitest.ScenarioSlug + "/versions", nil,
			[6]int{403, 403, 200, 200, 200, 401},
		},
		{
			"GET", "/api/scenarios/" + apitest.ScenarioSlug + "/versions/1", nil,
			[6]int{403, 403, 200, 200, 200, 401},
		},
		{
			"GET", "/api/scenarios/" + apitest.ScenarioSlug + "/export", nil,
			[6]int{403, 403, 200, 200, 200, 401},
		},
		{"GET", "/api/users/profile", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"PUT", "/api/users/profile", map[string]any{"name": "Somebody"},
			[6]int{200, 200, 200, 200, 200, 401},
		},
		{"PATCH", "/api/users/profile", map[string]any{}, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"POST", "/api/users/profile/email", map[string]any{"email": "not an address"},
			[6]int{422, 422, 422, 422, 422, 401},
		},
		{
			"POST", "/api/users/profile/password", map[string]any{"password": "password"},
			[6]int{422, 422, 422, 422, 422, 401},
		},
		{
			"POST", "/auth/reauthenticate", map[string]any{"password": apitest.Password},
			[6]int{204, 204, 204, 204, 204, 401},
		},
		{"POST", "/auth/resend-verification", nil, [6]int{202, 202, 202, 202, 202, 401}},
		{"GET", "/api/users", nil, [6]int{403, 403, 403, 403, 200, 401}},
		{"GET", "/api/users/" + owner.ID, nil, [6]int{403, 403, 403, 403, 200, 401}},
		{
			"PATCH", "/api/users/" + owner.ID, map[string]any{},
			[6]int{403, 403, 403, 403, 200, 401},
		},
		{
			"POST", "/api/users", map[string]any{"email": "x", "name": "x", "role": "tutor"},
			[6]int{403, 403, 403, 403, 422, 401},
		},
		{
			"POST", "/api/users/" + owner.ID + "/invitation", nil,
			[6]int{403, 403, 403, 403, 409, 401},
		},
		// An administrator may, but this id is their own; api/users tests more.
		{"DELETE", "/api/users/" + admin.ID, nil, [6]int{403, 403, 403, 403, 409, 401}},
		{
			"DELETE", "/api/sessions/user/" + nobody, nil,
			[6]int{404, 404, 404, 404, 200, 401},
		},
		{"GET", "/api/users/profile/factors", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"POST", "/api/users/profile/factors/totp", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"POST", "/api/users/profile/factors/totp/confirm", map[string]any{"code": "x"},
			[6]int{422, 422, 422, 422, 422, 401},
		},
		{"DELETE", "/api/users/profile/factors/totp", nil, [6]int{404, 404, 404, 404, 404, 401}},
		{
			"POST", "/api/users/profile/factors/recovery-codes", nil,
			[6]int{404, 404, 404, 404, 404, 401},
		},
		{"GET", "/api/users/profile/export", nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"GET", "/api/users/profile/export/archive", nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"POST", "/api/users/profile/export", nil, [6]int{202, 202, 202, 202, 202, 401}},
		// Passkeys need a host name, but the test uses an IP address.
		{
			"POST", "/api/users/profile/factors/passkeys/begin", nil,
			[6]int{409, 409, 409, 409, 409, 401},
		},
		{
			"POST", "/api/users/profile/factors/passkeys", map[string]any{"ticket": "x"},
			[6]int{422, 422, 422, 422, 422, 401},
		},
		{
			"DELETE", "/api/users/profile/factors/passkeys/" + owner.ID, nil,
			[6]int{404, 404, 404, 404, 404, 401},
		},
		{"GET", "/api/sessions", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"DELETE", "/api/sessions", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"GET", "/api/sessions/user/" + owner.ID, nil, [6]int{200, 404, 404, 404, 200, 401}},
		// The id is not one of a session; api/sessions tests more.
		{"DELETE", "/api/sessions/" + owner.ID, nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"GET", "/api/audit", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"GET", "/api/audit?user=" + owner.ID, nil, [6]int{200, 403, 403, 403, 200, 401}},
		{"GET", "/api/audit?user=all", nil, [6]int{403, 403, 403, 403, 200, 401}},
	} {
		path, _, _ := strings.Cut(row.path, "?")
		path = strings.NewReplacer(exam, "{id}", waiting, "{id}", done, "{id}",
			"progress/"+apitest.ScenarioSlug, "progress/{scenarioId}",
			apitest.ScenarioSlug, "{id}",
			"scenarios/nothing", "scenarios/{id}", "versions/1", "versions/{version}",
			"user/"+owner.ID, "user/{user}", "user/"+nobody, "user/{user}",
			owner.ID, "{id}", admin.ID, "{id}", "audio/candidate",
			"audio/{speaker}", portrait.ID, "{id}", picture.ID, "{id}",
			"media/"+nobody, "media/{id}", "hearing/none", "hearing/{microphone}",
			"invitations/none", "invitations/{code}").Replace(path)
		tested[row.method+" "+path] = true
		for i, p := range everybody {
			if a := p.Do(t, row.method, row.path, row.body); a.StatusCode != row.want[i] {
				t.Errorf("%s %s %v by %d: %d, want %d: %s", row.method, row.path, row.body, i,
					a.StatusCode, row.want[i], a.Data)
			}
		}
	}
	for i, p := range []*apitest.Client{
		s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor),
		s.NewUser(t, store.RoleAdmin), s.NewClient(t),
	} {
		want := []int{204, 204, 204, 401}[i]
		if a := p.Do(t, "DELETE", "/api/users/profile", nil); a.StatusCode != want {
			t.Errorf("deleting the own account by %d: %d, want %d: %s", i, a.StatusCode, want,
				a.Data)
		}
	}
	tested["DELETE /api/users/profile"] = true
	for _, operation := range secured(t) {
		if !tested[operation] {
			t.Errorf("%s has no row: decide who may request it", operation)
		}
	}
	// A stranger cannot distinguish another user's attempt from one that does not exist.
	a := stranger.Do(t, "GET", "/api/attempts/"+done, nil).Problem(t, 404, "not-found")
	b := stranger.Do(t, "GET", "/api/attempts/0190d2a0-0000-7000-8000-00000000ffff",
		nil).Problem(t, 404, "not-found")
	if a.Detail != b.Detail {
		t.Errorf("the details differ: %q and %q", a.Detail, b.Detail)
	}
}

func TestAccountChangesTakeEffectAtOnce(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleTutor)
	p.Do(t, "GET", "/api/rooms", nil).Expect(t, 200)
	change := func(sql string) {
		t.Helper()
		s.Exec(t, sql, p.ID)
	}
	change(`UPDATE users SET role = 'candidate' WHERE id = $1`)
	p.Do(t, "GET", "/api/rooms", nil).Problem(t, 403, "forbidden")
	change(`UPDATE users SET disabled = true WHERE id = $1`)
	p.Do(t, "GET", "/api/scenarios", nil).Problem(t, 403, "forbidden")
	p.Do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Problem(t, 403, "forbidden")
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": p.Email, "password": apitest.Password,
	}).Problem(t, 403, "account-disabled")
}

// secured returns the operations that need an access token.
func secured(t *testing.T) (list []string) {
	t.Helper()
	b, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			if len(operation.Security) > 0 {
				list = append(list, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return list
}
