package httpx

import (
	"context"
	"time"

	"bedside/api/auth"
	"bedside/store"
)

// Unconfirmed returns a Fault for what an account may not do until its address is confirmed. what
// completes the sentence "Until your address is confirmed you ...".
func Unconfirmed(what string) *Fault {
	return &Fault{
		Err: store.ErrForbidden, Code: "address-unconfirmed",
		Detail: "Until your address is confirmed you " + what + ". Follow the link in our mail, " +
			"or have it sent again in your profile.",
	}
}

// unconfirmedPerDay is the number of role plays that an account may begin in a day until its
// address is confirmed.
const unconfirmedPerDay = 5

// AttemptLister lists attempts. store/postgres implements it.
type AttemptLister interface {
	AttemptsOf(ctx context.Context, userID, before string, limit int) ([]store.AttemptView, error)
}

// AdmitUnconfirmed returns a Fault when a user whose address is not confirmed may not begin a
// number of role plays: while in another one, or after a few in a day. It counts these; giveBack
// undoes that when they are not begun.
func AdmitUnconfirmed(ctx context.Context, u store.User, attempts AttemptLister,
	tries auth.Tries, rolePlays int) (giveBack func(), err error) {
	if u.VerifiedAt != nil {
		return func() {}, nil
	}
	recent, err := attempts.AttemptsOf(ctx, u.ID, "", 2*unconfirmedPerDay)
	if err != nil {
		return nil, err
	}
	for _, a := range recent {
		if st := a.Attempt.State; st == store.AttemptPreparing || st == store.AttemptPlaying {
			return nil, OneAtATime()
		}
	}
	quota := store.Quota{
		Key: "unconfirmed:" + u.ID, Units: unconfirmedPerDay, Window: 24 * time.Hour,
	}
	spent := 0
	giveBack = func() {
		for range spent {
			tries.Limiter.Return(ctx, quota)
		}
	}
	for ; spent < rolePlays; spent++ {
		if tries.Spend(ctx, quota) != nil {
			giveBack()
			return nil, Unconfirmed("can begin five role plays a day")
		}
	}
	return giveBack, nil
}

// OneAtATime returns a Fault for an account whose address is not confirmed and that is in another
// role play.
func OneAtATime() error { return Unconfirmed("can be in one role play at a time") }
