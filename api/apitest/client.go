package apitest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"bedside/api/httpx"
	"bedside/api/signin"
	"bedside/store"

	"golang.org/x/crypto/bcrypt"
)

// Password is the password of every account that the package makes. No other text of the server
// contains it, so that tests can look for it in the log.
const Password = "quiet-harbour-lamp"

// NewEmail returns an address that no account has.
func NewEmail() string { return strings.ToLower(rand.Text()) + "@example.org" }

// Client is an HTTP client with a cookie jar of its own, signed in to an account or not.
type Client struct {
	Server *Server
	HTTP   *http.Client
	ID     string // the account's
	Email  string
	// Access is sent with every request unless it is empty.
	Access  string
	Refresh string

	SignedOut int // devices that were signed out when this one signed in
}

// NewClient returns a client that is not signed in.
func (s *Server) NewClient(t testing.TB) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Server: s, HTTP: &http.Client{Jar: jar}}
}

// NewUser makes an account of the role in the database, with a confirmed address, and returns a
// client signed in to it.
func (s *Server) NewUser(t testing.TB, role store.Role) *Client {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	confirmed := s.Now().UTC()
	u, err := s.DB.CreateUser(t.Context(), store.User{
		Email: rand.Text() + "@example.org", Name: "Some " + string(role), Role: role,
		PasswordHash: string(hash), VerifiedAt: &confirmed,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := s.NewClient(t)
	c.Email, c.ID = u.Email, u.ID
	c.SignIn(t)
	return c
}

// Register makes an account over the API, and returns a client signed in to it.
func (s *Server) Register(t testing.TB, email string) *Client {
	t.Helper()
	c := s.NewClient(t)
	c.Do(t, "POST", "/auth/register", map[string]any{
		"email": email, "password": Password, "name": "Dana",
	}).Expect(t, 202)
	c.Email = email
	c.SignIn(t)
	c.ID = c.Profile(t).ID
	return c
}

// Confirm confirms the address of a client that Register returned, with the mailed link.
func (c *Client) Confirm(t testing.TB) {
	t.Helper()
	token := c.Server.Mail.Await(t, c.Email, "Confirm your e-mail address").
		Token(t, "/verify-email")
	c.Server.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token}).
		Expect(t, 200)
}

// SignIn signs the client in with its address and Password.
func (c *Client) SignIn(t testing.TB) {
	t.Helper()
	c.useGrant(t, c.Login(t, c.Email, Password))
}

// Login sends an address and a password.
func (c *Client) Login(t testing.TB, email, password string) Response {
	t.Helper()
	return c.Do(t, "POST", "/auth/login", map[string]any{"email": email, "password": password})
}

// SendRefresh sends the client's refresh token.
func (c *Client) SendRefresh(t testing.TB) Response {
	t.Helper()
	return c.Do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": c.Refresh})
}

// RenewTokens exchanges the client's refresh token for new tokens.
func (c *Client) RenewTokens(t testing.TB) {
	t.Helper()
	c.useGrant(t, c.SendRefresh(t))
}

func (c *Client) useGrant(t testing.TB, r Response) {
	t.Helper()
	var g signin.Grant
	r.Expect(t, 200).Decode(t, &g)
	c.Access, c.Refresh = g.AccessToken, g.RefreshToken
}

// Reauthenticate proves the client's identity with Password.
func (c *Client) Reauthenticate(t testing.TB) {
	t.Helper()
	c.Do(t, "POST", "/auth/reauthenticate", map[string]any{"password": Password}).Expect(t, 204)
}

// Profile returns the client's account.
func (c *Client) Profile(t testing.TB) (u httpx.User) {
	t.Helper()
	c.Do(t, "GET", "/api/users/profile", nil).Expect(t, 200).Decode(t, &u)
	return u
}

// Do sends a request. The body is sent as JSON, or as it is when it is a string. Headers are
// name, value, ...; an empty value removes the header.
func (c *Client) Do(t testing.TB, method, path string, body any, headers ...string) Response {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.Server.URL+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Access != "" {
		req.Header.Set("Authorization", "Bearer "+c.Access)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Response{Response: res, Data: data}
}

// Response is a response whose body was read.
type Response struct {
	*http.Response
	Data []byte
}

// Expect fails the test unless the response has the status.
func (r Response) Expect(t testing.TB, status int) Response {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", r.Request.Method, r.Request.URL.Path,
			r.StatusCode, status, r.Data)
	}
	return r
}

// Decode decodes the JSON body into v.
func (r Response) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Data, v); err != nil {
		t.Fatalf("%v: %s", err, r.Data)
	}
}

// Problem is a problem of RFC 9457.
type Problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Errors                        []struct{ Message, Location string }
}

// Problem fails the test unless the response is a complete problem of the status whose type ends
// in code.
func (r Response) Problem(t testing.TB, status int, code string) Problem {
	t.Helper()
	r.Expect(t, status)
	var p Problem
	r.Decode(t, &p)
	if r.Header.Get("Content-Type") != "application/problem+json" ||
		p.Type != "urn:bedside:problem:"+code || p.Status != status ||
		p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Instance, "urn:uuid:") {
		t.Errorf("%s %s: %s %s, want code %s", r.Request.Method, r.Request.URL.Path,
			r.Header.Get("Content-Type"), r.Data, code)
	}
	return p
}
