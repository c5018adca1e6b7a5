package attempts

import (
	"context"
	"errors"
	"time"

	"bedside/api/httpx"
	"bedside/store"
)

// joinTime is how long after the end of its ticket a join may still be saved.
const joinTime = 15 * time.Second

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
		return httpx.OneAtATime()
	}
	return err
}
