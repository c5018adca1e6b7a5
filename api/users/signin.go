package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// cookieName is the refresh token's cookie. Only /auth sees it.
const (
	cookieName = "bedside_refresh"
	cookiePath = "/auth"
)

const inCookie = "cookie"

// Grant is what signing in gives.
type Grant struct {
	AccessToken  string `json:"access_token" doc:"send it as Authorization: Bearer"`
	TokenType    string `json:"token_type" enum:"Bearer"`
	ExpiresIn    int    `json:"expires_in" doc:"seconds until the access token expires" example:"600"`
	RefreshToken string `json:"refresh_token,omitempty" doc:"only when it does not go into the cookie"`
	SignedOut    int    `json:"signed_out,omitempty" doc:"other devices that were signed out now, because there is a limit to how many may be signed in" example:"0"`
	User         User   `json:"user"`
}

type grantOutput struct {
	SetCookie    string `header:"Set-Cookie"`
	CacheControl string `header:"Cache-Control"`
	Body         Grant
}

// Credentials sign somebody in.
type Credentials struct {
	Email     string `json:"email" maxLength:"254" example:"candidate@demo.bedside"`
	Password  string `json:"password" maxLength:"1000" example:"bedside-demo"`
	RefreshIn string `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token goes: browsers take the cookie, which no script can read"`
}

type loginInput struct{ Body Credentials }

func (s *Service) login(ctx context.Context, in *loginInput) (*signInOutput, error) {
	return s.withPassword(ctx, in.Body, http.StatusOK)
}

func (s *Service) createSession(ctx context.Context, in *loginInput) (*signInOutput, error) {
	return s.withPassword(ctx, in.Body, http.StatusCreated)
}

// withPassword signs somebody in, as far as a password does it; granted is the status of the
// answer when it does.
func (s *Service) withPassword(ctx context.Context, c Credentials,
	granted int) (*signInOutput, error) {
	email, ip := strings.ToLower(strings.TrimSpace(c.Email)), network(ctx)
	if err := s.allow(ctx, "login:"+ip, s.Limits.LoginPerIP); err != nil {
		return nil, err
	}
	account := "login:" + ip + ":" + fingerprint(email)
	if err := s.mayTry(ctx, account, s.Limits.LoginPerAccount); err != nil {
		return nil, err
	}
	u, err := s.Store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	ok, err := s.Passwords.Compare(ctx, u.PasswordHash, c.Password)
	switch {
	case err != nil:
		return nil, busy(err)
	case !ok:
		if err := s.refused(ctx, u.ID, "wrong address or password"); err != nil {
			return nil, err
		}
		if err := s.allow(ctx, account, s.Limits.LoginPerAccount); err != nil {
			return nil, err
		}
		return nil, &httpx.Fault{
			Err: store.ErrUnauthenticated, Code: "wrong-credentials",
			Detail: "The address or the password is wrong.",
		}
	case u.Disabled:
		if err := s.refused(ctx, u.ID, "the account is disabled"); err != nil {
			return nil, err
		}
		return nil, errDisabled
	}
	return s.enter(ctx, u, c.RefreshIn, granted)
}

var errDisabled = &httpx.Fault{
	Err: store.ErrForbidden, Code: "account-disabled",
	Detail: "This account is disabled. Ask an administrator.",
}

// stale gives words to a password that was changed while somebody signed in with it.
func stale(err error) error {
	if errors.Is(err, store.ErrUnauthenticated) {
		return &httpx.Fault{
			Err: err, Code: "wrong-credentials",
			Detail: "The password was changed a moment ago. Sign in with the new one.",
		}
	}
	return err
}

// refused notes that somebody could not sign in to an account, which may be none.
func (s *Service) refused(ctx context.Context, userID, why string) error {
	act := httpx.Act(ctx, store.ActSignIn)
	act.UserID, act.Outcome, act.Detail = userID, store.OutcomeRefused, why
	return s.Store.Record(ctx, act)
}

func (s *Service) signIn(ctx context.Context, u store.User,
	refreshIn string) (*grantOutput, error) {
	var device auth.Device
	if r := httpx.RequestFrom(ctx); r != nil {
		device = auth.Device{IP: r.IP, UserAgent: r.Agent, Fingerprint: r.Fingerprint()}
	}
	g, err := s.Sessions.Start(ctx, u, device)
	if err != nil {
		return nil, stale(err)
	}
	act := httpx.Act(ctx, store.ActSignIn)
	act.ActorID, act.UserID, act.SessionID = u.ID, u.ID, g.SessionID
	if err := s.Store.Record(ctx, act); err != nil {
		return nil, err
	}
	if g.SignedOut > 0 {
		letter := s.letter(ctx, store.LetterDeviceEnded)
		letter.UserID, letter.What = u.ID, "you are signed in on as many as one account may be, and it was the one not seen for longest"
		if err := s.Store.ApplyEffects(ctx, store.Effects{Jobs: []store.Job{letter}}); err != nil {
			return nil, err
		}
	}
	return granted(ctx, g, refreshIn == inCookie), nil
}

func granted(ctx context.Context, g auth.Grant, cookie bool) *grantOutput {
	out := &grantOutput{CacheControl: "no-store", Body: Grant{
		AccessToken: g.Access, TokenType: "Bearer", ExpiresIn: int(g.AccessTTL / time.Second), SignedOut: g.SignedOut, User: view(g.User),
	}}
	if cookie {
		out.SetCookie = refreshCookie(ctx, g.Refresh, g.RefreshExpiresAt)
	} else {
		out.Body.RefreshToken = g.Refresh
	}
	return out
}

// refreshCookie is the Set-Cookie header for a token; an empty token clears the cookie.
func refreshCookie(ctx context.Context, token string, expires time.Time) string {
	c := http.Cookie{
		Name: cookieName, Value: token, Path: cookiePath, Expires: expires, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
	if r := httpx.RequestFrom(ctx); r != nil {
		c.Secure = r.Secure
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// RefreshRequest carries a refresh token that is not in a cookie.
type RefreshRequest struct {
	RefreshToken string `json:"refresh_token,omitempty" maxLength:"200"`
}

type refreshInput struct {
	Cookie string `cookie:"bedside_refresh"`
	Body   *RefreshRequest
}

// pick takes the refresh token from body or cookie.
func pick(body *RefreshRequest, inCookie string) (token string, cookie bool) {
	if body != nil && body.RefreshToken != "" {
		return body.RefreshToken, false
	}
	return inCookie, inCookie != ""
}

func (s *Service) refresh(ctx context.Context, in *refreshInput) (*grantOutput, error) {
	token, cookie := pick(in.Body, in.Cookie)
	if token == "" {
		return nil, &httpx.Fault{
			Err: store.ErrUnauthenticated, Detail: "There is no refresh token: sign in.",
		}
	}
	if err := s.allow(ctx, "refresh:"+network(ctx), s.Limits.RefreshPerIP); err != nil {
		return nil, err
	}
	g, err := s.Sessions.Refresh(ctx, token)
	switch {
	case errors.Is(err, store.ErrReused):
		act := httpx.Act(ctx, store.ActReuse)
		act.UserID, act.SessionID, act.Outcome = g.User.ID, g.SessionID, store.OutcomeRefused
		if err := s.Store.Record(ctx, act); err != nil {
			return nil, err
		}
		return nil, &httpx.Fault{
			Err: err, Code: "refresh-reused",
			Detail: "This refresh token was replaced long ago. For safety the session has ended: sign in again.",
		}
	case errors.Is(err, store.ErrUnauthenticated):
		return nil, &httpx.Fault{Err: err, Code: "session-ended", Detail: why(g.Ended)}
	case err != nil:
		return nil, err
	}
	return granted(ctx, g, cookie), nil
}

// why says to whoever used a session why it ended.
func why(r store.EndReason) string {
	switch r {
	case store.EndSignedOut:
		return "You signed out: sign in again."
	case store.EndLimit:
		return "This device was signed out because you signed in on too many others: sign in again."
	case store.EndReused:
		return "A refresh token was used twice, so this device was signed out for safety: sign in again."
	case store.EndRevoked:
		return "This device was signed out from elsewhere: sign in again."
	}
	return "The session has ended: sign in again."
}

type logoutInput struct {
	Authorization string `header:"Authorization" hidden:"true"`
	Cookie        string `cookie:"bedside_refresh"`
	Body          *RefreshRequest
}

type logoutOutput struct {
	SetCookie string `header:"Set-Cookie"`
}

func (s *Service) logout(ctx context.Context, in *logoutInput) (*logoutOutput, error) {
	p, err := s.whose(ctx, in)
	if err != nil {
		return nil, err
	}
	err = s.Sessions.End(ctx, p.SessionID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		act := httpx.Act(ctx, store.ActSignOut)
		act.ActorID, act.UserID, act.SessionID = p.User.ID, p.User.ID, p.SessionID
		if err := s.Store.Record(ctx, act); err != nil {
			return nil, err
		}
	}
	return &logoutOutput{SetCookie: refreshCookie(ctx, "", time.Time{})}, nil
}

// whose finds the session to end: the refresh token's, or else the access token's.
func (s *Service) whose(ctx context.Context, in *logoutInput) (auth.Principal, error) {
	if token, _ := pick(in.Body, in.Cookie); token != "" {
		if id, err := s.Sessions.SessionOf(token); err == nil {
			u, err := s.Sessions.Owner(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				err = nil // it is gone already
			}
			return auth.Principal{User: store.User{ID: u}, SessionID: id}, err
		}
	}
	scheme, access, _ := strings.Cut(in.Authorization, " ")
	if !strings.EqualFold(scheme, "bearer") || access == "" {
		return auth.Principal{}, &httpx.Fault{
			Err: store.ErrUnauthenticated, Detail: "Nobody is signed in here.",
		}
	}
	return s.Sessions.Authenticate(ctx, access)
}

// fingerprint stands for an address in keys, so that no address is kept with the limits.
func fingerprint(email string) string {
	h := sha256.Sum256([]byte(email))
	return hex.EncodeToString(h[:12])
}
