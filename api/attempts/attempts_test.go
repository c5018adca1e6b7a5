package attempts_test

import (
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/store"
	"bedside/store/presence"
)

func TestCreateAndListAttempts(t *testing.T) {
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
		t.Errorf("the pages have %d attempts", seen)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "before=x", "unknown=1"} {
		p.Do(t, "GET", "/api/attempts?"+query, nil).Problem(t, 422, "invalid")
	}
}

func TestTicketForEachPart(t *testing.T) {
	s := apitest.NewServer(t)
	candidate := s.NewUser(t, store.RoleCandidate)
	tutor, second := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleTutor)
	id := candidate.NewAttempt(t)
	ticket := func(p *apitest.Client, body any) apitest.Response {
		return p.Do(t, "POST", "/api/attempts/"+id+"/ticket", body)
	}

	var got attempts.Ticket
	ticket(candidate, nil).Expect(t, 201).Decode(t, &got)
	join, err := s.Sessions.VerifyTicket(t.Context(), got.Ticket)
	if err != nil || join.AttemptID != id || join.UserID != candidate.ID ||
		join.Role != store.ParticipantCandidate || join.NodeID != s.Media.NodeID() ||
		got.URL != "/ws" || got.ICEServers == nil {
		t.Fatalf("ticket %+v permits %+v, %v", got, join, err)
	}
	ticket(candidate, map[string]any{"role": "patient"}).Problem(t, 403, "forbidden")
	ticket(candidate, map[string]any{"role": "king"}).Problem(t, 422, "invalid")
	ticket(tutor, map[string]any{"role": "candidate"}).Problem(t, 403, "forbidden")
	ticket(tutor, map[string]any{"role": "observer"}).Expect(t, 201)
	ticket(tutor, map[string]any{}).Expect(t, 201).Decode(t, &got)
	if got.Role != store.ParticipantPatient {
		t.Errorf("a tutor's part is %s", got.Role)
	}
	ticket(second, nil).Expect(t, 201) // the first tutor never joined

	room := store.RoomInfo{
		ID: id, OpenedAt: time.Now(),
		People: []store.RoomPerson{{UserID: second.ID, Role: store.ParticipantPatient}},
	}
	if err := s.Presence.RoomOpened(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	ticket(tutor, nil).Problem(t, 409, "part-taken")
	ticket(second, nil).Expect(t, 201)
	if _, err := s.DB.AbandonAttempt(t.Context(), id, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	ticket(candidate, nil).Problem(t, 409, "room-closed")
}

func TestTicketNamesTheMediaNode(t *testing.T) {
	s := apitest.NewServer(t)
	candidate := s.NewUser(t, store.RoleCandidate)
	id := candidate.NewAttempt(t)
	ticket := func(id string) apitest.Response {
		return candidate.Do(t, "POST", "/api/attempts/"+id+"/ticket", nil)
	}
	other := s.Presence.OpenNode(presence.NodeConfig{
		Endpoint: "wss://other.example/ws", MaxRooms: 1, Fences: s.DB,
	})
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	other.Announce()
	if _, err := other.Acquire(t.Context(), id, store.Opener{}, func() {}); err != nil {
		t.Fatal(err)
	}
	// The room's node, although it is full.
	var got attempts.Ticket
	ticket(id).Expect(t, 201).Decode(t, &got)
	join, err := s.Sessions.VerifyTicket(t.Context(), got.Ticket)
	if err != nil || join.NodeID != other.NodeID() || got.URL != "wss://other.example/ws" {
		t.Errorf("ticket for %s permits %+v, %v", got.URL, join, err)
	}
	another := candidate.NewAttempt(t)
	other.Announce() // as full
	ticket(another).Expect(t, 201).Decode(t, &got)
	if got.URL != "/ws" {
		t.Errorf("a new room is at %s", got.URL)
	}
	s.Media.SetDraining(true)
	s.Media.Announce()
	ticket(another).Problem(t, 503, "no-media-server")
	ticket(id).Expect(t, 201)
}
