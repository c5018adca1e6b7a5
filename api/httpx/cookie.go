package httpx

import (
	"context"
	"net/http"
	"time"
)

// deviceCookie is the name of the cookie that makes a device familiar (see auth.Place).
const deviceCookie = "bedside_device"

// DeviceCookie returns the device cookie of the request, or "".
func DeviceCookie(ctx context.Context) string {
	r := RequestFrom(ctx)
	if r == nil {
		return ""
	}
	c, err := (&http.Request{Header: r.header}).Cookie(deviceCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// SetDeviceCookie returns the Set-Cookie header of the device cookie. It lasts for 400 days, the
// longest that browsers allow. Both /auth and /api/sessions read it.
func SetDeviceCookie(ctx context.Context, value string) string {
	c := http.Cookie{
		Name: deviceCookie, Value: value, Path: "/", MaxAge: 400 * 24 * 3600, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
	if r := RequestFrom(ctx); r != nil {
		c.Secure = r.Secure
	}
	return c.String()
}

// RefreshCookie returns the Set-Cookie header for a refresh token. An empty token clears the
// cookie. Browsers send the cookie only to /auth, and hide it from scripts.
func RefreshCookie(ctx context.Context, token string, expires time.Time) string {
	c := http.Cookie{
		Name: "bedside_refresh", Value: token, Path: "/auth", Expires: expires, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
	if r := RequestFrom(ctx); r != nil {
		c.Secure = r.Secure
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}
