package users

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// CheckMail says that a letter is on its way, if there is a reason for one.
type CheckMail struct {
	Email  string `json:"email" format:"email" example:"dana@example.org"`
	Status string `json:"status" enum:"check_mail"`
}

type checkMailOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         CheckMail
}

func checkMail(email string) *checkMailOutput {
	return &checkMailOutput{
		CacheControl: "no-store", Body: CheckMail{Email: email, Status: "check_mail"},
	}
}

type registerInput struct{ Body Registration }

// register does the same work, and answers the same, whether there is an account with the address
// or not.
func (s *Service) register(ctx context.Context, in *registerInput) (*checkMailOutput, error) {
	if err := s.allow(ctx, "register:"+network(ctx), s.Limits.RegisterPerIP); err != nil {
		return nil, err
	}
	email, err := cleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	name, err := cleanName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	if p := in.Body.Profession; p != "" && !slices.Contains(store.Professions(), p) {
		return nil, httpx.Invalid("body.profession",
			"The profession is one of: "+strings.Join(store.Professions(), ", ")+".")
	}
	if err := s.Passwords.Check(in.Body.Password, email, name); err != nil {
		return nil, badPassword(err)
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, busy(err)
	}
	mayWrite := s.mayWrite(ctx, store.LetterRegistered, email)
	_, err = s.Store.Register(ctx, store.User{
		Email: email, Name: name, Role: store.RoleCandidate, Profession: in.Body.Profession,
		PasswordHash: hash,
	},
		func(u store.User, fresh bool) store.Effects {
			act, letter := httpx.Act(ctx, store.ActRegister), s.letter(ctx, store.LetterVerify)
			act.UserID, letter.UserID = u.ID, u.ID
			if fresh {
				act.ActorID = u.ID
			} else {
				act.Outcome, act.Detail, letter.Letter = store.OutcomeRefused, "there is an account with the address", store.LetterRegistered
			}
			after := store.Effects{Acts: []store.Act{act}}
			if mayWrite {
				after.Jobs = []store.Job{letter}
			}
			return after
		})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return nil, err
	}
	return checkMail(email), nil
}

// lettersAnHour bounds what anybody can have sent to one address, of each kind: who uses up one
// keeps nobody from the others.
const lettersAnHour = 5

// mayWrite counts a letter that somebody who is not signed in asks for. Beyond the limit none is
// sent, and the answer does not tell.
func (s *Service) mayWrite(ctx context.Context, kind store.Letter, email string) bool {
	_, ok := s.Limiter.Spend(ctx, store.Quota{
		Key: "letter:" + string(kind) + ":" + fingerprint(email), Units: lettersAnHour,
		Window: time.Hour,
	})
	return ok
}

// badPassword gives words to what is wrong with a new password.
func badPassword(err error) error {
	switch {
	case errors.Is(err, auth.ErrPasswordLength):
		return httpx.Invalid("body.password",
			fmt.Sprintf("A password has %d to %d bytes.", auth.MinPassword, auth.MaxPassword))
	case errors.Is(err, auth.ErrPasswordCommon):
		f := httpx.Invalid("body.password",
			"This password is among the first that anybody would try. Choose another one; a few unrelated words do well.")
		f.Code = "common-password"
		return f
	}
	return err
}

// cleanEmail gives an address in the form that is kept.
func cleanEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	local, domain, _ := strings.Cut(s, "@")
	if err != nil || a.Address != s || a.Name != "" || local == "" ||
		!strings.Contains(domain, ".") || len(s) > 254 {
		return "", httpx.Invalid("body.email", "This is not an e-mail address.")
	}
	return s, nil
}

// cleanName gives a name without surrounding or control characters.
func cleanName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", httpx.Invalid("body.name",
			"A name has at least one letter and no control characters.")
	}
	return s, nil
}
