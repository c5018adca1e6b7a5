package store

import (
	"fmt"
	"time"
)

// Invitation lets another candidate play the patient of an attempt, by a link. An attempt has one
// at most.
type Invitation struct {
	AttemptID string
	TokenHash []byte // of the token in the link, which is not stored
	ExpiresAt time.Time
	Used      bool
}

// Accept gives the patient's part of the invitation's attempt to a user. Repeating it is no error.
// It returns ErrNotFound when the invitation has expired or somebody else has used it,
// ErrForbidden for the candidate, and ErrState when the room can no longer be joined.
func (i *Invitation) Accept(a *Attempt, userID string, now time.Time) error {
	switch {
	case userID == a.CandidateID:
		return fmt.Errorf("the candidate cannot play the patient: %w", ErrForbidden)
	case i.Used && a.PartnerID == userID:
		return nil
	case i.Used || !now.Before(i.ExpiresAt):
		return fmt.Errorf("the invitation is over: %w", ErrNotFound)
	}
	if err := a.Seat(userID, false); err != nil {
		return err
	}
	i.Used = true
	return nil
}
