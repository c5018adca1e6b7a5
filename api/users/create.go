package users

import (
	"context"
	"errors"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// NewAccount describes an account that an administrator makes for somebody.
type NewAccount struct {
	Email      string     `json:"email" minLength:"3" maxLength:"254" example:"dana@example.org"`
	Name       string     `json:"name" minLength:"1" maxLength:"120" example:"Dana Kovač"`
	Role       store.Role `json:"role" enum:"candidate,tutor,admin" example:"candidate"`
	Profession string     `json:"profession,omitempty" maxLength:"40" doc:"one of the twelve professions" example:"nursing"`
	Password   string     `json:"password,omitempty" maxLength:"72" doc:"when left out, an invitation is mailed: a link to choose a password" example:"gr8-tram-window"`
}

type createInput struct{ Body NewAccount }

// createAccount makes an account with a password, or without one and invites its owner by mail.
// Unlike registration it tells an administrator that the address is taken.
func (s *Service) createAccount(ctx context.Context, in *createInput) (*accountOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	u := store.User{Role: in.Body.Role, Profession: in.Body.Profession}
	if u.Email, err = httpx.CleanEmail(in.Body.Email); err != nil {
		return nil, err
	}
	if u.Name, err = httpx.CleanName(in.Body.Name); err != nil {
		return nil, err
	}
	if err := httpx.CheckProfession(u.Profession); err != nil {
		return nil, err
	}
	invite := in.Body.Password == ""
	if invite {
		if err := s.mayInvite(ctx, u.Email); err != nil {
			return nil, err
		}
	} else {
		if err := s.Passwords.Check(ctx, in.Body.Password, u.Email, u.Name); err != nil {
			return nil, httpx.PasswordFault(err)
		}
		if u.PasswordHash, err = s.Passwords.Hash(ctx, in.Body.Password); err != nil {
			return nil, httpx.PasswordFault(err)
		}
	}
	u, err = s.Store.Register(ctx, u, func(u store.User, isNew bool) store.Effects {
		if !isNew {
			return store.Effects{}
		}
		act := httpx.Act(ctx, store.ActCreate)
		act.UserID, act.Object, act.Detail = u.ID, "user "+u.ID, string(u.Role)
		effects := store.Effects{Acts: []store.Act{act}}
		if invite {
			effects.Jobs = []store.Job{s.invitation(ctx, u)}
		}
		return effects
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, &httpx.Fault{
			Err: err, Code: "address-taken", Detail: "There is an account with this address.",
		}
	}
	if err != nil {
		return nil, err
	}
	s.Log.Info("an administrator created an account", "admin", p.User.ID, "user", u.ID)
	return &accountOutput{Body: s.newAccount(u)}, nil
}

// mayInvite returns an error unless an invitation can be mailed to an address.
func (s *Service) mayInvite(ctx context.Context, email string) error {
	if s.Registration == store.RegistrationClosed {
		return &httpx.Fault{
			Err: store.ErrForbidden, Code: "registration-closed",
			Detail: "This server sends no invitations. Give the account a password instead.",
		}
	}
	if !s.Tries.AllowMail(ctx, store.MailInvitation, email) {
		return &httpx.Fault{
			Err:    store.ErrLimit,
			Detail: "This address was sent several invitations a short time ago. Try again later.",
		}
	}
	return nil
}

func (s *Service) invitation(ctx context.Context, u store.User) store.Mail {
	mail := httpx.NewMail(ctx, store.MailInvitation, s.Clock())
	mail.UserID = u.ID
	mail.IP, mail.Device = "", "" // the administrator's are not for the reader
	return mail
}

// invite mails the invitation again, to an account that has no password yet.
func (s *Service) invite(ctx context.Context, in *accountInput) (*struct{}, error) {
	u, err := s.Store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if u.PasswordHash != "" || u.Disabled {
		return nil, &httpx.Fault{
			Err: store.ErrState, Detail: "This account has a password already, or is disabled.",
		}
	}
	if err := s.mayInvite(ctx, u.Email); err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActInvite)
	act.UserID, act.Object = u.ID, "user "+u.ID
	return nil, s.Store.ApplyEffects(ctx, store.Effects{
		Acts: []store.Act{act}, Jobs: []store.Job{s.invitation(ctx, u)},
	})
}

// deleteOther deletes somebody's account for an administrator.
func (s *Service) deleteOther(ctx context.Context, in *accountInput) (*struct{}, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	if in.ID == p.User.ID {
		return nil, &httpx.Fault{
			Err: store.ErrState, Detail: "Delete your own account in its settings.",
		}
	}
	return nil, s.delete(ctx, p, in.ID)
}

// delete deletes an account and mails its owner.
func (s *Service) delete(ctx context.Context, p auth.Principal, id string) error {
	ended, err := s.Store.DeleteUser(ctx, id, func(u store.User) (store.Effects, error) {
		act := httpx.Act(ctx, store.ActDelete)
		mail := httpx.NewMail(ctx, store.MailAccountDeleted, s.Clock())
		mail.To, mail.Name = u.Email, u.Name
		if act.UserID = u.ID; u.ID == p.User.ID {
			act.IP, act.UserAgent = "", "" // nothing of the account's is kept but its id
		} else {
			act.Object = "user " + u.ID
			mail.IP, mail.Device = "", "" // the administrator's are not for the reader
		}
		return store.Effects{Acts: []store.Act{act}, Jobs: []store.Job{mail}}, nil
	})
	if errors.Is(err, store.ErrState) {
		return &httpx.Fault{
			Err: err, Code: "last-administrator",
			Detail: "This is the last administrator. Make somebody else one first.",
		}
	}
	if err != nil {
		return err
	}
	s.Sessions.AfterChange(id, ended, "This account was deleted.")
	return nil
}
