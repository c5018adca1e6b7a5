package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// Passkeys keeps passkeys and the challenges for them; store/postgres does.
type Passkeys interface {
	BeginCeremony(ctx context.Context, c store.Ceremony) error
	TakeCeremony(ctx context.Context, hash []byte, now time.Time) (store.Ceremony, error)
	Passkeys(ctx context.Context, userID string) ([]store.Passkey, error)
	AddPasskey(ctx context.Context, p store.Passkey, after store.Effects) (store.Passkey, error)
	UsePasskey(ctx context.Context, userID string, credentialID, credential []byte,
		now time.Time) error
	RemovePasskey(ctx context.Context, userID, id string,
		after func(store.User, store.Passkey) store.Effects) error
}

func (s *Service) passkeyRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "begin-passkey-sign-in", Method: http.MethodPost, Path: "/auth/passkeys/begin", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Begin to sign in with a passkey", Description: "Gives what navigator.credentials.get asks for. It is good for five minutes, once.",
		Errors: []int{http.StatusConflict, http.StatusTooManyRequests},
	}, s.beginPasskeySignIn)
	httpx.Register(api, huma.Operation{
		OperationID: "finish-passkey-sign-in", Method: http.MethodPost, Path: "/auth/passkeys/finish", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Sign in with a passkey", Description: "A passkey is both factors: it is something one has, and it asks for a finger, a face or a PIN.",
		Errors: []int{
			http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict,
			http.StatusTooManyRequests,
		},
	}, s.finishPasskeySignIn)
	httpx.Register(api, huma.Operation{
		OperationID: "begin-passkey", Method: http.MethodPost, Path: "/api/users/profile/factors/passkeys/begin", Tags: []string{"factors"},
		Summary: "Begin to add a passkey", Description: "Gives what navigator.credentials.create asks for. Needs a recent proof of who you are.",
		Errors: []int{http.StatusForbidden, http.StatusConflict},
	}, s.beginPasskey)
	httpx.Register(api, huma.Operation{
		OperationID: "add-passkey", Method: http.MethodPost, Path: "/api/users/profile/factors/passkeys", Tags: []string{"factors"}, DefaultStatus: http.StatusCreated,
		Summary: "Add a passkey", Description: "Needs a recent proof of who you are.",
		Errors: []int{http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity},
	}, s.addPasskey)
	httpx.Register(api, huma.Operation{
		OperationID: "remove-passkey", Method: http.MethodDelete, Path: "/api/users/profile/factors/passkeys/{id}", Tags: []string{"factors"},
		Summary: "Remove a passkey", Description: "Needs a recent proof of who you are.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.removePasskey)
}

// relyingParty is this server as WebAuthn sees it: the public address or, where none is set,
// localhost as the request names it. Passkeys are bound to a name, so that there are none for a
// bare network address.
func (s *Service) relyingParty(ctx context.Context) (*webauthn.WebAuthn, error) {
	origin := strings.TrimSuffix(s.PublicURL, "/")
	if r := httpx.RequestFrom(ctx); origin == "" && r != nil {
		origin = "http://" + r.Host
	}
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil || s.PublicURL == "" &&
		u.Hostname() != "localhost" {
		return nil, &httpx.Fault{
			Err: store.ErrState, Code: "no-passkeys",
			Detail: "Passkeys need the server's public name: open it as localhost, or ask its operator to set public_url.",
		}
	}
	host := u.Host // which browsers tell without the scheme's own port
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" &&
		port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return webauthn.New(&webauthn.Config{
		RPID: strings.ToLower(u.Hostname()), RPDisplayName: "Bedside", RPOrigins: []string{
			u.Scheme + "://" + strings.ToLower(host),
		},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
}

// holder is a user as WebAuthn sees one.
type holder struct {
	user        store.User
	credentials []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return handle(h.user.ID) }
func (h holder) WebAuthnName() string                       { return h.user.Email }
func (h holder) WebAuthnDisplayName() string                { return h.user.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

// handle is what an authenticator keeps of a user: no name, no address.
func handle(userID string) []byte {
	id, err := uuid.Parse(userID)
	if err != nil {
		return nil
	}
	return id[:]
}

func (s *Service) holder(ctx context.Context, u store.User) (holder, error) {
	list, err := s.Store.Passkeys(ctx, u.ID)
	if err != nil {
		return holder{}, err
	}
	h := holder{user: u}
	for _, p := range list {
		var c webauthn.Credential
		if err := json.Unmarshal(p.Credential, &c); err != nil {
			return holder{}, fmt.Errorf("passkey %s: %w", p.ID, err)
		}
		h.credentials = append(h.credentials, c)
	}
	return h, nil
}

// Question is what a browser asks an authenticator.
type Question struct {
	Ticket  string         `json:"ticket" doc:"to be sent with the answer"`
	Options map[string]any `json:"options" doc:"PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON of WebAuthn"`
}

type questionOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Question
}

// ask keeps a challenge and gives it to the browser.
func (s *Service) ask(ctx context.Context, userID string, options any,
	session *webauthn.SessionData) (*questionOutput, error) {
	data, err := json.Marshal(session)
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	b, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	out := &questionOutput{CacheControl: "no-store"}
	if err := json.Unmarshal(b, &out.Body.Options); err != nil {
		return nil, fmt.Errorf("ceremony: %w", err)
	}
	ticket, hash := auth.NewMailToken()
	out.Body.Ticket = ticket
	return out, s.Store.BeginCeremony(ctx, store.Ceremony{
		Hash: hash, UserID: userID, Data: data, ExpiresAt: s.Clock().Add(store.CeremonyLifetime),
	})
}

var errCeremonyGone = &httpx.Fault{
	Err: store.ErrUnauthenticated, Code: "sign-in-expired",
	Detail: "This took too long. Try again.",
}

// take finds the challenge of a ticket, once.
func (s *Service) take(ctx context.Context, ticket,
	userID string) (session webauthn.SessionData, err error) {
	hash, err := auth.MailTokenHash(ticket)
	if err != nil {
		return session, errCeremonyGone
	}
	c, err := s.Store.TakeCeremony(ctx, hash, s.Clock())
	if errors.Is(err, store.ErrNotFound) || err == nil && c.UserID != userID {
		return session, errCeremonyGone
	}
	if err != nil {
		return session, err
	}
	return session, json.Unmarshal(c.Data, &session)
}

func (s *Service) beginPasskey(ctx context.Context, _ *struct{}) (*questionOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	party, err := s.relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.User(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	h, err := s.holder(ctx, u)
	if err != nil {
		return nil, err
	}
	creation, session, err := party.BeginRegistration(h,
		webauthn.WithExclusions(webauthn.Credentials(h.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return s.ask(ctx, u.ID, creation.Response, session)
}

// NewPasskey is an authenticator's answer to a request for a passkey.
type NewPasskey struct {
	Ticket     string         `json:"ticket" minLength:"1" maxLength:"200"`
	Name       string         `json:"name" minLength:"1" maxLength:"60" doc:"for you to tell it from others" example:"My phone"`
	Credential map[string]any `json:"credential" doc:"RegistrationResponseJSON of WebAuthn"`
}

type addPasskeyInput struct{ Body NewPasskey }

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID         string     `json:"id" format:"uuid"`
	Name       string     `json:"name" example:"My phone"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
}

func viewPasskey(p store.Passkey) Passkey {
	return Passkey{ID: p.ID, Name: p.Name, CreatedAt: p.CreatedAt, LastUsedAt: p.LastUsedAt}
}

type passkeyOutput struct{ Body Passkey }

func (s *Service) addPasskey(ctx context.Context, in *addPasskeyInput) (*passkeyOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	party, err := s.relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	session, err := s.take(ctx, in.Body.Ticket, p.User.ID)
	if err != nil {
		return nil, notSigningIn(err)
	}
	bad := func(err error) error {
		return &httpx.Fault{
			Err: fmt.Errorf("%w: %w", store.ErrInvalid, err), Code: "bad-passkey",
			Detail: "This passkey cannot be used. Try again, or take another device.",
		}
	}
	answer, err := parsed(in.Body.Credential, protocol.ParseCredentialCreationResponseBytes)
	if err != nil {
		return nil, bad(err)
	}
	u, err := s.Store.User(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	c, err := party.CreateCredential(holder{user: u}, session, answer)
	if err != nil {
		return nil, bad(err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	name := strings.TrimSpace(in.Body.Name)
	if name == "" {
		return nil, &httpx.Fault{Err: store.ErrInvalid, Detail: "Give the passkey a name."}
	}
	kept, err := s.Store.AddPasskey(ctx, store.Passkey{
		UserID: u.ID, CredentialID: c.ID, Credential: b, Name: name,
	},
		s.noted(ctx, store.ActAddFactor, store.LetterFactorAdded, u, "a passkey"))
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, &httpx.Fault{
			Err: err, Code: "passkey-known", Detail: "This passkey is known already.",
		}
	case errors.Is(err, store.ErrLimit):
		return nil, &httpx.Fault{
			Err: store.ErrState, Code: "too-many-passkeys",
			Detail: fmt.Sprintf("An account may have %d passkeys. Remove one first.",
				store.MaxPasskeys),
		}
	}
	return &passkeyOutput{Body: viewPasskey(kept)}, err
}

// notSigningIn keeps a signed-in browser from taking a stale ticket for the end of its session.
func notSigningIn(err error) error {
	if errors.Is(err, store.ErrUnauthenticated) {
		return &httpx.Fault{
			Err: store.ErrInvalid, Code: "sign-in-expired", Detail: errCeremonyGone.Detail,
		}
	}
	return err
}

// parsed reads an authenticator's answer.
func parsed[T any](credential map[string]any, parse func([]byte) (*T, error)) (*T, error) {
	b, err := json.Marshal(credential)
	if err != nil {
		return nil, err
	}
	return parse(b)
}

type passkeyInput struct {
	ID string `path:"id" maxLength:"36" doc:"the passkey's id"`
}

func (s *Service) removePasskey(ctx context.Context, in *passkeyInput) (*struct{}, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.RemovePasskey(ctx, p.User.ID, in.ID, func(u store.User,
		k store.Passkey) store.Effects {
		return s.noted(ctx, store.ActRemoveFactor, store.LetterFactorRemoved, u, "a passkey")
	})
}

func (s *Service) beginPasskeySignIn(ctx context.Context, _ *struct{}) (*questionOutput, error) {
	if err := s.allow(ctx, "login:"+network(ctx), s.Limits.LoginPerIP); err != nil {
		return nil, err
	}
	party, err := s.relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	assertion, session, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return s.ask(ctx, "", assertion.Response, session)
}

// PasskeyAnswer is an authenticator's answer to a sign-in.
type PasskeyAnswer struct {
	Ticket     string         `json:"ticket" minLength:"1" maxLength:"200"`
	Credential map[string]any `json:"credential" doc:"AuthenticationResponseJSON of WebAuthn"`
	RefreshIn  string         `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token goes: browsers take the cookie, which no script can read"`
}

type passkeySignInInput struct{ Body PasskeyAnswer }

func (s *Service) finishPasskeySignIn(ctx context.Context,
	in *passkeySignInInput) (*grantOutput, error) {
	if err := s.allow(ctx, "login:"+network(ctx), s.Limits.LoginPerIP); err != nil {
		return nil, err
	}
	party, err := s.relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	session, err := s.take(ctx, in.Body.Ticket, "")
	if err != nil {
		return nil, err
	}
	wrong := func(err error) error {
		return &httpx.Fault{
			Err: fmt.Errorf("%w: %w", store.ErrUnauthenticated, err), Code: "wrong-passkey",
			Detail: "This passkey is not known here. Sign in with your password.",
		}
	}
	answer, err := parsed(in.Body.Credential, protocol.ParseCredentialRequestResponseBytes)
	if err != nil {
		return nil, wrong(err)
	}
	var h holder
	var outage error
	_, c, err := party.ValidatePasskeyLogin(func(_, userHandle []byte) (webauthn.User, error) {
		id, err := uuid.FromBytes(userHandle)
		if err != nil {
			return nil, err
		}
		u, err := s.Store.User(ctx, id.String())
		if err == nil {
			h, err = s.holder(ctx, u)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			outage = err
		}
		return h, err
	}, session, answer)
	if err == nil && c.Authenticator.CloneWarning {
		err = errors.New("it has counted no further: there may be a copy")
	}
	switch {
	case outage != nil:
		return nil, outage
	case err != nil:
		if h.user.ID != "" {
			if err := s.refused(ctx, h.user.ID, "wrong or copied passkey"); err != nil {
				return nil, err
			}
		}
		return nil, wrong(err)
	case h.user.Disabled:
		if err := s.refused(ctx, h.user.ID, "the account is disabled"); err != nil {
			return nil, err
		}
		return nil, errDisabled
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	if err := s.Store.UsePasskey(ctx, h.user.ID, c.ID, b, s.Clock()); err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActUseFactor)
	act.ActorID, act.UserID, act.Object = h.user.ID, h.user.ID, "a passkey"
	if err := s.Store.Record(ctx, act); err != nil {
		return nil, err
	}
	return s.signIn(ctx, h.user, in.Body.RefreshIn)
}
