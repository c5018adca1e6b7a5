package users

import (
	"context"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// PasswordChange is a new password, with one proof of who asks for it.
type PasswordChange struct {
	Password string        `json:"password" minLength:"8" maxLength:"72" doc:"8 to 72 bytes, and not one of the most common" example:"gr8-tram-window"`
	Current  string        `json:"current_password,omitempty" maxLength:"1000" doc:"the password that it replaces" example:"quiet-harbour-lamp"`
	Code     string        `json:"code,omitempty" maxLength:"40" doc:"in place of the current password: a code of the authenticator app, or a recovery code" example:"123456"`
	Passkey  *PasskeyProof `json:"passkey,omitempty" doc:"in place of the current password: an answer to /auth/passkeys/begin"`
}

// PasskeyProof is the answer of an authenticator.
type PasskeyProof struct {
	Ticket     string         `json:"ticket" minLength:"1" maxLength:"200"`
	Credential map[string]any `json:"credential" doc:"AuthenticationResponseJSON of WebAuthn"`
}

type passwordInput struct{ Body PasswordChange }

// changePassword needs the current password or a second factor in the request itself. A recent
// proof is not enough: a person who finds a computer minutes after its user has signed in could
// take the account over.
func (s *Service) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	before, err := s.Store.User(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Passwords.Check(ctx, in.Body.Password, before.Email, before.Name); err != nil {
		return nil, httpx.PasswordFault(err)
	}
	if err := s.proveChange(ctx, before, p.SessionID, in.Body); err != nil {
		return nil, err
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, httpx.PasswordFault(err)
	}
	u, ended, err := s.Store.ChangeUser(ctx, p.User.ID,
		func(u *store.User) (store.Effects, error) {
			if u.PasswordHash != before.PasswordHash {
				return store.Effects{}, &httpx.Fault{
					Err: store.ErrConflict, Detail: "The password was changed a moment ago.",
				}
			}
			u.PasswordHash = hash
			mail := httpx.NewMail(ctx, store.MailPasswordChanged, s.Clock())
			mail.UserID = u.ID
			return store.Effects{
				SignOut: true, KeepSession: p.SessionID,
				Acts: []store.Act{httpx.Act(ctx, store.ActChangePassword)},
				Jobs: []store.Job{mail},
			}, nil
		})
	if err != nil {
		return nil, err
	}
	s.Sessions.AfterChange(u.ID, ended, "The password was changed.")
	return nil, nil
}

type emailInput struct{ Body httpx.Address }

// changeEmail mails a link to the new address, or a notice if another account has that address.
func (s *Service) changeEmail(ctx context.Context,
	in *emailInput) (*httpx.CheckMailOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	if p.User.VerifiedAt == nil {
		return nil, httpx.Unconfirmed("cannot change it, which mails others")
	}
	if err := s.Tries.Spend(ctx, auth.PerMinute("email:"+p.User.ID,
		s.Tries.Limits.LoginPerAccount)); err != nil {
		return nil, err
	}
	email, err := httpx.CleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActChangeEmail)
	act.Detail = "asked for"
	warning := httpx.NewMail(ctx, store.MailEmailChangeRequested, s.Clock()) // to the old address
	warning.UserID, warning.What = p.User.ID, email
	effects := store.Effects{Acts: []store.Act{act}, Jobs: []store.Job{warning}}
	if s.Tries.AllowMail(ctx, store.MailConfirmEmail, email) {
		link := httpx.NewMail(ctx, store.MailConfirmEmail, s.Clock())
		link.UserID, link.To = p.User.ID, email
		effects.Jobs = append(effects.Jobs, link)
	}
	if err := s.Store.ApplyEffects(ctx, effects); err != nil {
		return nil, err
	}
	return httpx.NewCheckMail(email), nil
}
