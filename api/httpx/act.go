package httpx

import (
	"context"

	"bedside/api/auth"
	"bedside/store"
)

// Act begins an entry of the audit trail: who makes the request, with which session, and from
// where. It concerns the account of whoever makes it, unless UserID is set to another.
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
