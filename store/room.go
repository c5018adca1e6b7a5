package store

import "time"

// RoomInfo is an open room as presence keeps it: what a tutor's list and a ticket need to know.
// Its id is its attempt's. Who keeps the room tells presence of every change; presence forgets a
// room that nobody has spoken for within a minute.
type RoomInfo struct {
	ID string `json:"id"`
	// WebSocket address of the node that holds the room; empty: the one that answers
	Node string `json:"node,omitempty"`
	// as signalling names it: preparing, playing, ended
	Phase     string       `json:"phase"`
	Remaining float64      `json:"remaining_s"` // seconds left of the phase, when it was told
	People    []RoomPerson `json:"people"`
	OpenedAt  time.Time    `json:"opened_at"`
}

// RoomPerson is somebody in a room.
type RoomPerson struct {
	UserID    string          `json:"user_id"`
	Name      string          `json:"name"`
	Role      ParticipantRole `json:"role"`
	Connected bool            `json:"connected"`
}

// Taken reports whether somebody other than the user holds the role.
func (r RoomInfo) Taken(role ParticipantRole, userID string) bool {
	for _, p := range r.People {
		if p.Role == role && p.UserID != userID {
			return true
		}
	}
	return false
}
