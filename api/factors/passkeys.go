package factors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID         string     `json:"id" format:"uuid"`
	Name       string     `json:"name" example:"My phone"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
}

func newPasskey(p store.Passkey) Passkey {
	return Passkey{ID: p.ID, Name: p.Name, CreatedAt: p.CreatedAt, LastUsedAt: p.LastUsedAt}
}

type questionOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         auth.Question
}

func (s *Service) beginPasskey(ctx context.Context, _ *struct{}) (*questionOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.User(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	q, err := s.Passkeys.BeginRegistration(ctx, httpx.Host(ctx), u)
	return &questionOutput{CacheControl: "no-store", Body: q}, err
}

// NewPasskey is an authenticator's answer to a request for a passkey.
type NewPasskey struct {
	Ticket     string         `json:"ticket" minLength:"1" maxLength:"200"`
	Name       string         `json:"name" minLength:"1" maxLength:"60" doc:"by which you recognise it" example:"My phone"`
	Credential map[string]any `json:"credential" doc:"RegistrationResponseJSON of WebAuthn"`
}

type addPasskeyInput struct{ Body NewPasskey }

type passkeyOutput struct{ Body Passkey }

func (s *Service) addPasskey(ctx context.Context, in *addPasskeyInput) (*passkeyOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.User(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	passkey, err := s.Passkeys.FinishRegistration(ctx, httpx.Host(ctx), u, in.Body.Ticket,
		in.Body.Credential)
	switch {
	case errors.Is(err, auth.ErrCeremonyExpired):
		// not 401, which clients take for the end of their session
		return nil, &httpx.Fault{
			Err: store.ErrInvalid, Code: "sign-in-expired", Detail: httpx.Detail(err),
		}
	case errors.Is(err, auth.ErrBadPasskey):
		return nil, &httpx.Fault{
			Err: err, Code: "bad-passkey",
			Detail: "This passkey cannot be used. Try again, or take another device.",
		}
	case err != nil:
		return nil, err
	}
	passkey.Name = strings.TrimSpace(in.Body.Name)
	if passkey.Name == "" {
		return nil, &httpx.Fault{Err: store.ErrInvalid, Detail: "Give the passkey a name."}
	}
	stored, err := s.Store.AddPasskey(ctx, passkey,
		s.changeEffects(ctx, store.ActAddFactor, store.MailFactorAdded, u, "a passkey"))
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, &httpx.Fault{
			Err: err, Code: "passkey-known", Detail: "This passkey is known already.",
		}
	case errors.Is(err, store.ErrLimit):
		return nil, &httpx.Fault{
			Err: store.ErrState, Code: "too-many-passkeys",
			Detail: fmt.Sprintf("An account may have %d passkeys. Remove one first.",
				store.MaxPasskeys),
		}
	}
	return &passkeyOutput{Body: newPasskey(stored)}, err
}

type passkeyInput struct {
	ID string `path:"id" format:"uuid" doc:"the passkey's id"`
}

func (s *Service) removePasskey(ctx context.Context, in *passkeyInput) (*struct{}, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.RemovePasskey(ctx, p.User.ID, in.ID,
		func(u store.User, _ store.Passkey) store.Effects {
			return s.changeEffects(ctx, store.ActRemoveFactor, store.MailFactorRemoved, u,
				"a passkey")
		})
}
