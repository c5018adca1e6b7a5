package signin

import (
	"context"
	"errors"
	"fmt"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// linkExpired returns one Fault for all reasons why a token does not work, and other errors as
// they are. The log has the reason.
func linkExpired(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrReused) ||
		errors.Is(err, store.ErrExpired) || errors.Is(err, store.ErrConflict) {
		return &httpx.Fault{
			Err:  fmt.Errorf("%w: %w", store.ErrInvalid, errors.New(err.Error())),
			Code: "link-expired", Detail: "This link does not work any more. Ask for a new one.",
		}
	}
	return err
}

// countLink counts a try of a mailed link from the client's address.
func (s *Service) countLink(ctx context.Context) error {
	return s.Tries.Spend(ctx,
		auth.PerMinute("link:"+httpx.Network(ctx), s.Tries.Limits.LoginPerIP))
}

// MailedToken is the token of a mailed link.
type MailedToken struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"what follows #token= in the link"`
}

type verifyInput struct{ Body MailedToken }

// Verified is an address that its owner has confirmed.
type Verified struct {
	Email  string `json:"email" format:"email"`
	Status string `json:"status" enum:"verified"`
}

type verifyOutput struct{ Body Verified }

// verifyEmail takes the link that confirms an account's address, and the link that changes it.
func (s *Service) verifyEmail(ctx context.Context, in *verifyInput) (*verifyOutput, error) {
	if err := s.countLink(ctx); err != nil {
		return nil, err
	}
	hash, err := auth.HashOneTimeToken(in.Body.Token)
	if err != nil {
		return nil, linkExpired(err)
	}
	now := s.Clock().UTC()
	purposes := []store.TokenPurpose{store.TokenVerify, store.TokenChange}
	u, ended, err := s.Store.UseMailToken(ctx, hash, purposes, now,
		func(u *store.User, t store.MailToken) (store.Effects, error) {
			if u.Disabled {
				return store.Effects{}, errDisabled
			}
			act := httpx.Act(ctx, store.ActVerifyEmail)
			act.ActorID, act.UserID = u.ID, u.ID
			effects := store.Effects{}
			if t.Purpose == store.TokenChange && u.Email != t.Email {
				act.Action = store.ActChangeEmail
				mail := httpx.NewMail(ctx, store.MailEmailChanged, now)
				mail.UserID, mail.To, mail.What = u.ID, u.Email, t.Email
				effects.Jobs = []store.Job{mail}
				u.Email, u.VerifiedAt = t.Email, nil
			}
			u.Verify(now)
			effects.Acts = []store.Act{act}
			return effects, nil
		})
	if err != nil {
		return nil, linkExpired(err)
	}
	s.Sessions.AfterChange(u.ID, ended, "")
	return &verifyOutput{Body: Verified{Email: u.Email, Status: "verified"}}, nil
}

func (s *Service) resendVerification(ctx context.Context,
	_ *struct{}) (*httpx.CheckMailOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.User(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	if u.VerifiedAt == nil && s.Tries.AllowMail(ctx, store.MailVerify, u.Email) {
		mail := httpx.NewMail(ctx, store.MailVerify, s.Clock())
		mail.UserID = u.ID
		if err := s.Store.ApplyEffects(ctx,
			store.Effects{Jobs: []store.Job{mail}}); err != nil {
			return nil, err
		}
	}
	return httpx.NewCheckMail(u.Email), nil
}

type forgotInput struct{ Body httpx.Address }

func (s *Service) forgotPassword(ctx context.Context,
	in *forgotInput) (*httpx.CheckMailOutput, error) {
	if err := s.Tries.Spend(ctx, auth.PerMinute("forgot:"+httpx.Network(ctx),
		s.Tries.Limits.RegisterPerIP)); err != nil {
		return nil, err
	}
	email, err := httpx.CleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActForgotPassword)
	act.UserID = u.ID
	if u.ID == "" {
		act.Outcome, act.Detail = store.OutcomeRefused, "no account has the address"
	}
	effects := store.Effects{Acts: []store.Act{act}}
	if s.Tries.AllowMail(ctx, store.MailReset, email) {
		// Also for an address without an account, so that both take as long; the job sends nothing
		// then.
		mail := httpx.NewMail(ctx, store.MailReset, s.Clock())
		mail.To = email
		effects.Jobs = []store.Job{mail}
	}
	if err := s.Store.ApplyEffects(ctx, effects); err != nil {
		return nil, err
	}
	return httpx.NewCheckMail(email), nil
}

// NewPassword is a new password with the token of a mailed link.
type NewPassword struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"what follows #token= in the link"`
	Password string `json:"password" minLength:"8" maxLength:"72" doc:"8 to 72 bytes, and not one of the most common" example:"gr8-tram-window"`
}

type resetInput struct{ Body NewPassword }

type resetOutput struct {
	SetCookie string `header:"Set-Cookie"`
}

// resetPassword also makes the device familiar: the link is how the owner signs in on a new device
// while somebody else uses the tries of all strange places up.
func (s *Service) resetPassword(ctx context.Context, in *resetInput) (*resetOutput, error) {
	if err := s.countLink(ctx); err != nil {
		return nil, err
	}
	token, err := auth.HashOneTimeToken(in.Body.Token)
	if err != nil {
		return nil, linkExpired(err)
	}
	if err := s.Passwords.Check(ctx, in.Body.Password); err != nil {
		return nil, httpx.PasswordFault(err)
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, httpx.PasswordFault(err)
	}
	now := s.Clock().UTC()
	purposes := []store.TokenPurpose{store.TokenReset, store.TokenInvite}
	u, ended, err := s.Store.UseMailToken(ctx, token, purposes, now,
		func(u *store.User, t store.MailToken) (store.Effects, error) {
			if u.Disabled {
				return store.Effects{}, errDisabled
			}
			if t.Purpose == store.TokenInvite && u.PasswordHash != "" {
				return store.Effects{}, store.ErrExpired // the account has a password by now
			}
			if err := auth.CheckOwn(in.Body.Password, u.Email, u.Name); err != nil {
				return store.Effects{}, httpx.PasswordFault(err)
			}
			u.PasswordHash = hash
			// Until the address was confirmed, somebody else may have registered with it and added
			// ways to sign in.
			unconfirmed := u.VerifiedAt == nil
			u.Verify(now) // the link came by mail
			act := httpx.Act(ctx, store.ActResetPassword)
			mail := httpx.NewMail(ctx, store.MailPasswordChanged, now)
			act.ActorID, act.UserID, mail.UserID = u.ID, u.ID, u.ID
			return store.Effects{
				SignOut: true, OnlyPassword: unconfirmed, Acts: []store.Act{act},
				Jobs: []store.Job{mail},
			}, nil
		})
	if err != nil {
		return nil, linkExpired(err)
	}
	s.Sessions.AfterChange(u.ID, ended, "The password was changed.")
	return &resetOutput{SetCookie: s.rememberDevice(ctx, u.ID)}, nil
}
