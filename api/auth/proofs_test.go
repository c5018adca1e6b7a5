package auth

import (
	"context"
	"errors"
	"testing"
	"time"

	"bedside/store"
)

type fakeProofs map[string]time.Time

func (f fakeProofs) Prove(_ context.Context, sessionID string, now time.Time) error {
	f[sessionID] = now
	return nil
}

func (f fakeProofs) ProvenAt(_ context.Context, sessionID string) (time.Time, error) {
	return f[sessionID], nil
}

func TestProofsExpire(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	proofs := Proofs{Store: fakeProofs{}, Clock: func() time.Time { return now }}
	if _, err := proofs.Require(t.Context()); !errors.Is(err, store.ErrUnauthenticated) {
		t.Errorf("outside a request: %v", err)
	}
	ctx := WithPrincipal(t.Context(), Principal{SessionID: "session"})
	if _, err := proofs.Require(ctx); !errors.Is(err, ErrProofRequired) ||
		!errors.Is(err, store.ErrForbidden) {
		t.Errorf("without a proof: %v", err)
	}
	if err := proofs.Record(ctx, "session"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(proofLife)
	if p, err := proofs.Require(ctx); err != nil || p.SessionID != "session" {
		t.Errorf("a recent proof: %+v, %v", p, err)
	}
	now = now.Add(time.Second)
	if _, err := proofs.Require(ctx); !errors.Is(err, ErrProofRequired) {
		t.Errorf("an old proof: %v", err)
	}
}
