package api

import (
	"compress/gzip"
	"net/http"
	"strings"

	"bedside/api/httpx"
)

// minCompressed is the shortest body worth compressing, in bytes; it fits one packet otherwise.
const minCompressed = 1400

// compress gzips JSON of some size for those who take it. What is compressed or partial already passes as it is.
func compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !httpx.AcceptsGzip(r) || r.Header.Get("Range") != "" {
			next.ServeHTTP(w, r)
			return
		}
		c := &compressor{ResponseWriter: w}
		next.ServeHTTP(c, r)
		c.finish()
	})
}

// compressor holds the first bytes back until it knows whether there are enough of them. It belongs to the handler's goroutine.
type compressor struct {
	http.ResponseWriter
	status int
	held   []byte
	zip    *gzip.Writer
	plain  bool // decided against
}

func (c *compressor) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		c.ResponseWriter.WriteHeader(status)
		return
	}
	if c.status != 0 {
		return
	}
	c.status = status
	h := c.Header()
	if !strings.Contains(h.Get("Content-Type"), "json") || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" {
		c.passOn()
	}
}

func (c *compressor) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	switch {
	case c.plain:
		return c.ResponseWriter.Write(b)
	case c.zip != nil:
		return c.zip.Write(b)
	}
	c.held = append(c.held, b...)
	if len(c.held) < minCompressed {
		return len(b), nil
	}
	h := c.Header()
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	h.Del("Content-Length")
	c.ResponseWriter.WriteHeader(c.status)
	c.zip, _ = gzip.NewWriterLevel(c.ResponseWriter, gzip.BestSpeed) // fails on an unknown level only
	if _, err := c.zip.Write(c.held); err != nil {
		return 0, err
	}
	c.held = nil
	return len(b), nil
}

// passOn decides against compression.
func (c *compressor) passOn() {
	c.plain = true
	c.ResponseWriter.WriteHeader(c.status)
}

// finish writes what is held back.
func (c *compressor) finish() {
	switch {
	case c.zip != nil:
		_ = c.zip.Close() // fails when the client is gone
	case c.status != 0 && !c.plain:
		c.passOn()
		_, _ = c.ResponseWriter.Write(c.held)
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }
