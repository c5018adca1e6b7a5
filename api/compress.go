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

// minCompressed is the shortest body worth compressing, in bytes; it fits one packet otherwise.
const minCompressed = 1400

// packer is a writer of one content coding, which can be used again after Reset.
type packer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// coding is a content coding and its writers that are not in use: each holds a few hundred
// kilobytes.
type coding struct {
	name string
	idle sync.Pool
}

// compress packs JSON and HTML of some size, with zstd or gzip, for those who take it. What is
// packed or partial already passes as it is.
func compress() func(http.Handler) http.Handler {
	codings := []*coding{ // the better first
		{name: "zstd", idle: sync.Pool{New: func() any {
			z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10))
			if err != nil {
				panic(fmt.Sprintf("zstd: %v", err)) // an option that it does not know
			}
			return z
		}}},
		{name: "gzip", idle: sync.Pool{New: func() any {
			z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
			if err != nil {
				panic(fmt.Sprintf("gzip: %v", err)) // a level that it does not know
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

// compressor holds the first bytes back until it knows whether there are enough of them. It
// belongs to the handler's goroutine.
type compressor struct {
	http.ResponseWriter
	coding *coding
	status int
	held   []byte
	zip    packer
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
	text := strings.Contains(h.Get("Content-Type"), "json") ||
		strings.HasPrefix(h.Get("Content-Type"), "text/html")
	if !text || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" {
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
		c.zip.Reset(nil)
		c.coding.idle.Put(c.zip)
	case c.status != 0 && !c.plain:
		c.passOn()
		_, _ = c.ResponseWriter.Write(c.held)
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }
