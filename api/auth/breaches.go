package auth

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bedside/store"
)

// ErrPasswordBreached is returned by Hash for a password that is in a published breach.
var ErrPasswordBreached = fmt.Errorf("this password is in a published breach: %w",
	store.ErrInvalid)

// Results of asking whether a password is in a breach, as Config.OnBreachCheck gets them.
const (
	BreachClean  = "clean"
	BreachFound  = "found"
	BreachFailed = "failed" // there was no answer, and the password was accepted
)

const (
	breachTimeout = 1500 * time.Millisecond
	breachMost    = 1 << 20 // bytes of an answer, which has some 40 KB
)

// breaches asks a server with the range API of Have I Been Pwned whether a password is in a
// published breach. The server learns five hexadecimal digits of the password's SHA-1, which
// hundreds of thousands of passwords share, and with padded answers nobody on the way learns more.
type breaches struct {
	url    string // from the configuration alone: nothing is sent where a client points
	client *http.Client
	count  func(result string)
}

func newBreaches(url string, count func(result string)) *breaches {
	if url == "" {
		return nil
	}
	return &breaches{
		url: strings.TrimSuffix(url, "/"), count: count,
		client: &http.Client{
			Timeout: breachTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
	}
}

// check returns ErrPasswordBreached, or nil when the password is in no breach or the server does
// not answer: people must be able to choose a password while it is away.
func (b *breaches) check(ctx context.Context, password string) error {
	if b == nil {
		return nil
	}
	sum := sha1.Sum([]byte(password))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	found, err := b.find(ctx, digits[:5], digits[5:])
	switch {
	case err != nil:
		b.count(BreachFailed)
		return nil
	case found:
		b.count(BreachFound)
		return ErrPasswordBreached
	}
	b.count(BreachClean)
	return nil
}

// find looks for a suffix in the range of a prefix.
func (b *breaches) find(ctx context.Context, prefix, suffix string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/range/"+prefix, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "Bedside")
	res, err := b.client.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, errors.New("breaches: " + res.Status)
	}
	lines := bufio.NewScanner(io.LimitReader(res.Body, breachMost))
	for lines.Scan() {
		// Padding has the count 0.
		at, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if ok && strings.EqualFold(at, suffix) && count != "0" {
			return true, nil
		}
	}
	return false, lines.Err()
}

// validBreachURL reports whether a setting can be the server's address.
func validBreachURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") &&
		u.RawQuery == "" && u.Fragment == ""
}
