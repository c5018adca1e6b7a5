package signin

import (
	"context"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// Registration makes an account.
type Registration struct {
	Email      string `json:"email" minLength:"3" maxLength:"254" example:"dana@example.org"`
	Password   string `json:"password" minLength:"8" maxLength:"72" doc:"8 to 72 bytes, and not one of the most common" example:"gr8-tram-window"`
	Name       string `json:"name" minLength:"1" maxLength:"120" example:"Dana Kovač"`
	Profession string `json:"profession,omitempty" maxLength:"40" doc:"one of the twelve professions" example:"nursing"`
}

// RegistrationState says who may register.
type RegistrationState struct {
	Registration store.Registration `json:"registration" enum:"open,invitation,closed" doc:"anyone, only people an administrator invites, or nobody"`
}

type registrationOutput struct{ Body RegistrationState }

func (s *Service) registration(context.Context, *struct{}) (*registrationOutput, error) {
	return &registrationOutput{Body: RegistrationState{s.Registration}}, nil
}

// mayRegister returns an error unless everybody may register.
func (s *Service) mayRegister() error {
	switch s.Registration {
	case store.RegistrationInvitation:
		return &httpx.Fault{
			Err: store.ErrForbidden, Code: "invitation-needed",
			Detail: "Accounts are by invitation here. Ask an administrator to invite you.",
		}
	case store.RegistrationClosed:
		return &httpx.Fault{
			Err: store.ErrForbidden, Code: "registration-closed",
			Detail: "Nobody can register here. Ask an administrator for an account.",
		}
	}
	return nil
}

type registerInput struct{ Body Registration }

type registerOutput struct {
	SetCookie    string `header:"Set-Cookie"`
	CacheControl string `header:"Cache-Control"`
	Body         httpx.CheckMail
}

// register always makes an account, which waits to confirm the address, whether or not another
// account has it. The device can sign in to it and practise at once. It gets the address when the
// link in the mail is followed; if there is an owner the mail says so instead, and the account is
// deleted after a week. So neither the answer nor signing in tells whether the address was free.
func (s *Service) register(ctx context.Context, in *registerInput) (*registerOutput, error) {
	if err := s.mayRegister(); err != nil {
		return nil, err
	}
	if err := s.Tries.Spend(ctx, auth.PerMinute("register:"+httpx.Network(ctx),
		s.Tries.Limits.RegisterPerIP)); err != nil {
		return nil, err
	}
	email, err := httpx.CleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	name, err := httpx.CleanName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	if err := httpx.CheckProfession(in.Body.Profession); err != nil {
		return nil, err
	}
	if err := s.Passwords.Check(ctx, in.Body.Password, email, name); err != nil {
		return nil, httpx.PasswordFault(err)
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, httpx.PasswordFault(err)
	}
	sendMail := s.Tries.AllowMail(ctx, store.MailRegistered, email)
	from := "unknown"
	if r := httpx.RequestFrom(ctx); r != nil {
		from = r.IP
	}
	u, err := s.Store.Register(ctx, store.User{
		Email: email, Name: name, Role: store.RoleCandidate, Profession: in.Body.Profession,
		PasswordHash: hash, PendingFrom: from,
	}, func(u store.User, _ bool) store.Effects {
		act := httpx.Act(ctx, store.ActRegister)
		mail := httpx.NewMail(ctx, store.MailVerify, s.Clock())
		act.ActorID, act.UserID, mail.UserID = u.ID, u.ID, u.ID
		effects := store.Effects{Acts: []store.Act{act}}
		if sendMail {
			effects.Jobs = []store.Job{mail}
		}
		return effects
	})
	if err != nil {
		return nil, err
	}
	out := httpx.NewCheckMail(email)
	return &registerOutput{
		SetCookie: s.rememberDevice(ctx, u.ID), CacheControl: out.CacheControl, Body: out.Body,
	}, nil
}
