package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/users"
	"bedside/store"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
)

// phone is an authenticator with one passkey.
type phone struct {
	party virtualwebauthn.RelyingParty
	self  virtualwebauthn.Authenticator
	key   virtualwebauthn.Credential
}

func newPhone(t *testing.T, userID, origin string) *phone {
	t.Helper()
	id, err := uuid.Parse(userID)
	if err != nil {
		t.Fatal(err)
	}
	return &phone{
		party: virtualwebauthn.RelyingParty{
			Name: "Bedside", ID: "practice.example.org", Origin: origin,
		},
		self: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{
			UserHandle: id[:],
		}),
		key: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2),
	}
}

func options(t *testing.T, q users.Question) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"publicKey": q.Options})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func object(t *testing.T, text string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// create answers a request for a passkey.
func (p *phone) create(t *testing.T, q users.Question) map[string]any {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(options(t, q))
	if err != nil {
		t.Fatal(err)
	}
	return object(t, virtualwebauthn.CreateAttestationResponse(p.party, p.self, p.key, *o))
}

// get answers a sign-in.
func (p *phone) get(t *testing.T, q users.Question) map[string]any {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(options(t, q))
	if err != nil {
		t.Fatal(err)
	}
	p.key.Counter++
	return object(t, virtualwebauthn.CreateAssertionResponse(p.party, p.self, p.key, *o))
}

func (p *person) question(t *testing.T, path string) (q users.Question) {
	t.Helper()
	p.do(t, "POST", path, nil).expect(t, 200).into(t, &q)
	return q
}

const (
	beginKey    = "/api/users/profile/factors/passkeys/begin"
	keys        = "/api/users/profile/factors/passkeys"
	beginSignIn = "/auth/passkeys/begin"
	endSignIn   = "/auth/passkeys/finish"
	origin      = "https://practice.example.org"
)

func TestPasskeys(t *testing.T) {
	s := newServer(t, func(c *api.Config, _ *api.Deps) {
		c.PublicURL = "https://Practice.example.org:443/"
	})
	p := s.registered(t, address())
	ph := newPhone(t, p.id, origin)
	q := p.question(t, beginKey)
	answer := map[string]any{"ticket": q.Ticket, "name": "My phone", "credential": ph.create(t, q)}
	var key users.Passkey
	p.do(t, "POST", keys, answer).expect(t, 201).into(t, &key)
	p.do(t, "POST", keys, answer).problem(t, 422, "sign-in-expired")
	if f := p.factors(t); len(f.Passkeys) != 1 || f.Passkeys[0].Name != "My phone" ||
		f.Passkeys[0].LastUsedAt != nil {
		t.Errorf("factors %+v", f)
	}
	post.letter(t, p.email, "A way to sign in was added")
	p.withApp(t) // a passkey is both factors: the app is not asked for

	nobody := s.anybody(t)
	q = nobody.question(t, beginSignIn)
	got := map[string]any{"ticket": q.Ticket, "credential": ph.get(t, q)}
	var g users.Grant
	nobody.do(t, "POST", endSignIn, got).expect(t, 200).into(t, &g)
	if g.User.ID != p.id || g.AccessToken == "" {
		t.Errorf("grant %+v", g)
	}
	nobody.do(t, "POST", endSignIn, got).problem(t, 401, "sign-in-expired")
	if f := p.factors(t); f.Passkeys[0].LastUsedAt == nil {
		t.Error("its use was not noted")
	}
	// A copy whose counter lags behind.
	ph.key.Counter = 0
	q = nobody.question(t, beginSignIn)
	nobody.do(t, "POST", endSignIn, map[string]any{
		"ticket": q.Ticket, "credential": ph.get(t, q),
	}).problem(t, 401, "wrong-passkey")
	ph.key.Counter = 10

	p.do(t, "DELETE", keys+"/"+key.ID, nil).expect(t, 204)
	p.do(t, "DELETE", keys+"/"+key.ID, nil).problem(t, 404, "not-found")
	q = nobody.question(t, beginSignIn)
	nobody.do(t, "POST", endSignIn, map[string]any{
		"ticket": q.Ticket, "credential": ph.get(t, q),
	}).problem(t, 401, "wrong-passkey")
}

func TestPasskeysRefuse(t *testing.T) {
	s := newServer(t, func(c *api.Config, _ *api.Deps) { c.PublicURL = origin })
	p, other, nobody := s.registered(t, address()), s.registered(t, address()), s.anybody(t)
	add := func(p *person, ph *phone) answer {
		q := p.question(t, beginKey)
		return p.do(t, "POST", keys, map[string]any{
			"ticket": q.Ticket, "name": "x", "credential": ph.create(t, q),
		})
	}
	// another site's
	add(p, newPhone(t, p.id, "https://practise.example.com")).problem(t, 422, "bad-passkey")
	unverified := newPhone(t, p.id, origin)
	unverified.self.Options.UserNotVerified = true
	add(p, unverified).problem(t, 422, "bad-passkey")
	ph := newPhone(t, p.id, origin)
	q := p.question(t, beginKey)
	other.do(t, "POST", keys, map[string]any{
		"ticket": q.Ticket, "name": "x", "credential": ph.create(t, q),
	}).problem(t, 422, "sign-in-expired")
	add(p, ph).expect(t, 201)
	add(other, ph).problem(t, 409, "passkey-known")
	for _, body := range []map[string]any{
		{}, {"ticket": "x", "name": "x", "credential": 1},
		{"ticket": "x", "name": "", "credential": map[string]any{}},
	} {
		p.do(t, "POST", keys, body).expect(t, 422)
	}
	signIn := func(q users.Question, ph *phone) answer {
		return nobody.do(t, "POST", endSignIn, map[string]any{
			"ticket": q.Ticket, "credential": ph.get(t, q),
		})
	}
	ph.self.Options.UserNotVerified = true
	signIn(nobody.question(t, beginSignIn), ph).problem(t, 401, "wrong-passkey")
	ph.self.Options.UserNotVerified = false
	// A handle of somebody else's.
	id, err := uuid.Parse(other.id)
	if err != nil {
		t.Fatal(err)
	}
	own := ph.self.Options.UserHandle
	ph.self.Options.UserHandle = id[:]
	signIn(nobody.question(t, beginSignIn), ph).problem(t, 401, "wrong-passkey")
	ph.self.Options.UserHandle = own
	// Too late.
	q = nobody.question(t, beginSignIn)
	s.forward(5 * time.Minute)
	signIn(q, ph).problem(t, 401, "sign-in-expired")
	nobody.do(t, "POST", endSignIn, map[string]any{
		"ticket": "x", "credential": map[string]any{},
	}).problem(t, 401, "sign-in-expired")
	// A disabled account.
	if err := exec(t.Context(), `UPDATE users SET disabled = true WHERE id = $1`,
		p.id); err != nil {
		t.Fatal(err)
	}
	signIn(nobody.question(t, beginSignIn), ph).problem(t, 403, "account-disabled")
}

func TestPasskeysNeedAName(t *testing.T) {
	s := newServer(t) // on 127.0.0.1
	s.anybody(t).do(t, "POST", beginSignIn, nil).problem(t, 409, "no-passkeys")
	s.someone(t, store.RoleTutor).do(t, "POST", beginKey, nil).problem(t, 409, "no-passkeys")
}
