package signin

import (
	"context"
	"errors"

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
	Registration store.Registration `json:"registration" enum:"open,invitation,closed" doc:"everybody, whom an administrator invites, or nobody"`
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

// register does the same work, and answers the same, whether the address has an account or not.
func (s *Service) register(ctx context.Context,
	in *registerInput) (*httpx.CheckMailOutput, error) {
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
	_, err = s.Store.Register(ctx, store.User{
		Email: email, Name: name, Role: store.RoleCandidate, Profession: in.Body.Profession,
		PasswordHash: hash,
	}, func(u store.User, isNew bool) store.Effects {
		act := httpx.Act(ctx, store.ActRegister)
		mail := httpx.NewMail(ctx, store.MailVerify, s.Clock())
		act.UserID, mail.UserID = u.ID, u.ID
		if isNew {
			act.ActorID = u.ID
		} else {
			act.Outcome, act.Detail = store.OutcomeRefused, "there is an account with the address"
			mail.Template = store.MailRegistered
		}
		effects := store.Effects{Acts: []store.Act{act}}
		if sendMail {
			effects.Jobs = []store.Job{mail}
		}
		return effects
	})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return nil, err
	}
	return httpx.NewCheckMail(email), nil
}
