package api

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"bedside/api/httpx"

	"github.com/klauspost/compress/zstd"
)

// minCompressed is the length in bytes from which a body is compressed. A shorter one fits into
// one packet anyway.
const minCompressed = 1400

// packer is a compressing writer that can be reused after Reset.
type packer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// coding is a content coding with its unused writers, which have buffers of a few hundred
// kilobytes.
type coding struct {
	name string
	idle sync.Pool
}

// compress compresses JSON and HTML bodies of at least minCompressed bytes with zstd or gzip, for
// clients that accept one of them. It leaves bodies alone that are compressed already or are part
// of a file.
func compress() func(http.Handler) http.Handler {
	codings := []*coding{ // in order of preference
		{name: "zstd", idle: sync.Pool{New: func() any {
			z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10))
			if err != nil {
				panic(fmt.Sprintf("zstd: %v", err)) // only for an unknown option
			}
			return z
		}}},
		{name: "gzip", idle: sync.Pool{New: func() any {
			z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
			if err != nil {
				panic(fmt.Sprintf("gzip: %v", err)) // only for an unknown level
			}
			return z
		}}},
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			i := slices.IndexFunc(codings, func(c *coding) bool {
				return httpx.Accepts(r, c.name)
			})
			if i < 0 || r.Header.Get("Range") != "" {
				next.ServeHTTP(w, r)
				return
			}
			c := &compressor{ResponseWriter: w, coding: codings[i]}
			next.ServeHTTP(c, r)
			c.finish()
		})
	}
}

// compressor is a ResponseWriter that buffers the beginning of a body until it knows whether the
// body is long enough to compress. Only the handler's goroutine uses it.
type compressor struct {
	http.ResponseWriter
	coding *coding
	status int
	held   []byte
	zip    packer
	plain  bool // decided not to compress
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
	text := strings.Contains(h.Get("Content-Type"), "json") ||
		strings.HasPrefix(h.Get("Content-Type"), "text/html")
	if !text || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" {
		c.writePlain()
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
	h.Set("Content-Encoding", c.coding.name)
	h.Add("Vary", "Accept-Encoding")
	h.Del("Content-Length")
	c.ResponseWriter.WriteHeader(c.status)
	c.zip = c.coding.idle.Get().(packer)
	c.zip.Reset(c.ResponseWriter)
	if _, err := c.zip.Write(c.held); err != nil {
		return 0, err
	}
	c.held = nil
	return len(b), nil
}

// writePlain decides not to compress.
func (c *compressor) writePlain() {
	c.plain = true
	c.ResponseWriter.WriteHeader(c.status)
}

// finish writes the rest of the body.
func (c *compressor) finish() {
	switch {
	case c.zip != nil:
		_ = c.zip.Close() // fails when the client has disconnected
		c.zip.Reset(nil)
		c.coding.idle.Put(c.zip)
	case c.status != 0 && !c.plain:
		c.writePlain()
		_, _ = c.ResponseWriter.Write(c.held)
	}
}

// Unwrap returns the wrapped writer, for http.ResponseController.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }
