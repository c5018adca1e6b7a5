// Package audit is the slice of the audit trail: who did what, when and from where. Users see
// what concerns them, administrators everything.
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

// Recorder adds entries to the trail; store/postgres does. httpx.Act begins an entry with what is
// known of the request. What changes a record passes its entries along with the change instead,
// as a store.Effects, so that there is never the one without the other.
type Recorder interface {
	Record(ctx context.Context, act store.Act) error
}

// Store reads the trail; store/postgres does.
type Store interface {
	Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error)
}

// Service is what the slice works with.
type Service struct{ Store Store }

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "audit", Description: "Who did what, when and from where", Routes: s.routes,
		Tables: []store.TableRule{{
			Table: "acts", OnDelete: store.Anonymised,
			Why: "the trail must stay complete; it keeps ids, times and actions and loses " +
				"network addresses and devices. Entries are removed after 400 days",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-acts", Method: http.MethodGet, Path: "/api/audit",
		Summary: "Read the audit trail, newest first",
		Description: "Your own: what you did and what was done to your account. Administrators may ask for somebody else's, or for everybody's. " +
			"Entries stay for 400 days.",
		Errors: []int{http.StatusForbidden, http.StatusUnprocessableEntity},
	}, s.list)
}

// Act is an entry of the trail.
type Act struct {
	ID        string        `json:"id" format:"uuid"`
	At        time.Time     `json:"at" doc:"UTC"`
	Action    store.Action  `json:"action" example:"session.start"`
	Outcome   store.Outcome `json:"outcome" enum:"done,refused"`
	ActorID   string        `json:"actor_id" doc:"the account that did it; empty: nobody known"`
	UserID    string        `json:"user_id" doc:"the account that it concerns; empty: none"`
	Own       bool          `json:"own" doc:"you did it yourself"`
	SessionID string        `json:"session_id" doc:"with which it was done, if it was yours"`
	Object    string        `json:"object" doc:"what it was done to" example:"session 0190d2a0-0000-7000-8000-000000000001"`
	Detail    string        `json:"detail" doc:"a few words"`
	IP        string        `json:"ip" doc:"where from; hidden when it was somebody else"`
	UserAgent string        `json:"user_agent" doc:"with what; hidden when it was somebody else"`
}

// ActPage is a part of the trail.
type ActPage struct {
	Items []Act  `json:"items"`
	Next  string `json:"next" doc:"the before of the next page; empty: there is none"`
}

const everybody = "all"

type listInput struct {
	User   string `query:"user" maxLength:"36" doc:"whose, by id, or all; empty: your own" example:"all"`
	Action string `query:"action" maxLength:"64" doc:"only these acts" example:"session.start"`
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
	governs := p.User.IsActiveAdmin()
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
	if filter.UserID != p.User.ID && !governs {
		return nil, &httpx.Fault{
			Err: store.ErrForbidden, Detail: "Only administrators see what others did.",
		}
	}
	list, err := s.Store.Acts(ctx, filter)
	if err != nil {
		return nil, err
	}
	out := &listOutput{CacheControl: "no-store", Body: ActPage{Items: []Act{}}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].ID
	}
	for _, a := range list {
		out.Body.Items = append(out.Body.Items, view(a, p.User.ID, governs))
	}
	return out, nil
}

// view hides from users where others work from: an administrator who changed their account. Who
// tried to sign in to it is theirs to know.
func view(a store.Act, viewer string, governs bool) Act {
	v := Act{
		ID: a.ID, At: a.At, Action: a.Action, Outcome: a.Outcome, ActorID: a.ActorID, UserID: a.UserID, Own: a.ActorID == viewer,
		SessionID: a.SessionID, Object: a.Object, Detail: a.Detail, IP: a.IP, UserAgent: a.UserAgent,
	}
	if a.ActorID != "" && !v.Own && !governs {
		v.SessionID, v.IP, v.UserAgent = "", "", ""
	}
	return v
}
