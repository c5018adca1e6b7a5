package httpx

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// hostPrefix begins the names of cookies that are set over https. A browser takes such a cookie
// only over https and only for the host that sets it, so that no other host of the domain can
// plant one. Over plain HTTP, as in development, it takes none with the prefix. Cookies over https
// without it are of earlier versions.
const hostPrefix = "__Host-"

const (
	// refreshCookie is the name of the cookie with the refresh token.
	refreshCookie = "bedside_refresh"
	// deviceCookie is the name of the cookie that makes a device familiar (see auth.Place).
	deviceCookie = "bedside_device"
)

// secureCookie completes a cookie that is set over https.
func secureCookie(c http.Cookie) http.Cookie {
	c.Name, c.Path, c.Secure = hostPrefix+c.Name, "/", true // what the prefix demands
	return c
}

// cookie returns a cookie of the request, or "".
func (r *Request) cookie(name string) string {
	c, err := (&http.Request{Header: r.header}).Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// DeviceCookie returns the device cookie of the request, or "".
func DeviceCookie(ctx context.Context) string {
	r := RequestFrom(ctx)
	if r == nil {
		return ""
	}
	return cmp.Or(r.cookie(hostPrefix+deviceCookie), r.cookie(deviceCookie))
}

// SetDeviceCookie returns the Set-Cookie header of the device cookie. It lasts for 400 days, the
// longest that browsers allow. Both /auth and /api/sessions read it.
func SetDeviceCookie(ctx context.Context, value string) string {
	c := http.Cookie{
		Name: deviceCookie, Value: value, Path: "/", MaxAge: 400 * 24 * 3600, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
	if r := RequestFrom(ctx); r != nil && r.Secure {
		c = secureCookie(c)
	}
	return c.String()
}

// RefreshCookies are the cookies with a refresh token in the input of an operation.
type RefreshCookies struct {
	Secure string `cookie:"__Host-bedside_refresh" maxLength:"200"`
	Plain  string `cookie:"bedside_refresh" maxLength:"200"`
}

// Token returns the refresh token, or "" when there is none.
func (c RefreshCookies) Token() string { return cmp.Or(c.Secure, c.Plain) }

// SetRefreshCookie returns the Set-Cookie headers for a refresh token. An empty token clears the
// cookie. Browsers hide it from scripts, and do not send it with requests of other sites. Over
// https a cookie of the old name is cleared, so that it is used once more at most.
func SetRefreshCookie(ctx context.Context, token string, expires time.Time) []string {
	c := http.Cookie{
		Name: refreshCookie, Value: token, Path: "/auth", Expires: expires, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
	if token == "" {
		c.MaxAge = -1
	}
	r := RequestFrom(ctx)
	if r == nil || !r.Secure {
		return []string{c.String()}
	}
	now := secureCookie(c)
	list := []string{now.String()}
	if token == "" || r.cookie(refreshCookie) != "" {
		c.Value, c.MaxAge, c.Expires, c.Secure = "", -1, time.Time{}, true
		list = append(list, c.String())
	}
	return list
}
