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
	httpx.User
	Disabled  bool      `json:"disabled"`
	Invited   bool      `json:"invited" doc:"whether its owner has yet to choose a password"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (s *Service) newAccount(u store.User) Account {
	return Account{
		User: httpx.NewUser(u, s.Sessions), Disabled: u.Disabled, Invited: u.PasswordHash == "",
		UpdatedAt: u.UpdatedAt,
	}
}

// AccountPage is a page of the list of accounts.
type AccountPage struct {
	Items []Account `json:"items"`
	Next  string    `json:"next" doc:"the before parameter of the next page; empty on the last"`
}

type listInput struct {
	Text     string     `query:"text" maxLength:"120" doc:"a part of the name or of the address; of one or two characters, the beginning of a word" example:"dana"`
	Role     store.Role `query:"role" enum:"candidate,tutor,admin"`
	Disabled string     `query:"disabled" enum:"true,false" doc:"both when empty"`
	Before   string     `query:"before" maxLength:"36" doc:"next of the previous page"`
	Limit    int        `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type listOutput struct{ Body AccountPage }

func (s *Service) listAccounts(ctx context.Context, in *listInput) (*listOutput, error) {
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
	list, out.Body.Next = httpx.Page(list, in.Limit, func(u store.User) string { return u.ID })
	for _, u := range list {
		out.Body.Items = append(out.Body.Items, s.newAccount(u))
	}
	return out, nil
}

type accountInput struct {
	ID string `path:"id" format:"uuid" doc:"the account's id" example:"0190d2a0-0000-7000-8000-000000000001"`
}

type accountOutput struct{ Body Account }

func (s *Service) getAccount(ctx context.Context, in *accountInput) (*accountOutput, error) {
	u, err := s.Store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &accountOutput{Body: s.newAccount(u)}, nil
}

// AccountChange is what administrators can change. Fields that are left out stay as they are.
type AccountChange struct {
	Role     *store.Role `json:"role,omitempty" enum:"candidate,tutor,admin" example:"tutor"`
	Disabled *bool       `json:"disabled,omitempty" doc:"a disabled account is signed out and cannot sign in"`
}

type changeAccountInput struct {
	ID   string `path:"id" format:"uuid" doc:"the account's id" example:"0190d2a0-0000-7000-8000-000000000001"`
	Body AccountChange
}

func (s *Service) changeAccount(ctx context.Context,
	in *changeAccountInput) (*accountOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	newRole := false
	u, ended, err := s.Store.ChangeUser(ctx, in.ID, func(u *store.User) (store.Effects, error) {
		var effects store.Effects
		act := httpx.Act(ctx, "")
		act.UserID, act.Object = u.ID, "user "+u.ID
		newRole = in.Body.Role != nil && *in.Body.Role != u.Role
		if newRole {
			act.Action = store.ActChangeRole
			act.Detail = fmt.Sprintf("%s to %s", u.Role, *in.Body.Role)
			u.Role = *in.Body.Role
			effects.Acts = append(effects.Acts, act)
		}
		if d := in.Body.Disabled; d != nil && *d != u.Disabled {
			act.Action, act.Detail = store.ActEnable, ""
			if u.Disabled = *d; *d {
				act.Action, effects.SignOut = store.ActDisable, true
			}
			effects.Acts = append(effects.Acts, act)
		}
		return effects, nil
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
	s.Sessions.AfterChange(u.ID, ended, "This account was disabled.")
	if newRole {
		if err := s.Sessions.CloseRooms(ctx, u.ID,
			"An administrator changed your role. Come in again."); err != nil {
			return nil, err
		}
	}
	return &accountOutput{Body: s.newAccount(u)}, nil
}
