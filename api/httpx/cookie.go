package httpx

import (
	"context"
	"net/http"
	"time"
)

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
