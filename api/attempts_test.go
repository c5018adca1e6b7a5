package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/api/httpx"
	"bedside/api/rooms"
	"bedside/store"
)

func TestScenarios(t *testing.T) {
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

func TestAttempt(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	var a attempts.AttemptDetail
	created := p.Do(t, "POST", "/api/attempts", map[string]any{
		"scenario": apitest.ScenarioSlug, "consent": true,
	}).Expect(t, 201)
	created.Decode(t, &a)
	if created.Header.Get("Location") != "/api/attempts/"+a.ID ||
		a.State != store.AttemptCreated || a.Part != "candidate" || a.Scenario.Patient != nil ||
		a.Candidate.ID != p.ID {
		t.Errorf("created %s", created.Data)
	}
	p.Do(t, "GET", "/api/attempts/"+a.ID, nil).Expect(t, 200).Decode(t, &a)
	if a.ScenarioTitle == "" || a.Scenario.Patient != nil {
		t.Errorf("read %+v", a)
	}
	p.Do(t, "POST", "/api/attempts", map[string]any{
		"scenario": apitest.ScenarioSlug, "consent": false,
	}).Problem(t, 422, "invalid")
	p.Do(t, "POST", "/api/attempts", map[string]any{"scenario": apitest.ScenarioSlug}).
		Problem(t, 422, "invalid")
	p.Do(t, "POST", "/api/attempts", map[string]any{
		"scenario": "nothing", "consent": true,
	}).Problem(t, 404, "not-found")

	for range 4 {
		p.NewAttempt(t)
	}
	var page attempts.AttemptPage
	seen := 0
	for next := "?limit=2"; next != ""; {
		page = attempts.AttemptPage{}
		p.Do(t, "GET", "/api/attempts"+next, nil).Expect(t, 200).Decode(t, &page)
		seen += len(page.Items)
		next = ""
		if page.Next != "" {
			next = "?limit=2&before=" + page.Next
		}
	}
	if seen != 5 {
		t.Errorf("pages hold %d attempts", seen)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "before=x", "unknown=1"} {
		p.Do(t, "GET", "/api/attempts?"+query, nil).Problem(t, 422, "invalid")
	}
}

func TestTicket(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor, second := s.NewUser(t,
		store.RoleCandidate), s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleTutor)
	id := candidate.NewAttempt(t)
	ticket := func(p *apitest.Client, body any) apitest.Response {
		return p.Do(t, "POST", "/api/attempts/"+id+"/ticket", body)
	}

	var got attempts.Ticket
	ticket(candidate, nil).Expect(t, 201).Decode(t, &got)
	join, err := s.Sessions.VerifyTicket(t.Context(), got.Ticket)
	if err != nil || join.AttemptID != id || join.UserID != candidate.ID ||
		join.Role != store.ParticipantCandidate || got.URL != "/ws" || got.ICEServers == nil {
		t.Fatalf("ticket %+v gives %+v, %v", got, join, err)
	}
	ticket(candidate, map[string]any{"role": "patient"}).Problem(t, 403, "forbidden")
	ticket(candidate, map[string]any{"role": "king"}).Problem(t, 422, "invalid")
	ticket(tutor, map[string]any{"role": "candidate"}).Problem(t, 403, "forbidden")
	ticket(tutor, map[string]any{"role": "observer"}).Expect(t, 201)
	ticket(tutor, map[string]any{}).Expect(t, 201).Decode(t, &got)
	if got.Role != store.ParticipantPatient {
		t.Errorf("a tutor's part is %s", got.Role)
	}
	ticket(second, nil).Expect(t, 201) // the first never came

	room := store.RoomInfo{
		ID: id, Node: "wss://other.example/ws", OpenedAt: time.Now(),
		People: []store.RoomPerson{{UserID: second.ID, Role: store.ParticipantPatient}},
	}
	if err := s.Presence.RoomOpened(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	ticket(tutor, nil).Problem(t, 409, "part-taken")
	ticket(second, nil).Expect(t, 201).Decode(t, &got)
	if got.URL != room.Node {
		t.Errorf("the room is at %s", got.URL)
	}
	if _, err := s.DB.AbandonAttempt(t.Context(), id, time.Now()); err != nil {
		t.Fatal(err)
	}
	ticket(candidate, nil).Problem(t, 409, "room-closed")
}

func TestRooms(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	id, over := candidate.NewAttempt(t), candidate.NewAttempt(t)
	for _, open := range []string{id, over} {
		if err := s.Presence.RoomOpened(
			t.Context(),
			store.RoomInfo{
				ID:       open,
				Phase:    "preparing",
				OpenedAt: time.Now(),
				People: []store.RoomPerson{
					{
						UserID:    candidate.ID,
						Name:      "C",
						Role:      store.ParticipantCandidate,
						Connected: true,
					},
				},
			},
		); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DB.AbandonAttempt(t.Context(), over, time.Now()); err != nil {
		t.Fatal(err)
	}
	var list rooms.RoomList
	tutor.Do(t, "GET", "/api/rooms", nil).Expect(t, 200).Decode(t, &list)
	if len(list.Items) != 1 || list.Items[0].AttemptID != id || !list.Items[0].Waiting ||
		len(list.Items[0].People) != 1 || list.Items[0].ScenarioTitle == "" {
		t.Errorf("rooms %+v", list)
	}
}

func TestReportAndAudio(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	id := s.NewReport(t, candidate, tutor)
	path := "/api/attempts/" + id

	a := candidate.Do(t, "GET", path+"/report", nil).Expect(t, 200)
	var report store.Report
	a.Decode(t, &report)
	if report.AttemptID != id || len(report.Speakers) != 1 ||
		bytes.Contains(a.Data, []byte("null,")) && bytes.Contains(a.Data, []byte(`"gaps":null`)) {
		t.Errorf("report %.300s", a.Data)
	}
	zipped := candidate.Do(t, "GET", path+"/report", nil, "Accept-Encoding", "gzip").Expect(t, 200)
	if zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	z, err := gzip.NewReader(bytes.NewReader(zipped.Data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || !json.Valid(plain) {
		t.Errorf("compressed report: %v", err)
	}
	identity := candidate.Do(t, "GET", path+"/report", nil, "Accept-Encoding",
		"identity").Expect(t, 200)
	if !bytes.Equal(identity.Data, plain) {
		t.Error("the report differs by its coding")
	}
	candidate.Do(t, "GET", path+"/report", nil, "If-None-Match",
		a.Header.Get("ETag")).Expect(t, http.StatusNotModified)

	sound := candidate.Do(t, "GET", path+"/audio/candidate", nil).Expect(t, 200)
	if sound.Header.Get("Content-Type") != "audio/ogg" || string(sound.Data) != "OggS0123456789" {
		t.Errorf("audio %q", sound.Data)
	}
	part := candidate.Do(t, "GET", path+"/audio/candidate", nil, "Range",
		"bytes=4-6").Expect(t, 206)
	if string(part.Data) != "012" {
		t.Errorf("range %q", part.Data)
	}
	candidate.Do(t, "GET", path+"/audio/candidate", nil, "Range", "bytes=99-").Expect(t, 416)
	candidate.Do(t, "GET", path+"/audio/patient", nil).Problem(t, 404, "no-recording")
	candidate.Do(t, "GET", path+"/audio/nobody", nil).Problem(t, 422, "invalid")

	var detail attempts.AttemptDetail
	candidate.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &detail)
	if detail.Scenario.Patient == nil || detail.Partner == nil || detail.Partner.ID != tutor.ID {
		t.Errorf("after the report: %+v", detail)
	}
}

func TestNoReportYet(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	id := p.NewAttempt(t)
	expect := func(code string, state store.AttemptState) {
		t.Helper()
		pr := p.Do(t, "GET", "/api/attempts/"+id+"/report", nil).Problem(t, 404, code)
		if len(pr.Errors) != 1 || pr.Errors[0].Location != "state" ||
			pr.Errors[0].Message != string(state) {
			t.Errorf("state %+v, want %s", pr.Errors, state)
		}
	}
	expect("report-pending", store.AttemptCreated)
	for _, step := range []func(context.Context, string,
		time.Time) (store.Attempt, error){s.DB.StartAttempt, s.DB.FinishAttempt} {
		if _, err := step(t.Context(), id, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	expect("report-pending", store.AttemptAnalysing)
	if err := s.DB.FailAttempt(t.Context(), id, "There was no audio."); err != nil {
		t.Fatal(err)
	}
	expect("report-failed", store.AttemptFailed)
}

// TestWhoMay holds who may do what with whose attempt; a status for each.
func TestWhoMay(t *testing.T) {
	s := apitest.NewServer(t)
	owner, stranger := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	partner, tutor, admin := s.NewUser(t,
		store.RoleTutor), s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleAdmin)
	done := s.NewReport(t, owner, partner)
	waiting := owner.NewAttempt(t)
	everybody := []*apitest.Client{owner, stranger, partner, tutor, admin, s.NewClient(t)}

	held := map[string]bool{} // operations that have a row
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
		{"GET", "/api/attempts/" + done, nil, [6]int{200, 404, 200, 404, 200, 401}},
		{"POST", "/api/attempts/" + done + "/ticket", nil, [6]int{409, 404, 409, 404, 409, 401}},
		{"GET", "/api/attempts/" + done + "/report", nil, [6]int{200, 404, 200, 404, 200, 401}},
		{
			"GET", "/api/attempts/" + done + "/audio/candidate", nil,
			[6]int{200, 404, 200, 404, 200, 401},
		},
		{"GET", "/api/attempts", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{
			"POST", "/api/attempts", map[string]any{"scenario": apitest.ScenarioSlug, "consent": true},
			[6]int{201, 201, 201, 201, 201, 401},
		},
		{"GET", "/api/rooms", nil, [6]int{403, 403, 200, 200, 200, 401}},
		{"GET", "/api/scenarios", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"GET", "/api/scenarios/" + apitest.ScenarioSlug, nil, [6]int{200, 200, 200, 200, 200, 401}},
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
		// not on a bare address
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
		// no session's id; TestDevicesOfOthers has more
		{"DELETE", "/api/sessions/" + owner.ID, nil, [6]int{404, 404, 404, 404, 404, 401}},
		{"GET", "/api/audit", nil, [6]int{200, 200, 200, 200, 200, 401}},
		{"GET", "/api/audit?user=" + owner.ID, nil, [6]int{200, 403, 403, 403, 200, 401}},
		{"GET", "/api/audit?user=all", nil, [6]int{403, 403, 403, 403, 200, 401}},
	} {
		held[row.method+" "+strings.NewReplacer(waiting, "{id}", done, "{id}", apitest.ScenarioSlug, "{slug}",
			"user/"+owner.ID, "user/{user}", owner.ID, "{id}", "audio/candidate",
			"audio/{speaker}").Replace(row.path)] = true
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
		if a, want := p.Do(t, "DELETE", "/api/users/profile",
			nil), []int{204, 204, 204, 401}[i]; a.StatusCode != want {
			t.Errorf("deleting the own account by %d: %d, want %d: %s", i, a.StatusCode, want,
				a.Data)
		}
	}
	held["DELETE /api/users/profile"] = true
	for _, operation := range secured(t) {
		if !held[operation] {
			t.Errorf("%s has no row: decide who may", operation)
		}
	}
	// To a stranger, an attempt of somebody else is as one that does not exist.
	a := stranger.Do(t, "GET", "/api/attempts/"+done, nil).Problem(t, 404, "not-found")
	b := stranger.Do(t, "GET", "/api/attempts/0190d2a0-0000-7000-8000-00000000ffff",
		nil).Problem(t, 404, "not-found")
	if a.Detail != b.Detail {
		t.Errorf("%q and %q tell them apart", a.Detail, b.Detail)
	}
}

func TestAccountChangesWorkAtOnce(t *testing.T) {
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

// secured lists the operations that need somebody to be signed in.
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
