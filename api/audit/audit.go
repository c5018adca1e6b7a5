// Package audit is the slice of the audit trail, the log of who did what with which account, when
// and from where. Users see the entries about themselves, administrators all.
package audit

import (
	"context"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Recorder adds entries to the audit trail. store/postgres implements it. httpx.Act returns an
// entry with the data of the request. An operation that changes a record does not use the
// Recorder: it passes its entries in the store.Effects of the change, so that both are saved or
// neither.
type Recorder interface {
	Record(ctx context.Context, act store.Act) error
}

// Store reads the audit trail. store/postgres implements it.
type Store interface {
	Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error)
}

// Service handles the operations of the slice.
type Service struct{ Store Store }

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "audit", Description: "Who did what, when and from where", Routes: s.routes,
		Tables: []store.TableRule{{
			Table: "acts", OnDelete: store.Anonymised,
			Why: "the trail must stay complete; it keeps ids, times and actions and loses " +
				"network addresses and devices. Entries are removed after 400 days",
		}, {
			Table: "act_tallies", OnDelete: store.Deleted,
			Why: "how often strangers tried something with the account, by network and hour",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-acts", Method: http.MethodGet, Path: "/api/audit",
		Summary: "Read the audit trail, newest first",
		Description: "By default your own: what you did and what was done to your account. " +
			"Administrators may read those of another user, or of all users. Entries are kept " +
			"for 400 days.",
		Errors: []int{http.StatusForbidden, http.StatusUnprocessableEntity},
	}, s.list)
}

// Act is an entry of the audit trail.
type Act struct {
	ID        string        `json:"id" format:"uuid"`
	At        time.Time     `json:"at" doc:"UTC"`
	Action    store.Action  `json:"action" example:"session.start"`
	Outcome   store.Outcome `json:"outcome" enum:"done,refused"`
	ActorID   string        `json:"actor_id" doc:"the account that did it; empty: not known"`
	UserID    string        `json:"user_id" doc:"the account that it is about; empty: none"`
	Own       bool          `json:"own" doc:"whether you did it yourself"`
	SessionID string        `json:"session_id" doc:"the session that it was done with, if it was yours"`
	Object    string        `json:"object" doc:"what it was done to" example:"session 0190d2a0-0000-7000-8000-000000000001"`
	Detail    string        `json:"detail" doc:"a few words"`
	IP        string        `json:"ip" doc:"the network address; hidden when somebody else did it"`
	UserAgent string        `json:"user_agent" doc:"the browser; hidden when somebody else did it"`
	Count     int           `json:"count" minimum:"1" doc:"how often it was done, in the same hour and from the same network, when the actor is not known; otherwise 1" example:"1"`
	LastAt    time.Time     `json:"last_at" doc:"when it was done last"`
}

// ActPage is a page of the audit trail.
type ActPage struct {
	Items []Act  `json:"items"`
	Next  string `json:"next" doc:"the before of the next page; empty on the last page"`
}

// everybody is the value of user for the entries of all users.
const everybody = "all"

type listInput struct {
	User   string `query:"user" maxLength:"36" doc:"the id of a user, or all; empty: your own" example:"all"`
	Action string `query:"action" maxLength:"64" doc:"only entries with this action" example:"session.start"`
	Before string `query:"before" maxLength:"36" doc:"the next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type listOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         ActPage
}

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	isAdmin := p.User.IsActiveAdmin()
	filter := store.ActFilter{
		UserID: p.User.ID, Action: store.Action(in.Action), Before: in.Before, Limit: in.Limit + 1,
	}
	switch in.User {
	case "", p.User.ID:
	case everybody:
		filter.UserID = ""
	default:
		filter.UserID = in.User
	}
	if filter.UserID != p.User.ID && !isAdmin {
		return nil, &httpx.Fault{
			Err:    store.ErrForbidden,
			Detail: "Only administrators may read the entries of other users.",
		}
	}
	list, err := s.Store.Acts(ctx, filter)
	if err != nil {
		return nil, err
	}
	out := &listOutput{CacheControl: "no-store", Body: ActPage{Items: []Act{}}}
	list, out.Body.Next = httpx.Page(list, in.Limit, func(a store.Act) string { return a.ID })
	for _, a := range list {
		out.Body.Items = append(out.Body.Items, view(a, p.User.ID, isAdmin))
	}
	return out, nil
}

// view returns an entry for a viewer. To users who are not administrators, it hides the session,
// address and browser of other users, such as an administrator who changed their account. It does
// not hide those of unknown actors, such as somebody who tried to sign in.
func view(a store.Act, viewer string, isAdmin bool) Act {
	v := Act{
		ID: a.ID, At: a.At, Action: a.Action, Outcome: a.Outcome, ActorID: a.ActorID,
		UserID: a.UserID, Own: a.ActorID == viewer, SessionID: a.SessionID, Object: a.Object,
		Detail: a.Detail, IP: a.IP, UserAgent: a.UserAgent, Count: a.Count, LastAt: a.LastAt,
	}
	if a.ActorID != "" && !v.Own && !isAdmin {
		v.SessionID, v.IP, v.UserAgent = "", "", ""
	}
	return v
}
