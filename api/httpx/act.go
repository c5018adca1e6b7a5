package httpx

import (
	"context"

	"bedside/api/auth"
	"bedside/store"
)

// Act returns an entry of the audit trail with the user, session and address of the request in
// ctx. Its UserID, the account that the entry is about, is the same user; the caller may change
// it.
func Act(ctx context.Context, action store.Action) store.Act {
	act := store.Act{Action: action}
	if p, err := auth.PrincipalFrom(ctx); err == nil {
		act.ActorID, act.UserID, act.SessionID = p.User.ID, p.User.ID, p.SessionID
	}
	if r := RequestFrom(ctx); r != nil {
		act.IP, act.UserAgent = r.IP, r.Agent
	}
	return act
}
