package signin

import (
	"context"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// Grant is the answer to signing in and to refreshing.
type Grant struct {
	AccessToken  string     `json:"access_token" doc:"send it as Authorization: Bearer"`
	TokenType    string     `json:"token_type" enum:"Bearer"`
	ExpiresIn    int        `json:"expires_in" doc:"seconds until the access token expires" example:"600"`
	RefreshToken string     `json:"refresh_token,omitempty" doc:"unless it is in the cookie"`
	SignedOut    int        `json:"signed_out,omitempty" doc:"other devices that were signed out now, because only so many may be signed in" example:"0"`
	User         httpx.User `json:"user"`
}

type grantOutput struct {
	SetCookie    []string `header:"Set-Cookie"`
	CacheControl string   `header:"Cache-Control"`
	Body         Grant
}

// startSession signs the device that makes the request in to an account.
func (s *Service) startSession(ctx context.Context, u store.User,
	refreshIn string) (*grantOutput, error) {
	var device auth.Device
	if r := httpx.RequestFrom(ctx); r != nil {
		device = auth.Device{IP: r.IP, UserAgent: r.Agent, Fingerprint: r.Fingerprint()}
	}
	g, err := s.Sessions.Start(ctx, u, device)
	if err != nil {
		return nil, passwordChanged(err)
	}
	act := httpx.Act(ctx, store.ActSignIn)
	act.ActorID, act.UserID, act.SessionID = u.ID, u.ID, g.SessionID
	if err := s.Store.Record(ctx, act); err != nil {
		return nil, err
	}
	if g.SignedOut > 0 {
		mail := httpx.NewMail(ctx, store.MailDeviceEnded, s.Clock())
		mail.UserID = u.ID
		mail.What = "you are signed in on as many as one account may be, and it was the one not " +
			"seen for longest"
		if err := s.Store.ApplyEffects(ctx,
			store.Effects{Jobs: []store.Job{mail}}); err != nil {
			return nil, err
		}
	}
	out := s.newGrant(ctx, g, refreshIn == "cookie")
	out.SetCookie = append(out.SetCookie, s.rememberDevice(ctx, u.ID))
	return out, nil
}

func (s *Service) newGrant(ctx context.Context, g auth.Grant, inCookie bool) *grantOutput {
	out := &grantOutput{CacheControl: "no-store", Body: Grant{
		AccessToken: g.Access, TokenType: "Bearer", ExpiresIn: int(g.AccessTTL / time.Second),
		SignedOut: g.SignedOut, User: httpx.NewUser(g.User, s.Sessions),
	}}
	if inCookie {
		out.SetCookie = httpx.SetRefreshCookie(ctx, g.Refresh, g.RefreshExpiresAt)
	} else {
		out.Body.RefreshToken = g.Refresh
	}
	return out
}
