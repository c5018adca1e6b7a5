package factors

import (
	"context"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// Proof proves a user's identity.
type Proof struct {
	Password string `json:"password" maxLength:"1000" example:"gr8-tram-window"`
}

type proofInput struct{ Body Proof }

func (s *Service) reauthenticate(ctx context.Context, in *proofInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.currentUser(ctx)
	if err != nil {
		return nil, err
	}
	// A session is a familiar place, with a quota of its own.
	guess, _, err := s.Tries.TryGuess(ctx, "proof", p.User.ID,
		auth.Place{Device: p.SessionID, Familiar: true})
	if err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActReauthenticate)
	ok, err := s.Passwords.Compare(ctx, u.PasswordHash, in.Body.Password)
	if err != nil || ok {
		guess.Withdraw(ctx)
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		act.Outcome = store.OutcomeRefused
		if err := s.Store.Record(ctx, act); err != nil {
			return nil, err
		}
		return nil, &httpx.Fault{
			Err: store.ErrForbidden, Code: "wrong-credentials", Detail: "The password is wrong.",
		}
	}
	if err := s.Proofs.Record(ctx, p.SessionID); err != nil {
		return nil, err
	}
	return nil, s.Store.Record(ctx, act)
}
