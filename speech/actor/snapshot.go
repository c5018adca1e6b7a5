package actor

import (
	"encoding/json"
	"fmt"

	"bedside/speech/chat"
	"bedside/speech/part"
	"bedside/speech/patient"
)

// remembered is how many turns a snapshot keeps of what was said.
const remembered = 12

// snapshot is what an actor knows of a conversation. The room keeps it, so that another actor can
// go on.
type snapshot struct {
	State *patient.State `json:"state"`
	Said  []chat.Said    `json:"said,omitempty"` // the last turns, the last one last
	// Unsaid are lines that the patient still has to say.
	Unsaid []patient.Line `json:"unsaid,omitempty"`
	Last   *patient.Line  `json:"last,omitempty"` // the last line that was said
}

// readSnapshot reads a snapshot, or begins a conversation when there is none.
func readSnapshot(data json.RawMessage, d *patient.Dialogue) (s snapshot, err error) {
	if len(data) == 0 {
		return snapshot{State: d.Begin()}, nil
	}
	s.State = d.Begin() // for what an earlier program did not write
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("snapshot of a conversation: %w", err)
	}
	if s.State == nil {
		s.State = d.Begin()
	}
	return s, nil
}

// note remembers what was said.
func (s *snapshot) note(said chat.Said) {
	s.Said = append(s.Said, said)
	s.Said = s.Said[max(0, len(s.Said)-remembered):]
}

// marshal returns the snapshot as the room keeps it: short enough, however long the turns were.
func (s *snapshot) marshal() (json.RawMessage, error) {
	for {
		data, err := json.Marshal(s)
		if err != nil || len(data) <= part.MaxState || len(s.Said) == 0 {
			return data, err
		}
		s.Said = s.Said[1:]
	}
}
