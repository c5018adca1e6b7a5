package store

import "time"

// RoomInfo is what presence knows about an open room, for the tutors' list and for tickets. Its id
// is its attempt's id. The node that holds the room updates it at every change and at regular
// intervals; presence removes a room that was not updated for a minute.
type RoomInfo struct {
	ID string `json:"id"`
	// preparing, playing or ended, as in package signaling
	Phase     string       `json:"phase"`
	Remaining float64      `json:"remaining_s"` // seconds left of the phase at the last update
	People    []RoomPerson `json:"people"`
	OpenedAt  time.Time    `json:"opened_at"`
}

// RoomPerson is a user in a room.
type RoomPerson struct {
	UserID    string          `json:"user_id"`
	Name      string          `json:"name"`
	Role      ParticipantRole `json:"role"`
	Connected bool            `json:"connected"`
}

// Taken reports whether somebody other than the user has the role.
func (r RoomInfo) Taken(role ParticipantRole, userID string) bool {
	for _, p := range r.People {
		if p.Role == role && p.UserID != userID {
			return true
		}
	}
	return false
}
