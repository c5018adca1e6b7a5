package users

import (
	"context"
	"errors"
	"fmt"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// linkGone gives words to a token that cannot be taken; which of the reasons it is helps nobody
// but the log.
func linkGone(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrReused) ||
		errors.Is(err, store.ErrExpired) || errors.Is(err, store.ErrConflict) {
		return &httpx.Fault{Err: fmt.Errorf("%w: %w", store.ErrInvalid,
			errors.New(err.Error())), Code: "link-expired",
			Detail: "This link does not work any more. Ask for a new one."}
	}
	return err
}

// MailedToken is what a mailed link carries.
type MailedToken struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"what follows #token= in the link"`
}

type verifyInput struct{ Body MailedToken }

// Verified is an address that was found to be its account's.
type Verified struct {
	Email  string `json:"email" format:"email"`
	Status string `json:"status" enum:"verified"`
}

type verifyOutput struct{ Body Verified }

func (s *Service) verifyEmail(ctx context.Context, in *verifyInput) (*verifyOutput, error) {
	if err := s.allow(ctx, "link:"+network(ctx), s.Limits.LoginPerIP); err != nil {
		return nil, err
	}
	hash, err := auth.MailTokenHash(in.Body.Token)
	if err != nil {
		return nil, linkGone(err)
	}
	now := s.Clock().UTC()
	u, ended, err := s.Store.UseMailToken(ctx, hash, []store.TokenPurpose{
		store.TokenVerify, store.TokenChange,
	}, now,
		func(u *store.User, t store.MailToken) (store.Effects, error) {
			if u.Disabled {
				return store.Effects{}, errDisabled
			}
			act := httpx.Act(ctx, store.ActVerifyEmail)
			act.ActorID, act.UserID = u.ID, u.ID
			after := store.Effects{}
			if t.Purpose == store.TokenChange && u.Email != t.Email {
				act.Action = store.ActChangeEmail
				letter := s.letter(ctx, store.LetterEmailChanged)
				letter.UserID, letter.To, letter.What = u.ID, u.Email, t.Email
				after.Jobs = []store.Job{letter}
				u.Email, u.VerifiedAt = t.Email, nil
			}
			u.Verify(now)
			after.Acts = []store.Act{act}
			return after, nil
		})
	if err != nil {
		return nil, linkGone(err)
	}
	s.settled(u.ID, ended, "")
	return &verifyOutput{Body: Verified{Email: u.Email, Status: "verified"}}, nil
}

func (s *Service) resendVerification(ctx context.Context, _ *struct{}) (*checkMailOutput, error) {
	u, err := s.me(ctx)
	if err != nil {
		return nil, err
	}
	if u.VerifiedAt == nil && s.mayWrite(ctx, store.LetterVerify, u.Email) {
		letter := s.letter(ctx, store.LetterVerify)
		letter.UserID = u.ID
		if err := s.Store.ApplyEffects(ctx, store.Effects{Jobs: []store.Job{letter}}); err != nil {
			return nil, err
		}
	}
	return checkMail(u.Email), nil
}

// Address names an account, perhaps.
type Address struct {
	Email string `json:"email" minLength:"3" maxLength:"254" example:"dana@example.org"`
}

type forgotInput struct{ Body Address }

func (s *Service) forgotPassword(ctx context.Context, in *forgotInput) (*checkMailOutput, error) {
	if err := s.allow(ctx, "forgot:"+network(ctx), s.Limits.RegisterPerIP); err != nil {
		return nil, err
	}
	email, err := cleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	act, letter := httpx.Act(ctx, store.ActForgotPassword), s.letter(ctx, store.LetterReset)
	act.UserID, letter.To = u.ID, email
	if u.ID == "" {
		act.Outcome, act.Detail = store.OutcomeRefused, "no account has the address"
	}
	after := store.Effects{Acts: []store.Act{act}}
	if s.mayWrite(ctx, store.LetterReset, email) {
		// to an address without an account as well: the job finds that out
		after.Jobs = []store.Job{letter}
	}
	if err := s.Store.ApplyEffects(ctx, after); err != nil {
		return nil, err
	}
	return checkMail(email), nil
}

// NewPassword comes with a mailed link.
type NewPassword struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"what follows #token= in the link"`
	Password string `json:"password" minLength:"8" maxLength:"72" doc:"8 to 72 bytes, and not one of the most common" example:"gr8-tram-window"`
}

type resetInput struct{ Body NewPassword }

func (s *Service) resetPassword(ctx context.Context, in *resetInput) (*struct{}, error) {
	if err := s.allow(ctx, "link:"+network(ctx), s.Limits.LoginPerIP); err != nil {
		return nil, err
	}
	token, err := auth.MailTokenHash(in.Body.Token)
	if err != nil {
		return nil, linkGone(err)
	}
	if err := s.Passwords.Check(in.Body.Password); err != nil {
		return nil, badPassword(err)
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, busy(err)
	}
	now := s.Clock().UTC()
	u, ended, err := s.Store.UseMailToken(ctx, token, []store.TokenPurpose{store.TokenReset}, now,
		func(u *store.User, _ store.MailToken) (store.Effects, error) {
			if u.Disabled {
				return store.Effects{}, errDisabled
			}
			if err := s.Passwords.Check(in.Body.Password, u.Email, u.Name); err != nil {
				return store.Effects{}, badPassword(err)
			}
			u.PasswordHash = hash
			// may have registered with this address, and left ways of their own to sign in
			stranger := u.VerifiedAt == nil
			u.Verify(now) // the mail was read
			act, letter := httpx.Act(ctx, store.ActResetPassword), s.letter(ctx,
				store.LetterPasswordChanged)
			act.ActorID, act.UserID, letter.UserID = u.ID, u.ID, u.ID
			return store.Effects{
				SignOut: true, OnlyPassword: stranger, Acts: []store.Act{act},
				Jobs: []store.Job{letter},
			}, nil
		})
	if err != nil {
		return nil, linkGone(err)
	}
	s.settled(u.ID, ended, "The password was changed.")
	return nil, nil
}
