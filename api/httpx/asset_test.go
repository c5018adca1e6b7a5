package httpx

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAssetIsCompressedAndCached(t *testing.T) {
	text := strings.Repeat("text ", 100)
	a, err := NewAsset([]byte(text), "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	get := func(headers ...string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		a.ServeHTTP(w, r)
		return w
	}
	plain, packed := get(), get("Accept-Encoding", "br, gzip")
	if plain.Code != 200 || plain.Body.String() != text ||
		plain.Header().Get("Content-Type") != "text/plain" ||
		plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("plain: %d, %v", plain.Code, plain.Header())
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != text ||
		packed.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("packed: %q, %v", b, err)
	}
	again := get("If-None-Match", `"x", `+plain.Header().Get("ETag"))
	if again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("again: %d with %d bytes", again.Code, again.Body.Len())
	}
}
