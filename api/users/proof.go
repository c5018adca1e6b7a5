package users

import (
	"context"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// proofLasts is how long a proof of who somebody is counts for changes that matter.
const proofLasts = 10 * time.Minute

// recent gives whoever makes the request, if they proved lately that it is them.
func (s *Service) recent(ctx context.Context) (auth.Principal, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return p, err
	}
	at, err := s.Store.ProvenAt(ctx, p.SessionID)
	if err != nil {
		return p, err
	}
	if s.Clock().Sub(at) > proofLasts {
		return p, &httpx.Fault{
			Err: store.ErrForbidden, Code: "reauthentication-required",
			Detail: "Prove first that it is you: give your password again.",
		}
	}
	return p, nil
}

// Proof proves who somebody is.
type Proof struct {
	Password string `json:"password" maxLength:"1000" example:"gr8-tram-window"`
}

type proofInput struct{ Body Proof }

func (s *Service) reauthenticate(ctx context.Context, in *proofInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	account := "proof:" + p.User.ID
	if err := s.mayTry(ctx, account, s.Limits.LoginPerAccount); err != nil {
		return nil, err
	}
	u, err := s.me(ctx)
	if err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActReauthenticate)
	ok, err := s.Passwords.Compare(ctx, u.PasswordHash, in.Body.Password)
	if err != nil {
		return nil, busy(err)
	}
	if !ok {
		act.Outcome = store.OutcomeRefused
		if err := s.Store.Record(ctx, act); err != nil {
			return nil, err
		}
		if err := s.allow(ctx, account, s.Limits.LoginPerAccount); err != nil {
			return nil, err
		}
		return nil, &httpx.Fault{
			Err: store.ErrForbidden, Code: "wrong-credentials", Detail: "The password is wrong.",
		}
	}
	if err := s.Store.Prove(ctx, p.SessionID, s.Clock()); err != nil {
		return nil, err
	}
	return nil, s.Store.Record(ctx, act)
}

// PasswordChange is a new password.
type PasswordChange struct {
	Password string `json:"password" minLength:"8" maxLength:"72" doc:"8 to 72 bytes, and not one of the most common" example:"gr8-tram-window"`
}

type passwordInput struct{ Body PasswordChange }

func (s *Service) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Passwords.Check(in.Body.Password); err != nil {
		return nil, badPassword(err)
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, busy(err)
	}
	u, ended, err := s.Store.ChangeUser(ctx, p.User.ID, func(u *store.User) (store.Effects,
		error) {
		if err := s.Passwords.Check(in.Body.Password, u.Email, u.Name); err != nil {
			return store.Effects{}, badPassword(err)
		}
		u.PasswordHash = hash
		letter := s.letter(ctx, store.LetterPasswordChanged)
		letter.UserID = u.ID
		return store.Effects{
			SignOut: true, KeepSession: p.SessionID,
			Acts: []store.Act{httpx.Act(ctx, store.ActChangePassword)}, Jobs: []store.Job{letter},
		}, nil
	})
	if err != nil {
		return nil, err
	}
	s.settled(u.ID, ended, "The password was changed.")
	return nil, nil
}

type emailInput struct{ Body Address }

// changeEmail mails a link to the new address; whoever has that address already is told instead.
func (s *Service) changeEmail(ctx context.Context, in *emailInput) (*checkMailOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, "email:"+p.User.ID, s.Limits.LoginPerAccount); err != nil {
		return nil, err
	}
	email, err := cleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	act, letter := httpx.Act(ctx, store.ActChangeEmail), s.letter(ctx, store.LetterConfirmEmail)
	act.Detail, letter.UserID, letter.To = "asked for", p.User.ID, email
	told := s.letter(ctx, store.LetterEmailAsked)
	told.UserID, told.What = p.User.ID, email
	after := store.Effects{Acts: []store.Act{act}, Jobs: []store.Job{told}}
	if s.mayWrite(ctx, store.LetterConfirmEmail, email) {
		after.Jobs = append(after.Jobs, letter)
	}
	if err := s.Store.ApplyEffects(ctx, after); err != nil {
		return nil, err
	}
	return checkMail(email), nil
}
