package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bedside/store/wait"
)

// Errors of REST besides *Problem.
var (
	// ErrNotSignedIn is returned by requests that need an account before SignIn.
	ErrNotSignedIn = errors.New("nobody is signed in")
	// ErrTooLong is returned for a response that exceeds the size limit.
	ErrTooLong = errors.New("the server's response is too long")
)

const (
	requestLimit = 30 * time.Second // for one try; downloads have no limit
	maxTries     = 6
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 5 * time.Second
	maxWait      = 70 * time.Second // a request with a longer Retry-After is not retried
	maxAnswer    = 4 << 20
	maxReport    = 64 << 20
)

// REST calls a server's REST API for one signed-in account. It renews the access token by itself.
// It retries a request after status 429, and after 503 if repeating the request does no harm, when
// the time of Retry-After has passed. It is safe for concurrent use.
type REST struct {
	base *url.URL
	http *http.Client

	mu      sync.Mutex // guards the fields below; held while tokens are renewed
	access  string
	refresh string
	expires time.Time // when to renew access
}

// NewREST returns a client of the server at an address such as http://localhost:8080. It returns
// an error for an invalid address. The HTTP client may be nil.
func NewREST(base string, hc *http.Client) (*REST, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("server address %q: it should be like http://localhost:8080", base)
	}
	u.Path, u.RawQuery, u.Fragment = strings.TrimSuffix(u.Path, "/"), "", ""
	if hc == nil {
		hc = http.DefaultClient
	}
	return &REST{base: u, http: hc}, nil
}

// request is one call of the API.
type request struct {
	method, path string
	body         any    // nil: none
	open         bool   // needs no account
	repeatable   bool   // carrying it out twice does no harm
	accept       string // empty: JSON
}

func (q request) String() string { return q.method + " " + q.path }

// call sends a request and decodes the response into out, unless that is nil.
func (r *REST) call(ctx context.Context, q request, out any) error {
	body, err := r.read(ctx, q, maxAnswer)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: unexpected response: %w", q, err)
	}
	return nil
}

// read sends a request and returns the whole response body.
func (r *REST) read(ctx context.Context, q request, limit int64) (body []byte, err error) {
	err = r.send(ctx, q, requestLimit, func(res *http.Response) error {
		body, err = io.ReadAll(io.LimitReader(res.Body, limit+1))
		if err == nil && int64(len(body)) > limit {
			err = ErrTooLong
		}
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		return nil
	})
	return body, err
}

// send sends a request, with retries and a renewed token if necessary, and calls use with a
// successful response. A limit of 0 means none.
func (r *REST) send(ctx context.Context, q request, limit time.Duration,
	use func(*http.Response) error) error {
	renewed := false
	for try := 1; ; try++ {
		token := ""
		if !q.open {
			var err error
			if token, err = r.token(ctx, ""); err != nil {
				return err
			}
		}
		err := r.once(ctx, q, token, limit, use)
		var p *Problem
		switch {
		case !errors.As(err, &p):
			return err
		case p.Status == http.StatusUnauthorized && !q.open && !renewed:
			renewed = true
			if _, renewal := r.token(ctx, token); renewal != nil {
				return renewal
			}
		case try == maxTries || !q.mayRepeat(p) || p.RetryAfter > maxWait:
			return err
		default:
			if err := wait.For(ctx, max(p.RetryAfter, backoff(try))); err != nil {
				return fmt.Errorf("%w, while waiting to try again: %w", err, p)
			}
		}
	}
}

// mayRepeat reports whether a failed request may be sent again. A 429 means that nothing was done;
// a 503 may also come after the request had an effect.
func (q request) mayRepeat(p *Problem) bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable &&
		q.repeatable
}

// once sends a request once, without retries.
func (r *REST) once(ctx context.Context, q request, token string, limit time.Duration,
	use func(*http.Response) error) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var body io.Reader
	if q.body != nil {
		b, err := json.Marshal(q.body)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, r.base.String()+q.path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", q, err)
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	accept := q.accept
	if accept == "" {
		accept = "application/json"
	}
	req.Header.Set("Accept", accept)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: no response: %w", q, err)
	}
	defer res.Body.Close() //nolint:errcheck // the body was read, or is not needed
	if res.StatusCode/100 != 2 {
		return problemOf(q.String(), res)
	}
	return use(res)
}

// token returns the access token. It renews the token if that is about to expire or is the stale
// one.
func (r *REST) token(ctx context.Context, stale string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.access == "":
		return "", ErrNotSignedIn
	case r.access != stale && (r.refresh == "" || time.Now().Before(r.expires)):
		return r.access, nil
	case r.refresh == "":
		return "", ErrNotSignedIn
	}
	var g grant
	body := map[string]string{"refresh_token": r.refresh}
	q := request{
		method: http.MethodPost, path: "/auth/refresh", body: body, open: true, repeatable: true,
	}
	if err := r.call(ctx, q, &g); err != nil {
		return "", fmt.Errorf("the session could not be renewed: %w", err)
	}
	r.setTokens(g)
	return r.access, nil
}

// setTokens stores new tokens. The caller holds mu.
func (r *REST) setTokens(g grant) {
	ttl := time.Duration(g.ExpiresIn) * time.Second
	r.access, r.refresh = g.AccessToken, g.RefreshToken
	r.expires = time.Now().Add(ttl - min(30*time.Second, ttl/2))
}

// backoff returns the delay before a try. It doubles with each try and has random jitter, so that
// clients do not retry in step.
func backoff(try int) time.Duration {
	d := min(firstBackoff<<min(try-1, 10), lastBackoff)
	return d/2 + rand.N(d/2+1)
}
