package apitest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"bedside/api/factors"
	"bedside/api/signin"
)

// Authenticator is an authenticator app, written from RFC 6238 alone.
type Authenticator struct{ Secret []byte }

// Code returns the code that the app shows at a time.
func (a Authenticator) Code(at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix()/30))
	h := hmac.New(sha1.New, a.Secret)
	h.Write(counter[:])
	sum := h.Sum(nil)
	off := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[off:off+4])&0x7fffffff)%1e6)
}

// AddAuthenticator turns an authenticator app on, and returns it with its recovery codes.
func (c *Client) AddAuthenticator(t testing.TB) (Authenticator, []string) {
	t.Helper()
	var setup factors.TOTPSetup
	c.Do(t, "POST", "/api/users/profile/factors/totp", nil).Expect(t, 200).Decode(t, &setup)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(setup.Secret)
	if err != nil || !strings.Contains(setup.URI, "secret="+setup.Secret+"&") &&
		!strings.HasSuffix(setup.URI, "secret="+setup.Secret) {
		t.Fatalf("set-up %+v, %v", setup, err)
	}
	a := Authenticator{secret}
	var codes factors.RecoveryCodes
	c.Do(t, "POST", "/api/users/profile/factors/totp/confirm", map[string]any{
		"code": a.Code(c.Server.Now()),
	}).Expect(t, 200).Decode(t, &codes)
	return a, codes.RecoveryCodes
}

// Factors returns the second factors of the client's account.
func (c *Client) Factors(t testing.TB) (f factors.FactorList) {
	t.Helper()
	c.Do(t, "GET", "/api/users/profile/factors", nil).Expect(t, 200).Decode(t, &f)
	return f
}

// SignInTicket sends the password of an account with an authenticator app, and returns the ticket
// for the second step.
func (c *Client) SignInTicket(t testing.TB) string {
	t.Helper()
	var step signin.SecondStep
	c.Do(t, "POST", "/auth/login", map[string]any{"email": c.Email, "password": Password},
		"Authorization", "").Expect(t, 202).Decode(t, &step)
	if step.Ticket == "" || step.ExpiresIn != 300 ||
		fmt.Sprint(step.Methods) != "[totp recovery_code]" {
		t.Errorf("second step: %+v", step)
	}
	return step.Ticket
}

// SendCode sends the code of the second step.
func (c *Client) SendCode(t testing.TB, ticket, code string) Response {
	t.Helper()
	return c.Do(t, "POST", "/auth/second-factor", map[string]any{"ticket": ticket, "code": code},
		"Authorization", "")
}
