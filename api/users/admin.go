package users

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// Account is an account as administrators see it.
type Account struct {
	User
	Disabled  bool      `json:"disabled"`
	UpdatedAt time.Time `json:"updated_at"`
}

func account(u store.User) Account {
	return Account{User: view(u), Disabled: u.Disabled, UpdatedAt: u.UpdatedAt}
}

// AccountPage is a part of the list of accounts.
type AccountPage struct {
	Items []Account `json:"items"`
	Next  string    `json:"next" doc:"the before of the next page; empty: there is none"`
}

type listInput struct {
	Text     string     `query:"text" maxLength:"120" doc:"in the name or the address" example:"dana"`
	Role     store.Role `query:"role" enum:"candidate,tutor,admin"`
	Disabled string     `query:"disabled" enum:"true,false" doc:"empty: both"`
	Before   string     `query:"before" maxLength:"36" doc:"the next of the page before"`
	Limit    int        `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type listOutput struct{ Body AccountPage }

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	f := store.UserFilter{Text: in.Text, Role: in.Role, Before: in.Before, Limit: in.Limit + 1}
	if in.Disabled != "" {
		disabled := in.Disabled == "true"
		f.Disabled = &disabled
	}
	list, err := s.Store.Users(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &listOutput{Body: AccountPage{Items: []Account{}}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].ID
	}
	for _, u := range list {
		out.Body.Items = append(out.Body.Items, account(u))
	}
	return out, nil
}

type oneInput struct {
	ID string `path:"id" maxLength:"36" doc:"the account's id" example:"0190d2a0-0000-7000-8000-000000000001"`
}

type oneOutput struct{ Body Account }

func (s *Service) one(ctx context.Context, in *oneInput) (*oneOutput, error) {
	u, err := s.Store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &oneOutput{Body: account(u)}, nil
}

// AccountChange is what administrators change; what is left out stays.
type AccountChange struct {
	Role     *store.Role `json:"role,omitempty" enum:"candidate,tutor,admin" example:"tutor"`
	Disabled *bool       `json:"disabled,omitempty" doc:"whoever is disabled is signed out and cannot sign in"`
}

type governInput struct {
	ID   string `path:"id" maxLength:"36" doc:"the account's id" example:"0190d2a0-0000-7000-8000-000000000001"`
	Body AccountChange
}

func (s *Service) govern(ctx context.Context, in *governInput) (*oneOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	moved := false
	u, ended, err := s.Store.ChangeUser(ctx, in.ID, func(u *store.User) (after store.Effects,
		err error) {
		moved = in.Body.Role != nil && *in.Body.Role != u.Role
		act := httpx.Act(ctx, "")
		act.UserID, act.Object = u.ID, "user "+u.ID
		if moved {
			act.Action, act.Detail = store.ActChangeRole, fmt.Sprintf("%s to %s", u.Role,
				*in.Body.Role)
			u.Role = *in.Body.Role
			after.Acts = append(after.Acts, act)
		}
		if d := in.Body.Disabled; d != nil && *d != u.Disabled {
			act.Action, act.Detail = store.ActEnable, ""
			if u.Disabled = *d; *d {
				act.Action, after.SignOut = store.ActDisable, true
			}
			after.Acts = append(after.Acts, act)
		}
		return after, nil
	})
	if errors.Is(err, store.ErrState) {
		return nil, &httpx.Fault{
			Err: err, Code: "last-administrator",
			Detail: "This is the last administrator. Make somebody else one first.",
		}
	}
	if err != nil {
		return nil, err
	}
	s.Log.Info("an administrator changed an account", "admin", p.User.ID, "user", u.ID)
	s.settled(u.ID, ended, "This account was disabled.")
	if moved {
		if err := s.Sessions.Reseat(ctx, u.ID,
			"An administrator changed your role. Come in again."); err != nil {
			return nil, err
		}
	}
	return &oneOutput{Body: account(u)}, nil
}
