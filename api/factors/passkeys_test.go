package factors_test

import (
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/api/factors"
	"bedside/api/signin"
	"bedside/store"

	"github.com/google/uuid"
)

func TestPasskeyLifecycle(t *testing.T) {
	s := apitest.NewServer(t, apitest.PublicURL("https://Practice.example.org:443/"))
	p := s.Register(t, apitest.NewEmail())
	ph := apitest.NewPhone(t, p.ID, apitest.PasskeyOrigin)
	q := p.Question(t, apitest.BeginPasskeyPath)
	answer := map[string]any{"ticket": q.Ticket, "name": "My phone", "credential": ph.Create(t, q)}
	var key factors.Passkey
	p.Do(t, "POST", apitest.PasskeysPath, answer).Expect(t, 201).Decode(t, &key)
	p.Do(t, "POST", apitest.PasskeysPath, answer).Problem(t, 422, "sign-in-expired")
	if f := p.Factors(t); len(f.Passkeys) != 1 || f.Passkeys[0].Name != "My phone" ||
		f.Passkeys[0].LastUsedAt != nil {
		t.Errorf("factors %+v", f)
	}
	s.Mail.Await(t, p.Email, "A way to sign in was added")
	p.AddAuthenticator(t) // which signing in with a passkey does not ask for

	guest := s.NewClient(t)
	q = guest.Question(t, apitest.BeginPasskeySignInPath)
	got := map[string]any{"ticket": q.Ticket, "credential": ph.SignIn(t, q)}
	var g signin.Grant
	guest.Do(t, "POST", apitest.FinishPasskeySignInPath, got).Expect(t, 200).Decode(t, &g)
	if g.User.ID != p.ID || g.AccessToken == "" {
		t.Errorf("grant %+v", g)
	}
	guest.Do(t, "POST", apitest.FinishPasskeySignInPath, got).Problem(t, 401, "sign-in-expired")
	if f := p.Factors(t); f.Passkeys[0].LastUsedAt == nil {
		t.Error("its use was not recorded")
	}
	// A copy, whose counter is behind.
	ph.Key.Counter = 0
	q = guest.Question(t, apitest.BeginPasskeySignInPath)
	guest.Do(t, "POST", apitest.FinishPasskeySignInPath, map[string]any{
		"ticket": q.Ticket, "credential": ph.SignIn(t, q),
	}).Problem(t, 401, "wrong-passkey")
	ph.Key.Counter = 10

	p.Do(t, "DELETE", apitest.PasskeysPath+"/"+key.ID, nil).Expect(t, 204)
	p.Do(t, "DELETE", apitest.PasskeysPath+"/"+key.ID, nil).Problem(t, 404, "not-found")
	q = guest.Question(t, apitest.BeginPasskeySignInPath)
	guest.Do(t, "POST", apitest.FinishPasskeySignInPath, map[string]any{
		"ticket": q.Ticket, "credential": ph.SignIn(t, q),
	}).Problem(t, 401, "wrong-passkey")
}

func TestInvalidPasskeysAreRefused(t *testing.T) {
	s := apitest.NewServer(t, apitest.PublicURL(apitest.PasskeyOrigin))
	p, other := s.Register(t, apitest.NewEmail()), s.Register(t, apitest.NewEmail())
	guest := s.NewClient(t)
	add := func(p *apitest.Client, ph *apitest.Phone) apitest.Response {
		q := p.Question(t, apitest.BeginPasskeyPath)
		return p.Do(t, "POST", apitest.PasskeysPath, map[string]any{
			"ticket": q.Ticket, "name": "x", "credential": ph.Create(t, q),
		})
	}
	otherSite := apitest.NewPhone(t, p.ID, "https://practise.example.com")
	add(p, otherSite).Problem(t, 422, "bad-passkey")
	unverified := apitest.NewPhone(t, p.ID, apitest.PasskeyOrigin)
	unverified.Authenticator.Options.UserNotVerified = true
	add(p, unverified).Problem(t, 422, "bad-passkey")
	ph := apitest.NewPhone(t, p.ID, apitest.PasskeyOrigin)
	q := p.Question(t, apitest.BeginPasskeyPath)
	other.Do(t, "POST", apitest.PasskeysPath, map[string]any{
		"ticket": q.Ticket, "name": "x", "credential": ph.Create(t, q),
	}).Problem(t, 422, "sign-in-expired")
	add(p, ph).Expect(t, 201)
	add(other, ph).Problem(t, 409, "passkey-known")
	for _, body := range []map[string]any{
		{}, {"ticket": "x", "name": "x", "credential": 1},
		{"ticket": "x", "name": "", "credential": map[string]any{}},
	} {
		p.Do(t, "POST", apitest.PasskeysPath, body).Expect(t, 422)
	}
	signIn := func(q auth.Question, ph *apitest.Phone) apitest.Response {
		return guest.Do(t, "POST", apitest.FinishPasskeySignInPath, map[string]any{
			"ticket": q.Ticket, "credential": ph.SignIn(t, q),
		})
	}
	ph.Authenticator.Options.UserNotVerified = true
	signIn(guest.Question(t, apitest.BeginPasskeySignInPath), ph).Problem(t, 401, "wrong-passkey")
	ph.Authenticator.Options.UserNotVerified = false
	// Another user's handle.
	id, err := uuid.Parse(other.ID)
	if err != nil {
		t.Fatal(err)
	}
	own := ph.Authenticator.Options.UserHandle
	ph.Authenticator.Options.UserHandle = id[:]
	signIn(guest.Question(t, apitest.BeginPasskeySignInPath), ph).Problem(t, 401, "wrong-passkey")
	ph.Authenticator.Options.UserHandle = own
	// Too late.
	q = guest.Question(t, apitest.BeginPasskeySignInPath)
	s.Forward(5 * time.Minute)
	signIn(q, ph).Problem(t, 401, "sign-in-expired")
	guest.Do(t, "POST", apitest.FinishPasskeySignInPath, map[string]any{
		"ticket": "x", "credential": map[string]any{},
	}).Problem(t, 401, "sign-in-expired")
	// A disabled account.
	s.Exec(t, `UPDATE users SET disabled = true WHERE id = $1`, p.ID)
	q = guest.Question(t, apitest.BeginPasskeySignInPath)
	signIn(q, ph).Problem(t, 403, "account-disabled")
}

func TestPasskeysNeedAHostName(t *testing.T) {
	s := apitest.NewServer(t) // on 127.0.0.1
	guest, tutor := s.NewClient(t), s.NewUser(t, store.RoleTutor)
	guest.Do(t, "POST", apitest.BeginPasskeySignInPath, nil).Problem(t, 409, "no-passkeys")
	tutor.Do(t, "POST", apitest.BeginPasskeyPath, nil).Problem(t, 409, "no-passkeys")
}
