package users

import (
	"context"
	"errors"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// proveChange checks the proof in a change of the password. It counts the try first, on the
// session's own quota, and takes it back when the proof was right.
func (s *Service) proveChange(ctx context.Context, u store.User, sessionID string,
	c PasswordChange) error {
	guess, _, err := s.Tries.TryGuess(ctx, "proof", u.ID,
		auth.Place{Device: sessionID, Familiar: true})
	if err != nil {
		return err
	}
	used := ""
	switch {
	case c.Current != "":
		err = s.provePassword(ctx, u, c.Current)
	case c.Code != "":
		used, err = s.proveCode(ctx, u, c.Code)
	case c.Passkey != nil:
		used, err = "a passkey", s.provePasskey(ctx, u, *c.Passkey)
	default:
		err = httpx.Invalid("body.current_password",
			"Give your current password. If you have forgotten it, choose a new one with a "+
				"mailed link.")
	}
	var wrong *httpx.Fault
	if !errors.As(err, &wrong) || !errors.Is(err, store.ErrForbidden) {
		guess.Withdraw(ctx)
	}
	act := httpx.Act(ctx, store.ActReauthenticate)
	act.UserID, act.Object = u.ID, used
	switch {
	case wrong != nil && errors.Is(err, store.ErrForbidden):
		act.Outcome = store.OutcomeRefused
	case err != nil:
		return err
	}
	return errors.Join(err, s.Store.ApplyEffects(ctx, store.Effects{Acts: []store.Act{act}}))
}

func (s *Service) provePassword(ctx context.Context, u store.User, password string) error {
	ok, err := s.Passwords.Compare(ctx, u.PasswordHash, password)
	if err == nil && !ok {
		err = &httpx.Fault{
			Err: store.ErrForbidden, Code: "wrong-credentials", Detail: "The password is wrong.",
		}
	}
	return err
}

func (s *Service) proveCode(ctx context.Context, u store.User, code string) (used string,
	err error) {
	err = s.Store.ChangeFactor(ctx, u.ID,
		func(_ store.User, f *store.Factor) (_ store.Effects, err error) {
			if !f.On() {
				return store.Effects{}, auth.ErrWrongCode
			}
			used, err = s.Sessions.UseCode(f, code, s.Clock().UTC())
			return store.Effects{}, err
		})
	if errors.Is(err, store.ErrInvalid) {
		err = &httpx.Fault{
			Err: store.ErrForbidden, Code: "wrong-code", Detail: httpx.Detail(err),
		}
	}
	return used, err
}

func (s *Service) provePasskey(ctx context.Context, u store.User, a PasskeyProof) error {
	owner, used, err := s.Passkeys.FinishSignIn(ctx, httpx.Host(ctx), a.Ticket, a.Credential,
		s.Store.User)
	switch {
	case errors.Is(err, auth.ErrBadPasskey), err == nil && owner.ID != u.ID:
		return &httpx.Fault{
			Err: store.ErrForbidden, Code: "wrong-passkey",
			Detail: "This passkey does not belong to your account. Give your password instead.",
		}
	case err != nil:
		return err
	}
	return s.Store.UsePasskey(ctx, u.ID, used.CredentialID, used.Credential, s.Clock())
}
