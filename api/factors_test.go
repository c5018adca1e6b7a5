package api_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/api/users"
	"bedside/store"
)

// app is an authenticator app, written from RFC 6238.
type app struct{ secret []byte }

func (a app) code(at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix()/30))
	h := hmac.New(sha1.New, a.secret)
	h.Write(counter[:])
	sum := h.Sum(nil)
	off := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[off:off+4])&0x7fffffff)%1e6)
}

// withApp turns an authenticator app on, and gives it and its recovery codes.
func (p *person) withApp(t *testing.T) (app, []string) {
	t.Helper()
	var setup users.TOTPSetup
	p.do(t, "POST", "/api/users/profile/factors/totp", nil).expect(t, 200).into(t, &setup)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(setup.Secret)
	if err != nil || !strings.Contains(setup.URI, "secret="+setup.Secret+"&") &&
		!strings.HasSuffix(setup.URI, "secret="+setup.Secret) {
		t.Fatalf("set-up %+v, %v", setup, err)
	}
	a := app{secret}
	var codes users.RecoveryCodes
	p.do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": a.code(p.s.now()),
	}).expect(t, 200).into(t, &codes)
	return a, codes.RecoveryCodes
}

// halfway gives the password, and returns the ticket for the second step.
func (p *person) halfway(t *testing.T) string {
	t.Helper()
	var step users.SecondStep
	p.do(t, "POST", "/auth/login", map[string]any{"email": p.email, "password": password},
		"Authorization", "").expect(t, 202).into(t, &step)
	if step.Ticket == "" || step.ExpiresIn != 300 ||
		fmt.Sprint(step.Methods) != "[totp recovery_code]" {
		t.Errorf("second step: %+v", step)
	}
	return step.Ticket
}

func (p *person) second(t *testing.T, ticket, code string) answer {
	t.Helper()
	return p.do(t, "POST", "/auth/second-factor", map[string]any{"ticket": ticket, "code": code},
		"Authorization", "")
}

func (p *person) factors(t *testing.T) (f users.FactorList) {
	t.Helper()
	p.do(t, "GET", "/api/users/profile/factors", nil).expect(t, 200).into(t, &f)
	return f
}

func TestSecondFactor(t *testing.T) {
	s := newServer(t)
	p := s.registered(t, address())
	if f := p.factors(t); !f.Password || f.TOTP.Enabled || f.RecoveryCodesLeft != 0 {
		t.Errorf("at first: %+v", f)
	}
	a, codes := p.withApp(t)
	if f := p.factors(t); !f.TOTP.Enabled || f.TOTP.Since == nil || f.RecoveryCodesLeft != 10 ||
		len(codes) != 10 {
		t.Errorf("with an app: %+v, %d codes", f, len(codes))
	}
	post.letter(t, p.email, "A way to sign in was added")
	p.do(t, "POST", "/api/users/profile/factors/totp", nil).problem(t, 409, "factor-is-on")

	// The code that turned it on works no more; the next one does, once.
	ticket := p.halfway(t)
	p.second(t, ticket, a.code(s.now())).problem(t, 401, "wrong-code")
	s.forward(30 * time.Second)
	code := a.code(s.now())
	var g users.Grant
	p.second(t, ticket, code[:3]+" "+code[3:]).expect(t, 200).into(t, &g) // as apps show it
	if g.AccessToken == "" || g.User.ID != p.id {
		t.Errorf("grant %+v", g)
	}
	p.second(t, ticket, code).problem(t, 401, "sign-in-expired")
	p.second(t, p.halfway(t), code).problem(t, 401, "wrong-code")

	// A recovery code works once, however it is typed.
	p.second(t, p.halfway(t),
		strings.ToUpper(strings.ReplaceAll(codes[0], "-", ""))).expect(t, 200)
	p.second(t, p.halfway(t), codes[0]).problem(t, 401, "wrong-code")
	if f := p.factors(t); f.RecoveryCodesLeft != 9 {
		t.Errorf("%d codes left, want 9", f.RecoveryCodesLeft)
	}
	var renewed users.RecoveryCodes
	p.do(t, "POST", "/api/users/profile/factors/recovery-codes",
		nil).expect(t, 200).into(t, &renewed)
	p.second(t, p.halfway(t), codes[1]).problem(t, 401, "wrong-code")
	p.second(t, p.halfway(t), renewed.RecoveryCodes[1]).expect(t, 200)

	p.do(t, "DELETE", "/api/users/profile/factors/totp", nil).expect(t, 204)
	p.do(t, "DELETE", "/api/users/profile/factors/totp", nil).problem(t, 404, "not-found")
	p.signIn(t)
	post.letter(t, p.email, "A way to sign in was removed")
	if acts := p.acts(t); !contains(acts, "factor.add done", "session.start refused",
		"factor.use done", "session.start done", "factor.new_recovery_codes done",
		"factor.remove done") {
		t.Errorf("the trail: %q", acts)
	}
	for _, secret := range append(codes, base32.StdEncoding.EncodeToString(a.secret)) {
		if strings.Contains(s.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestSecondStepRefuses(t *testing.T) {
	s := newServer(t)
	p, q := s.registered(t, address()), s.registered(t, address())
	p.do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": "123456",
	}).problem(t, 409, "not-begun")
	p.do(t, "POST", "/api/users/profile/factors/totp", nil).expect(t, 200)
	p.do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": "000000",
	}).problem(t, 422, "wrong-code")
	p.do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": "12345",
	}).expect(t, 422)
	p.signIn(t) // not confirmed: not asked for

	a, codes := p.withApp(t)
	b, _ := q.withApp(t)
	s.forward(time.Minute)
	// Somebody else's code, and codes with a ticket of nobody's.
	ticket := p.halfway(t)
	p.second(t, ticket, b.code(s.now())).problem(t, 401, "wrong-code")
	for _, bad := range []string{"x", strings.Repeat("A", 43), ticket + "A"} {
		p.second(t, bad, a.code(s.now())).problem(t, 401, "sign-in-expired")
	}
	// Five tries a ticket.
	for range 4 {
		p.second(t, ticket, "000000").problem(t, 401, "wrong-code")
	}
	p.second(t, ticket, a.code(s.now())).problem(t, 401, "sign-in-expired")
	// Five minutes.
	ticket = p.halfway(t)
	s.forward(5 * time.Minute)
	p.second(t, ticket, a.code(s.now())).problem(t, 401, "sign-in-expired")
	// A disabled account.
	ticket = p.halfway(t)
	if err := exec(t.Context(), `UPDATE users SET disabled = true WHERE id = $1`,
		p.id); err != nil {
		t.Fatal(err)
	}
	p.second(t, ticket, codes[0]).problem(t, 403, "account-disabled")
}

func TestFactorChangesNeedAProof(t *testing.T) {
	s := newServer(t)
	p := s.registered(t, address())
	s.forward(11 * time.Minute)
	var g users.Grant
	p.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).expect(t, 200).into(t, &g)
	p.access = g.AccessToken
	for _, path := range []string{
		"POST /totp", "POST /totp/confirm", "DELETE /totp", "POST /recovery-codes",
	} {
		method, path, _ := strings.Cut(path, " ")
		var body any
		if strings.HasSuffix(path, "confirm") {
			body = map[string]any{"code": "123456"}
		}
		p.do(t, method, "/api/users/profile/factors"+path,
			body).problem(t, 403, "reauthentication-required")
	}
	p.do(t, "POST", "/auth/reauthenticate", map[string]any{"password": password}).expect(t, 204)
	p.withApp(t)
}

func TestACodeWorksOnceTogether(t *testing.T) {
	s := newServer(t)
	p := s.registered(t, address())
	a, _ := p.withApp(t)
	s.forward(time.Minute)
	tickets := make([]string, 50)
	for i := range tickets {
		tickets[i] = p.halfway(t)
	}
	code := a.code(s.now())
	var in atomic.Int32
	var all sync.WaitGroup
	for _, ticket := range tickets {
		all.Go(func() {
			switch res := p.second(t, ticket, code); res.StatusCode {
			case 200:
				in.Add(1)
			case 401:
			default:
				t.Errorf("status %d: %s", res.StatusCode, res.body)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("one code let %d in", in.Load())
	}
}

// TestSecretsAreSealed reads the table as a thief would.
func TestSecretsAreSealed(t *testing.T) {
	s := newServer(t)
	p := s.registered(t, address())
	a, codes := p.withApp(t)
	f, err := db.Factor(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(f.Secret), string(a.secret)) ||
		strings.Contains(string(b), codes[0]) || len(f.Recovery) != 10 {
		t.Errorf("kept as %s", b)
	}
	if _, err := db.Factor(t.Context(), "x"); err == nil {
		t.Error("a factor of nobody's")
	}
	if s.someone(t, store.RoleTutor).factors(t).TOTP.Enabled {
		t.Error("a factor of somebody else's")
	}
}
