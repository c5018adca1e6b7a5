package attempts_test

import (
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/store"
)

func TestFriendPlaysThePatientByALink(t *testing.T) {
	s := apitest.NewServer(t)
	anna, friend := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	other := s.NewUser(t, store.RoleCandidate)
	id := anna.NewAttempt(t)
	invite := func() string {
		t.Helper()
		var link attempts.InvitationLink
		anna.Do(t, "POST", "/api/attempts/"+id+"/invitation", nil).Expect(t, 201).Decode(t, &link)
		token, ok := strings.CutPrefix(link.URL, "/join/")
		if !ok || len(token) < 40 {
			t.Fatalf("the link is %q", link.URL)
		}
		return "/api/invitations/" + token
	}
	old := invite()
	link := invite()
	friend.Do(t, "GET", old, nil).Problem(t, 404, "invitation-over")
	var i attempts.Invitation
	s.NewClient(t).Do(t, "GET", link, nil).Expect(t, 200).Decode(t, &i)
	if i.Own || i.Accepted || i.AttemptID != "" || i.ScenarioTitle == "" {
		t.Errorf("a guest reads %+v", i)
	}
	anna.Do(t, "POST", link, nil).Problem(t, 403, "own-invitation")
	friend.Do(t, "GET", "/api/attempts/"+id, nil).Expect(t, 404)
	for range 2 {
		var a attempts.AttemptDetail
		friend.Do(t, "POST", link, nil).Expect(t, 200).Decode(t, &a)
		if a.Part != "patient" || a.ID != id {
			t.Errorf("accepted %+v", a.Attempt)
		}
	}
	other.Do(t, "POST", link, nil).Problem(t, 404, "invitation-over")
	other.Do(t, "GET", link, nil).Problem(t, 404, "invitation-over")
	friend.Do(t, "GET", link, nil).Expect(t, 200).Decode(t, &i)
	if !i.Accepted || i.AttemptID != id {
		t.Errorf("the friend reads %+v", i)
	}
	var ticket attempts.Ticket
	friend.Do(t, "POST", "/api/attempts/"+id+"/ticket", nil).Expect(t, 201).Decode(t, &ticket)
	if ticket.Role != store.ParticipantPatient {
		t.Errorf("the friend joins as %s", ticket.Role)
	}
	for _, part := range []string{"candidate", "observer"} {
		friend.Do(t, "POST", "/api/attempts/"+id+"/ticket", map[string]any{"role": part}).
			Expect(t, 403)
	}
	withdrawn := invite()
	anna.Do(t, "DELETE", "/api/attempts/"+id+"/invitation", nil).Expect(t, 204)
	other.Do(t, "POST", withdrawn, nil).Problem(t, 404, "invitation-over")
	exam := anna.NewExam(t)
	var first attempts.AttemptDetail
	anna.Do(t, "POST", "/api/exams/"+exam+"/attempts", nil).Expect(t, 201).Decode(t, &first)
	anna.Do(t, "POST", "/api/attempts/"+first.ID+"/invitation", nil).Expect(t, 403)
}

func TestFriendsSwapRoles(t *testing.T) {
	s := apitest.NewServer(t)
	anna, friend := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	other := s.NewUser(t, store.RoleCandidate)
	id := anna.NewAttempt(t)
	body := map[string]any{
		"scenario": apitest.ScenarioSlug, "consent": true, "friend_of": id,
	}
	anna.Do(t, "POST", "/api/attempts", body).Problem(t, 422, "invalid")
	var link attempts.InvitationLink
	anna.Do(t, "POST", "/api/attempts/"+id+"/invitation", nil).Expect(t, 201).Decode(t, &link)
	friend.Do(t, "POST", "/api/invitations/"+strings.TrimPrefix(link.URL, "/join/"), nil).
		Expect(t, 200)
	other.Do(t, "POST", "/api/attempts", body).Expect(t, 404)
	for who, partner := range map[*apitest.Client]*apitest.Client{friend: anna, anna: friend} {
		var a attempts.AttemptDetail
		who.Do(t, "POST", "/api/attempts", body).Expect(t, 201).Decode(t, &a)
		if a.Part != "candidate" || a.Patient != store.PatientFriend {
			t.Errorf("the second round is %+v", a.Attempt)
		}
		var ticket attempts.Ticket
		partner.Do(t, "POST", "/api/attempts/"+a.ID+"/ticket", nil).Expect(t, 201).
			Decode(t, &ticket)
		if ticket.Role != store.ParticipantPatient {
			t.Errorf("in the second round the other joins as %s", ticket.Role)
		}
	}
}
