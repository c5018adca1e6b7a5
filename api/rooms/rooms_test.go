package rooms_test

import (
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/rooms"
	"bedside/store"
)

func TestListHasJoinableRooms(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	id, over := candidate.NewAttempt(t), candidate.NewAttempt(t)
	for _, open := range []string{id, over} {
		room := store.RoomInfo{ID: open, Phase: "preparing", OpenedAt: time.Now()}
		room.People = []store.RoomPerson{{
			UserID: candidate.ID, Name: "C", Role: store.ParticipantCandidate, Connected: true,
		}}
		if err := s.Presence.RoomOpened(t.Context(), room); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DB.AbandonAttempt(t.Context(), over, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	var list rooms.RoomList
	tutor.Do(t, "GET", "/api/rooms", nil).Expect(t, 200).Decode(t, &list)
	if len(list.Items) != 1 || list.Items[0].AttemptID != id || !list.Items[0].Waiting ||
		len(list.Items[0].People) != 1 || list.Items[0].ScenarioTitle == "" {
		t.Errorf("rooms %+v", list)
	}
}
