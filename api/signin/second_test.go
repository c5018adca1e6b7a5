package signin_test

import (
	"encoding/base32"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/factors"
	"bedside/api/signin"
)

func TestSignInWithCode(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	if f := p.Factors(t); !f.Password || f.TOTP.Enabled || f.RecoveryCodesLeft != 0 {
		t.Errorf("at first: %+v", f)
	}
	a, codes := p.AddAuthenticator(t)
	if f := p.Factors(t); !f.TOTP.Enabled || f.TOTP.Since == nil || f.RecoveryCodesLeft != 10 ||
		len(codes) != 10 {
		t.Errorf("with an app: %+v, %d codes", f, len(codes))
	}
	s.Mail.Await(t, p.Email, "A way to sign in was added")
	p.Do(t, "POST", "/api/users/profile/factors/totp", nil).Problem(t, 409, "factor-is-on")

	// The code that turned the app on does not work again. The next one works once.
	ticket := p.SignInTicket(t)
	p.SendCode(t, ticket, a.Code(s.Now())).Problem(t, 401, "wrong-code")
	s.Forward(30 * time.Second)
	code := a.Code(s.Now())
	var g signin.Grant
	p.SendCode(t, ticket, code[:3]+" "+code[3:]).Expect(t, 200).Decode(t, &g) // as apps show it
	if g.AccessToken == "" || g.User.ID != p.ID {
		t.Errorf("grant %+v", g)
	}
	p.SendCode(t, ticket, code).Problem(t, 401, "sign-in-expired")
	p.SendCode(t, p.SignInTicket(t), code).Problem(t, 401, "wrong-code")

	// A recovery code works once, however it is typed.
	typed := strings.ToUpper(strings.ReplaceAll(codes[0], "-", ""))
	p.SendCode(t, p.SignInTicket(t), typed).Expect(t, 200)
	p.SendCode(t, p.SignInTicket(t), codes[0]).Problem(t, 401, "wrong-code")
	if f := p.Factors(t); f.RecoveryCodesLeft != 9 {
		t.Errorf("%d codes left, want 9", f.RecoveryCodesLeft)
	}
	var renewed factors.RecoveryCodes
	p.Do(t, "POST", "/api/users/profile/factors/recovery-codes", nil).
		Expect(t, 200).Decode(t, &renewed)
	p.SendCode(t, p.SignInTicket(t), codes[1]).Problem(t, 401, "wrong-code")
	p.SendCode(t, p.SignInTicket(t), renewed.RecoveryCodes[1]).Expect(t, 200)

	p.Do(t, "DELETE", "/api/users/profile/factors/totp", nil).Expect(t, 204)
	p.Do(t, "DELETE", "/api/users/profile/factors/totp", nil).Problem(t, 404, "not-found")
	p.SignIn(t)
	s.Mail.Await(t, p.Email, "A way to sign in was removed")
	p.CheckAuditTrail(t,
		"factor.add done", "session.start refused", "factor.use done", "session.start done",
		"factor.new_recovery_codes done", "factor.remove done")
	for _, secret := range append(codes, base32.StdEncoding.EncodeToString(a.Secret)) {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestWrongCodesAndTicketsAreRefused(t *testing.T) {
	s := apitest.NewServer(t)
	p, q := s.Register(t, apitest.NewEmail()), s.Register(t, apitest.NewEmail())
	p.Do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": "123456",
	}).Problem(t, 409, "not-begun")
	p.Do(t, "POST", "/api/users/profile/factors/totp", nil).Expect(t, 200)
	p.Do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": "000000",
	}).Problem(t, 422, "wrong-code")
	p.Do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": "12345",
	}).Expect(t, 422)
	p.SignIn(t) // the app was not confirmed, so no code is asked for

	a, codes := p.AddAuthenticator(t)
	b, _ := q.AddAuthenticator(t)
	s.Forward(time.Minute)
	// Another user's code, and codes with invented tickets.
	ticket := p.SignInTicket(t)
	p.SendCode(t, ticket, b.Code(s.Now())).Problem(t, 401, "wrong-code")
	for _, bad := range []string{"x", strings.Repeat("A", 43), ticket + "A"} {
		p.SendCode(t, bad, a.Code(s.Now())).Problem(t, 401, "sign-in-expired")
	}
	// A ticket allows five tries.
	for range 4 {
		p.SendCode(t, ticket, "000000").Problem(t, 401, "wrong-code")
	}
	p.SendCode(t, ticket, a.Code(s.Now())).Problem(t, 401, "sign-in-expired")
	// A ticket lives for five minutes.
	ticket = p.SignInTicket(t)
	s.Forward(5 * time.Minute)
	p.SendCode(t, ticket, a.Code(s.Now())).Problem(t, 401, "sign-in-expired")
	// A disabled account.
	ticket = p.SignInTicket(t)
	s.Exec(t, `UPDATE users SET disabled = true WHERE id = $1`, p.ID)
	p.SendCode(t, ticket, codes[0]).Problem(t, 403, "account-disabled")
}

func TestCodeWorksOnceWhenSentConcurrently(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	a, _ := p.AddAuthenticator(t)
	s.Forward(time.Minute)
	tickets := make([]string, 50)
	for i := range tickets {
		tickets[i] = p.SignInTicket(t)
	}
	code := a.Code(s.Now())
	var in atomic.Int32
	var all sync.WaitGroup
	for _, ticket := range tickets {
		all.Go(func() {
			switch res := p.SendCode(t, ticket, code); res.StatusCode {
			case 200:
				in.Add(1)
			case 401:
			default:
				t.Errorf("status %d: %s", res.StatusCode, res.Data)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("one code signed in %d times", in.Load())
	}
}
