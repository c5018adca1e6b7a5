package auth

import (
	"context"
	"fmt"
	"time"

	"bedside/store"
)

// proofLife is how long a proof of identity allows sensitive changes.
const proofLife = 10 * time.Minute

// ErrProofRequired is returned by Proofs.Require when the session's last proof of identity is too
// old.
var ErrProofRequired = fmt.Errorf("a recent proof of identity is needed: %w", store.ErrForbidden)

// ProofStore keeps when the user of each session last proved their identity; store/postgres
// implements it.
type ProofStore interface {
	Prove(ctx context.Context, sessionID string, now time.Time) error
	ProvenAt(ctx context.Context, sessionID string) (time.Time, error)
}

// Proofs holds back sensitive changes (of the address and the ways to sign in, and deleting the
// account) until the user of the session has proved their identity again. A stranger
// who finds an unlocked computer can read an account but not take it over. Signing in is a proof.
type Proofs struct {
	Store ProofStore
	Clock func() time.Time
}

// Require returns the principal of a request whose session has a recent proof. It returns
// ErrProofRequired when there is none, and store.ErrUnauthenticated outside a signed-in request.
func (p Proofs) Require(ctx context.Context) (Principal, error) {
	principal, err := PrincipalFrom(ctx)
	if err != nil {
		return principal, err
	}
	at, err := p.Store.ProvenAt(ctx, principal.SessionID)
	if err != nil {
		return principal, err
	}
	if p.Clock().Sub(at) > proofLife {
		return principal, ErrProofRequired
	}
	return principal, nil
}

// Record notes that the user of a session has just proved their identity.
func (p Proofs) Record(ctx context.Context, sessionID string) error {
	return p.Store.Prove(ctx, sessionID, p.Clock())
}
