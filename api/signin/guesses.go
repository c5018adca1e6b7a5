package signin

import (
	"context"
	"slices"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// place returns where a request comes from, as an account sees it. It takes as long when there is
// no account, whose id is "" then.
func (s *Service) place(ctx context.Context, userID string) (auth.Place, error) {
	p := auth.Place{Network: httpx.Network(ctx)}
	p.Device, p.Familiar = s.Sessions.FamiliarDevice(httpx.DeviceCookie(ctx), userID)
	addresses, err := s.Store.RecentAddresses(ctx, userID, s.Clock().Add(-auth.RecentSignIn))
	p.Familiar = p.Familiar || slices.ContainsFunc(addresses, func(ip string) bool {
		return httpx.NetworkOf(ip) == p.Network
	})
	return p, err
}

// tryGuess counts a try of a kind of secret of an account, before the secret is compared. account
// is what quotas call the account, which may not exist: then u is empty. When the quota of all
// strange places is used up it warns the owner, at most once an hour.
func (s *Service) tryGuess(ctx context.Context, kind, account string, u store.User,
	email string) (auth.Guess, error) {
	p, err := s.place(ctx, u.ID)
	if err != nil {
		return auth.Guess{}, err
	}
	guess, exhausted, err := s.Tries.TryGuess(ctx, kind, account, p)
	if exhausted {
		if err := s.warnOfGuesses(ctx, account, u.ID, email); err != nil {
			return guess, err
		}
	}
	return guess, err
}

// warnOfGuesses mails the owner of an account that somebody guesses its password, at most once an
// hour. It adds the job in any case, so that the guesser cannot tell whether there is an account;
// without one the job sends nothing.
func (s *Service) warnOfGuesses(ctx context.Context, account, userID, email string) error {
	if s.Tries.Spend(ctx, store.Quota{
		Key: "warning:" + account, Units: 1, Window: time.Hour,
	}) != nil {
		return nil
	}
	act := httpx.Act(ctx, store.ActSignIn)
	act.UserID, act.Outcome, act.Detail = userID, store.OutcomeRefused, "too many wrong tries"
	mail := httpx.NewMail(ctx, store.MailGuesses, s.Clock())
	mail.To = email
	// Somebody who guesses may use many addresses and devices: naming the last one would mislead.
	mail.IP, mail.Device = "", ""
	return s.Store.ApplyEffects(ctx, store.Effects{
		Acts: []store.Act{act}, Jobs: []store.Job{mail},
	})
}

// rememberDevice returns the Set-Cookie header that makes the device familiar to an account that
// has just signed in on it.
func (s *Service) rememberDevice(ctx context.Context, userID string) string {
	return httpx.SetDeviceCookie(ctx,
		s.Sessions.RememberDevice(httpx.DeviceCookie(ctx), userID))
}
