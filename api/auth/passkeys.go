package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"bedside/store"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// Errors of passkey ceremonies.
var (
	// ErrNoPasskeys is returned when the server has no host name that a passkey could be bound to.
	ErrNoPasskeys = fmt.Errorf("passkeys need a host name: %w", store.ErrState)
	// ErrCeremonyExpired is returned when a ticket is unknown, used or older than five minutes, or
	// was issued to somebody else.
	ErrCeremonyExpired = fmt.Errorf("the passkey ceremony has %w", store.ErrExpired)
	// ErrBadPasskey is returned when an authenticator's answer is malformed, does not fit the
	// challenge, or is by a passkey that is not known here or seems to have been copied.
	ErrBadPasskey = fmt.Errorf("the passkey is not accepted: %w", store.ErrInvalid)
)

// PasskeyStore keeps passkeys and challenges; store/postgres implements it.
type PasskeyStore interface {
	BeginCeremony(ctx context.Context, c store.Ceremony) error
	TakeCeremony(ctx context.Context, hash []byte, now time.Time) (store.Ceremony, error)
	Passkeys(ctx context.Context, userID string) ([]store.Passkey, error)
}

// Passkeys runs WebAuthn ceremonies. A ceremony has two requests: the first returns a challenge,
// which the browser passes to an authenticator (a phone, a security key), and a ticket; the second
// brings the ticket and the authenticator's answer. A ticket works once, for five minutes.
//
// Passkeys are bound to a host name: that of PublicURL or, when it is empty, localhost if the
// request names the server so. The methods take the request's Host header for that.
type Passkeys struct {
	Store     PasskeyStore
	PublicURL string
	Clock     func() time.Time
}

// Question is what a browser passes to an authenticator.
type Question struct {
	Ticket  string         `json:"ticket" doc:"to be sent with the answer"`
	Options map[string]any `json:"options" doc:"PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON of WebAuthn"`
}

// BeginRegistration begins to add a passkey to a user's account.
func (p *Passkeys) BeginRegistration(ctx context.Context, host string, u store.User) (Question,
	error) {
	party, err := p.relyingParty(host)
	if err != nil {
		return Question{}, err
	}
	owner, err := p.owner(ctx, u)
	if err != nil {
		return Question{}, err
	}
	creation, session, err := party.BeginRegistration(owner,
		webauthn.WithExclusions(webauthn.Credentials(owner.credentials).CredentialDescriptors()))
	if err != nil {
		return Question{}, fmt.Errorf("passkey: %w", err)
	}
	return p.begin(ctx, u.ID, creation.Response, session)
}

// FinishRegistration checks an authenticator's answer to BeginRegistration, and returns the new
// passkey without a name. The caller stores it.
func (p *Passkeys) FinishRegistration(ctx context.Context, host string, u store.User,
	ticket string, answer map[string]any) (store.Passkey, error) {
	party, err := p.relyingParty(host)
	if err != nil {
		return store.Passkey{}, err
	}
	session, err := p.finish(ctx, ticket, u.ID)
	if err != nil {
		return store.Passkey{}, err
	}
	parsed, err := parseAnswer(answer, protocol.ParseCredentialCreationResponseBytes)
	if err != nil {
		return store.Passkey{}, fmt.Errorf("%w: %w", ErrBadPasskey, err)
	}
	c, err := party.CreateCredential(passkeyOwner{user: u}, session, parsed)
	if err != nil {
		return store.Passkey{}, fmt.Errorf("%w: %w", ErrBadPasskey, err)
	}
	return storedPasskey(u, c)
}

// BeginSignIn begins to sign somebody in, who is not known yet.
func (p *Passkeys) BeginSignIn(ctx context.Context, host string) (Question, error) {
	party, err := p.relyingParty(host)
	if err != nil {
		return Question{}, err
	}
	assertion, session, err := party.BeginDiscoverableLogin(
		webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Question{}, fmt.Errorf("passkey: %w", err)
	}
	return p.begin(ctx, "", assertion.Response, session)
}

// FinishSignIn checks an authenticator's answer to BeginSignIn. It returns the user that find
// finds by the id in the answer, and the passkey in its new state, which the caller stores. With
// ErrBadPasskey it also returns the user if the answer names one.
func (p *Passkeys) FinishSignIn(ctx context.Context, host, ticket string, answer map[string]any,
	find func(ctx context.Context, userID string) (store.User, error)) (store.User, store.Passkey,
	error) {
	party, err := p.relyingParty(host)
	if err != nil {
		return store.User{}, store.Passkey{}, err
	}
	session, err := p.finish(ctx, ticket, "")
	if err != nil {
		return store.User{}, store.Passkey{}, err
	}
	parsed, err := parseAnswer(answer, protocol.ParseCredentialRequestResponseBytes)
	if err != nil {
		return store.User{}, store.Passkey{}, fmt.Errorf("%w: %w", ErrBadPasskey, err)
	}
	var owner passkeyOwner
	var outage error // the library replaces the error of the function below
	_, c, err := party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		id, err := uuid.FromBytes(handle)
		if err != nil {
			return nil, err
		}
		u, err := find(ctx, id.String())
		if err == nil {
			owner, err = p.owner(ctx, u)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			outage = err
		}
		return owner, err
	}, session, parsed)
	if err == nil && c.Authenticator.CloneWarning {
		err = errors.New("its counter did not increase: there may be a copy")
	}
	switch {
	case outage != nil:
		return store.User{}, store.Passkey{}, outage
	case err != nil:
		return owner.user, store.Passkey{}, fmt.Errorf("%w: %w", ErrBadPasskey, err)
	}
	used, err := storedPasskey(owner.user, c)
	return owner.user, used, err
}

// relyingParty returns this server as WebAuthn sees it.
func (p *Passkeys) relyingParty(host string) (*webauthn.WebAuthn, error) {
	origin := strings.TrimSuffix(p.PublicURL, "/")
	if origin == "" {
		origin = "http://" + host
	}
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil ||
		p.PublicURL == "" && u.Hostname() != "localhost" {
		return nil, ErrNoPasskeys
	}
	// Browsers leave the scheme's default port out of an origin.
	originHost := u.Host
	if port := u.Port(); u.Scheme == "https" && port == "443" ||
		u.Scheme == "http" && port == "80" {
		originHost = strings.TrimSuffix(originHost, ":"+port)
	}
	return webauthn.New(&webauthn.Config{
		RPID: strings.ToLower(u.Hostname()), RPDisplayName: "Bedside",
		RPOrigins: []string{u.Scheme + "://" + strings.ToLower(originHost)},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:      protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
	})
}

// begin stores a challenge and returns it for the browser.
func (p *Passkeys) begin(ctx context.Context, userID string, options any,
	session *webauthn.SessionData) (q Question, err error) {
	data, err := json.Marshal(session)
	if err != nil {
		return q, fmt.Errorf("ceremony: %w", err)
	}
	b, err := json.Marshal(options)
	if err != nil {
		return q, fmt.Errorf("ceremony: %w", err)
	}
	if err := json.Unmarshal(b, &q.Options); err != nil {
		return q, fmt.Errorf("ceremony: %w", err)
	}
	var hash []byte
	q.Ticket, hash = NewOneTimeToken()
	return q, p.Store.BeginCeremony(ctx, store.Ceremony{
		Hash: hash, UserID: userID, Data: data, ExpiresAt: p.Clock().Add(store.CeremonyLifetime),
	})
}

// finish removes the challenge of a ticket from the store and returns it.
func (p *Passkeys) finish(ctx context.Context, ticket,
	userID string) (session webauthn.SessionData, err error) {
	hash, err := HashOneTimeToken(ticket)
	if err != nil {
		return session, ErrCeremonyExpired
	}
	c, err := p.Store.TakeCeremony(ctx, hash, p.Clock())
	if errors.Is(err, store.ErrNotFound) || err == nil && c.UserID != userID {
		return session, ErrCeremonyExpired
	}
	if err != nil {
		return session, err
	}
	return session, json.Unmarshal(c.Data, &session)
}

// passkeyOwner is a user as WebAuthn sees one.
type passkeyOwner struct {
	user        store.User
	credentials []webauthn.Credential
}

func (o passkeyOwner) WebAuthnName() string                       { return o.user.Email }
func (o passkeyOwner) WebAuthnDisplayName() string                { return o.user.Name }
func (o passkeyOwner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// WebAuthnID returns what an authenticator stores about a user: no name and no address.
func (o passkeyOwner) WebAuthnID() []byte {
	id, err := uuid.Parse(o.user.ID)
	if err != nil {
		return nil
	}
	return id[:]
}

func (p *Passkeys) owner(ctx context.Context, u store.User) (passkeyOwner, error) {
	list, err := p.Store.Passkeys(ctx, u.ID)
	if err != nil {
		return passkeyOwner{}, err
	}
	o := passkeyOwner{user: u}
	for _, k := range list {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Credential, &c); err != nil {
			return passkeyOwner{}, fmt.Errorf("passkey %s: %w", k.ID, err)
		}
		o.credentials = append(o.credentials, c)
	}
	return o, nil
}

func storedPasskey(u store.User, c *webauthn.Credential) (store.Passkey, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return store.Passkey{}, fmt.Errorf("passkey: %w", err)
	}
	return store.Passkey{UserID: u.ID, CredentialID: c.ID, Credential: b}, nil
}

func parseAnswer[T any](answer map[string]any, parse func([]byte) (*T, error)) (*T, error) {
	b, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return parse(b)
}
