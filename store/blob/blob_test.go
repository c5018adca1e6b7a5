package blob_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"bedside/store"
	"bedside/store/blob"
)

// onEach runs a test on a folder and on a bucket of a real S3 server.
func onEach(t *testing.T, f func(t *testing.T, cfg blob.Config)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		f(t, blob.Config{Dir: filepath.Join(t.TempDir(), "made")})
	})
	t.Run("S3", func(t *testing.T) { f(t, bucket(startS3(t))) })
}

func open(t *testing.T, cfg blob.Config) *blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func read(t *testing.T, s *blob.Store, key string) string {
	t.Helper()
	f, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPutOpenDelete(t *testing.T) {
	onEach(t, func(t *testing.T, cfg blob.Config) {
		s := open(t, cfg)
		const key = "attempts/0190/candidate.ogg"
		for _, text := range []string{"first", "second, over it"} {
			n, err := s.Put(t.Context(), key, strings.NewReader(text), "audio/ogg")
			if err != nil || n != int64(len(text)) {
				t.Fatalf("put %d, %v", n, err)
			}
			if got := read(t, s, key); got != text {
				t.Errorf("read %q", got)
			}
		}
		for range 2 {
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Open(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after delete: %v", err)
		}
	})
}

// TestFailedPutKeepsEarlierFile checks both ways in which a file is sent to S3: whole, and in
// parts when it is long.
func TestFailedPutKeepsEarlierFile(t *testing.T) {
	onEach(t, func(t *testing.T, cfg blob.Config) {
		for name, size := range map[string]int{"short": 5, "long": 17 << 20} {
			half := bytes.Repeat([]byte("x"), size)
			cfg.MaxBytes = int64(size)
			s := open(t, cfg)
			if _, err := s.Put(t.Context(), name, strings.NewReader("good"),
				"text/plain"); err != nil {
				t.Fatal(err)
			}
			broken := errors.New("the connection was lost")
			if _, err := s.Put(t.Context(), name,
				io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken)),
				"text/plain"); !errors.Is(err, broken) {
				t.Errorf("%s: got %v", name, err)
			}
			if _, err := s.Put(t.Context(), name, bytes.NewReader(append(half, "xx"...)),
				"text/plain"); !errors.Is(err, store.ErrLimit) {
				t.Errorf("%s: got %v", name, err)
			}
			if got := read(t, s, name); got != "good" {
				t.Errorf("%s: read %d bytes", name, len(got))
			}
			if n, err := s.Put(t.Context(), name, bytes.NewReader(half),
				"text/plain"); err != nil || int(n) != size || read(t, s, name) != string(half) {
				t.Errorf("%s: as long as permitted: put %d, %v", name, n, err)
			}
		}
	})
}

func TestFailedPutLeavesNothingInTheFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, blob.Config{Dir: dir, MaxBytes: 10})
	if _, err := s.Put(t.Context(), "k", strings.NewReader("more than ten bytes"),
		"text/plain"); !errors.Is(err, store.ErrLimit) {
		t.Errorf("got %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left over: %v, %v", files, err)
	}
}

func TestFileServesRanges(t *testing.T) {
	onEach(t, func(t *testing.T, cfg blob.Config) {
		s := open(t, cfg)
		if _, err := s.Put(t.Context(), "k.ogg", strings.NewReader("0123456789"),
			"audio/ogg"); err != nil {
			t.Fatal(err)
		}
		for asked, want := range map[string]string{
			"": "0123456789", "bytes=3-5": "345", "bytes=7-": "789", "bytes=-2": "89",
			"bytes=20-": "invalid range: failed to overlap\n",
		} {
			f, err := s.Open(t.Context(), "k.ogg")
			if err != nil {
				t.Fatal(err)
			}
			if f.Size() != 10 || f.ModTime().IsZero() || f.ContentType() != "audio/ogg" {
				t.Errorf("size %d, put %v, type %q", f.Size(), f.ModTime(), f.ContentType())
			}
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Range", asked)
			http.ServeContent(w, r, "", f.ModTime(), f)
			if w.Body.String() != want {
				t.Errorf("%s: status %d, body %q", asked, w.Code, w.Body)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestList(t *testing.T) {
	onEach(t, func(t *testing.T, cfg blob.Config) {
		s := open(t, cfg)
		for _, key := range []string{"media/b.jpg", "media/a.jpg", "other/c.jpg"} {
			if _, err := s.Put(t.Context(), key, strings.NewReader("x"), ""); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		if err := s.List(t.Context(), "media/", func(key string, modified time.Time) error {
			if time.Since(modified) > time.Hour {
				t.Errorf("%s is of %v", key, modified)
			}
			keys = append(keys, key)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if strings.Join(keys, " ") != "media/a.jpg media/b.jpg" {
			t.Errorf("listed %q", keys)
		}
		stop := errors.New("enough")
		if err := s.List(t.Context(), "", func(string, time.Time) error {
			return stop
		}); !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFileReadsAndSeeks(t *testing.T) {
	onEach(t, func(t *testing.T, cfg blob.Config) {
		s := open(t, cfg)
		content := bytes.Repeat([]byte("0123456789"), 10_000)
		if _, err := s.Put(t.Context(), "k", bytes.NewReader(content), ""); err != nil {
			t.Fatal(err)
		}
		f, err := s.Open(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := iotest.TestReader(f, content); err != nil {
			t.Error(err)
		}
	})
}

func TestInvalidKeysAreRejected(t *testing.T) {
	s := open(t, blob.Config{Dir: t.TempDir()})
	for _, key := range []string{
		"", "/etc/passwd", "../up", "a/../b", "a//b", "a/.hidden", "a/b.attrs", "a\x00b", "a b",
		strings.Repeat("k", 501),
	} {
		if _, err := s.Put(t.Context(), key, strings.NewReader("x"),
			""); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("put %q: %v", key, err)
		}
		if _, err := s.Open(t.Context(), key); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("open %q: %v", key, err)
		}
	}
}

// TestPingWrites checks that Ping finds a folder or a bucket that can be read but not written.
func TestPingWrites(t *testing.T) {
	onEach(t, func(t *testing.T, cfg blob.Config) {
		s := open(t, cfg)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := s.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	t.Run("folder that is a file", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "blob")
		s := open(t, blob.Config{Dir: dir})
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}
