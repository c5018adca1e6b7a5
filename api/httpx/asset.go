package httpx

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// Asset is a body that does not change while the server runs, such as a style sheet. It is
// compressed once and immutable.
type Asset struct {
	plain, zipped []byte
	contentType   string
	etag          string // weak, so it is valid for both encodings
}

// NewAsset returns an asset with a body.
func NewAsset(body []byte, contentType string) (*Asset, error) {
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress an asset: %w", err)
	}
	sum := sha256.Sum256(body)
	return &Asset{
		plain: body, zipped: zipped.Bytes(), contentType: contentType,
		etag: `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}, nil
}

// ServeHTTP responds with the body, or with 304 when the client has it.
func (a *Asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	h.Add("Vary", "Accept-Encoding")
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimSpace(tag) == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := a.plain
	if len(a.zipped) < len(a.plain) && Accepts(r, "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.zipped
	}
	h.Set("Content-Type", a.contentType)
	_, _ = w.Write(body) // fails when the client has disconnected
}
