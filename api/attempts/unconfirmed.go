package attempts

import (
	"context"
	"errors"
	"time"

	"bedside/api/httpx"
	"bedside/store"
)

const (
	// unconfirmedPerDay is the number of role plays that an account may begin in a day until its
	// address is confirmed.
	unconfirmedPerDay = 5
	// joinTime is how long after the end of its ticket a join may still be saved.
	joinTime = 15 * time.Second
)

// admitUnconfirmed returns a Fault when a user whose address is not confirmed may not create a
// role play: while in another one, or after a few in a day. It counts this one.
func (s *Service) admitUnconfirmed(ctx context.Context, u store.User) error {
	if u.VerifiedAt != nil {
		return nil
	}
	recent, err := s.Store.AttemptsOf(ctx, u.ID, "", 2*unconfirmedPerDay)
	if err != nil {
		return err
	}
	for _, a := range recent {
		if st := a.Attempt.State; st == store.AttemptPreparing || st == store.AttemptPlaying {
			return oneAtATime()
		}
	}
	if s.Tries.Spend(ctx, store.Quota{
		Key: "unconfirmed:" + u.ID, Units: unconfirmedPerDay, Window: 24 * time.Hour,
	}) != nil {
		return httpx.Unconfirmed("can begin five role plays a day")
	}
	return nil
}

// reserveUnconfirmed returns a Fault when a user whose address is not confirmed may not have a
// ticket to an attempt: while in another one, or with a ticket to another one. expires is the end
// of the ticket.
func (s *Service) reserveUnconfirmed(ctx context.Context, u store.User, attemptID string,
	expires time.Time) error {
	if u.VerifiedAt != nil {
		return nil
	}
	err := s.Store.ReserveLive(ctx, u.ID, attemptID, expires.Add(joinTime))
	if errors.Is(err, store.ErrConflict) {
		return oneAtATime()
	}
	return err
}

func oneAtATime() error { return httpx.Unconfirmed("can be in one role play at a time") }
