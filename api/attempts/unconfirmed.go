package attempts

import (
	"context"
	"time"

	"bedside/api/httpx"
	"bedside/store"
)

// unconfirmedPerDay is the number of role plays that an account may begin in a day until its
// address is confirmed.
const unconfirmedPerDay = 5

// admitUnconfirmed returns a Fault when a user whose address is not confirmed may not begin a role
// play: one at a time, and a few a day. attemptID is the attempt to join, or "" for a new one,
// which it counts.
func (s *Service) admitUnconfirmed(ctx context.Context, u store.User, attemptID string) error {
	if u.VerifiedAt != nil {
		return nil
	}
	recent, err := s.Store.AttemptsOf(ctx, u.ID, "", 2*unconfirmedPerDay)
	if err != nil {
		return err
	}
	for _, a := range recent {
		live := a.Attempt.State == store.AttemptPreparing ||
			a.Attempt.State == store.AttemptPlaying
		if live && a.Attempt.ID != attemptID {
			return httpx.Unconfirmed("can be in one role play at a time")
		}
	}
	if attemptID == "" && s.Tries.Spend(ctx, store.Quota{
		Key: "unconfirmed:" + u.ID, Units: unconfirmedPerDay, Window: 24 * time.Hour,
	}) != nil {
		return httpx.Unconfirmed("can begin five role plays a day")
	}
	return nil
}
