package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	maxTries     = 6
	maxRedirects = 5
	// stalled is how long no byte may come.
	stalled = 30 * time.Second
)

// client returns a client that follows redirections, as releases have them, but never to an
// address that is not encrypted.
func client() *http.Client {
	return &http.Client{CheckRedirect: func(next *http.Request, before []*http.Request) error {
		if len(before) > maxRedirects {
			return errors.New("too many redirections")
		}
		if before[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return errors.New("the address redirects to one without encryption")
		}
		return nil
	}}
}

// errRefused is an answer after which another try makes no sense.
var errRefused = errors.New("the server refuses")

// fetch makes a file complete, from the model's release or from another address or file. It does
// not check what is in it.
func (s *Store) fetch(ctx context.Context, m Model, from, file string,
	progress func(done, all int64)) error {
	if from != "" && !strings.HasPrefix(from, "https://") && !strings.HasPrefix(from, "http://") {
		return copyFile(m, from, file)
	}
	address := m.URL
	if from != "" {
		address = from
	}
	for n := 0; ; n++ {
		before := length(file)
		err := s.download(ctx, m, address, file, progress)
		if err == nil || ctx.Err() != nil || errors.Is(err, errRefused) {
			return err
		}
		if length(file) > before {
			n = 0 // it goes on, if slowly
		}
		if n+1 == maxTries {
			return fmt.Errorf("after %d tries: %w", maxTries, err)
		}
		select {
		case <-time.After(s.pause(n)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func length(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// download asks for the bytes that the file lacks.
func (s *Store) download(ctx context.Context, m Model, address, file string,
	progress func(done, all int64)) (err error) {
	done := length(file)
	if done > m.Size {
		if err := os.Truncate(file, 0); err != nil {
			return err
		}
		done = 0
	}
	if done == m.Size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stalled, func() {
		cancel(fmt.Errorf("nothing came for %v", stalled))
	})
	defer watchdog.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if done > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", done))
	}
	response, err := s.client.Do(request)
	if err != nil {
		return cause(ctx, err)
	}
	defer response.Body.Close()
	if done, err = accept(response, done); err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := errors.Join(out.Truncate(done), seek(out, done)); err != nil {
		return err
	}
	w := &counter{w: out, done: done, all: m.Size, progress: progress, watchdog: watchdog}
	if _, err := io.Copy(w, response.Body); err != nil {
		return cause(ctx, err)
	}
	if w.done != m.Size {
		return fmt.Errorf("%d of %d bytes came", w.done, m.Size)
	}
	return nil
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}

// cause returns why a context was cancelled, or else the error.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, errRefused) {
		return context.Cause(ctx)
	}
	return err
}

// accept returns where in the file the answer begins.
func accept(r *http.Response, asked int64) (begins int64, err error) {
	switch {
	case r.StatusCode == http.StatusOK:
		return 0, nil // the server has no ranges
	case r.StatusCode == http.StatusPartialContent:
		if want := fmt.Sprintf("bytes %d-", asked); !strings.HasPrefix(
			r.Header.Get("Content-Range"), want) {
			return 0, fmt.Errorf("%w: it sends other bytes than asked for", errRefused)
		}
		return asked, nil
	case r.StatusCode == http.StatusTooManyRequests || r.StatusCode >= 500:
		return 0, fmt.Errorf("the server answers %d", r.StatusCode)
	}
	return 0, fmt.Errorf("%w: it answers %d", errRefused, r.StatusCode)
}

// counter writes, and counts what is there.
type counter struct {
	w         io.Writer
	done, all int64
	progress  func(done, all int64)
	watchdog  *time.Timer
}

func (c *counter) Write(p []byte) (int, error) {
	c.watchdog.Reset(stalled)
	if c.done+int64(len(p)) > c.all {
		return 0, fmt.Errorf("%w: %w: it has more than %d bytes", errRefused, ErrChanged, c.all)
	}
	n, err := c.w.Write(p)
	c.done += int64(n)
	c.progress(c.done, c.all)
	return n, err
}

// copyFile copies a file of the model's size.
func copyFile(m Model, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, io.LimitReader(in, m.Size+1))
	return err
}

// check compares a file with what is known of it. The error is ErrChanged when it is another one.
func check(ctx context.Context, m Model, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, reader{ctx, f})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != m.Size || got != m.SHA256 {
		return fmt.Errorf("%w: %d bytes with the checksum %s, instead of %d with %s", ErrChanged,
			n, got, m.Size, m.SHA256)
	}
	return nil
}

// reader reads until a context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
