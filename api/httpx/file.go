package httpx

import (
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// File is an open file that http.ServeContent can send.
type File interface {
	io.ReadSeekCloser
	ModTime() time.Time
}

// SendFile responds with a file, or with the ranges that the client asks for, and closes it.
// timeout is the time that the client has to receive it. headers include the Content-Type.
func SendFile(f File, timeout time.Duration, headers map[string]string) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		WriteWithin(w, timeout)
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		http.ServeContent(w, r, "", f.ModTime(), f)
		if err := f.Close(); err != nil {
			if info := RequestFrom(r.Context()); info != nil {
				info.SetError(err)
			}
		}
	}}
}

// SignedURL is an address that works without an access token until it expires.
type SignedURL struct {
	URL       string    `json:"url" doc:"on this server" example:"/api/media/0190d2a0-0000-7000-8000-000000000001?expires=1795600000&signature=x"`
	ExpiresAt time.Time `json:"expires_at" doc:"until when it works"`
}
