// Package endpoint is what clients of HTTP APIs have in common: their addresses come from the
// operator's settings, and nothing is sent anywhere else.
package endpoint

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Check returns an error unless an address is that of an API, with one of the schemes, and has
// nothing secret or superfluous in it, since addresses get into messages.
func Check(address string, schemes ...string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be like " + schemes[len(schemes)-1] +
			"://api.example/v1, without a user, a query or a fragment")
	}
	return nil
}

// CheckSetting is Check for the address in a setting, which the error names. An empty address is
// that of no API.
func CheckSetting(setting, address string, schemes ...string) error {
	if address == "" {
		return nil
	}
	if err := Check(address, schemes...); err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	return nil
}

// Client returns a client that follows no redirection: it would send key and content elsewhere.
func Client() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}
