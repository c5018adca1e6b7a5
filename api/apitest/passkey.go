package apitest

import (
	"encoding/json"
	"testing"

	"bedside/api/auth"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
)

// PasskeyOrigin is the public URL of a server that passkeys of NewPhone are for.
const PasskeyOrigin = "https://practice.example.org"

// Paths of the operations on passkeys.
const (
	PasskeysPath            = "/api/users/profile/factors/passkeys"
	BeginPasskeyPath        = PasskeysPath + "/begin"
	BeginPasskeySignInPath  = "/auth/passkeys/begin"
	FinishPasskeySignInPath = "/auth/passkeys/finish"
)

// Phone is an authenticator with one passkey.
type Phone struct {
	Authenticator virtualwebauthn.Authenticator
	Key           virtualwebauthn.Credential
	party         virtualwebauthn.RelyingParty
}

// NewPhone returns an authenticator of a user, for the site at origin.
func NewPhone(t testing.TB, userID, origin string) *Phone {
	t.Helper()
	id, err := uuid.Parse(userID)
	if err != nil {
		t.Fatal(err)
	}
	return &Phone{
		party: virtualwebauthn.RelyingParty{
			Name: "Bedside", ID: "practice.example.org", Origin: origin,
		},
		Authenticator: virtualwebauthn.NewAuthenticatorWithOptions(
			virtualwebauthn.AuthenticatorOptions{UserHandle: id[:]}),
		Key: newKey(),
	}
}

// newKey returns a key whose coordinates both have 32 bytes. virtualwebauthn leaves out leading
// zeros, which one key in 128 has, and COSE forbids that (RFC 9053, section 7.1.1).
func newKey() virtualwebauthn.Credential {
	const whole = 77 // bytes of a COSE key on P-256
	for {
		key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(key.Key.AttestationData()) == whole {
			return key
		}
	}
}

// Create answers a request to make a passkey.
func (p *Phone) Create(t testing.TB, q auth.Question) map[string]any {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(options(t, q))
	if err != nil {
		t.Fatal(err)
	}
	return object(
		t,
		virtualwebauthn.CreateAttestationResponse(p.party, p.Authenticator, p.Key, *o),
	)
}

// SignIn answers a request to sign in.
func (p *Phone) SignIn(t testing.TB, q auth.Question) map[string]any {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(options(t, q))
	if err != nil {
		t.Fatal(err)
	}
	p.Key.Counter++
	return object(t, virtualwebauthn.CreateAssertionResponse(p.party, p.Authenticator, p.Key, *o))
}

func options(t testing.TB, q auth.Question) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"publicKey": q.Options})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func object(t testing.TB, text string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Question begins a passkey ceremony at one of the two Begin paths.
func (c *Client) Question(t testing.TB, path string) (q auth.Question) {
	t.Helper()
	c.Do(t, "POST", path, nil).Expect(t, 200).Decode(t, &q)
	return q
}
