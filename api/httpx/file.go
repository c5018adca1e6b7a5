package httpx

import (
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// File is an open file; http.ServeContent reads it.
type File interface {
	io.ReadSeekCloser
	ModTime() time.Time
}

// SendFile answers with a file, or with the ranges of it that are asked for, and closes it. The
// client has so long to fetch it; headers are those of the answer, the type among them.
func SendFile(f File, within time.Duration, headers map[string]string) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		WriteWithin(w, within)
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
