package blob_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"bedside/store"
	"bedside/store/blob"
)

func open(t *testing.T, cfg blob.Config) *blob.Store {
	t.Helper()
	s, err := blob.Open(cfg)
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
	s := open(t, blob.Config{Dir: filepath.Join(t.TempDir(), "made")})
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
}

func TestFailedPutKeepsEarlierFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, blob.Config{Dir: dir, MaxBytes: 10})
	if _, err := s.Put(t.Context(), "k", strings.NewReader("good"), "text/plain"); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the connection was lost")
	if _, err := s.Put(t.Context(), "k",
		io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)),
		"text/plain"); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Put(t.Context(), "k", strings.NewReader("more than ten bytes"),
		"text/plain"); !errors.Is(err, store.ErrLimit) {
		t.Errorf("got %v", err)
	}
	if got := read(t, s, "k"); got != "good" {
		t.Errorf("read %q", got)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() && d.Name() != "k" && d.Name() != "k.attrs" {
			t.Errorf("left over: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileServesRanges(t *testing.T) {
	s := open(t, blob.Config{Dir: t.TempDir()})
	if _, err := s.Put(t.Context(), "k.ogg", strings.NewReader("0123456789"),
		"audio/ogg"); err != nil {
		t.Fatal(err)
	}
	f, err := s.Open(t.Context(), "k.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Size() != 10 || f.ModTime().IsZero() || f.ContentType() != "audio/ogg" {
		t.Errorf("size %d, put %v, type %q", f.Size(), f.ModTime(), f.ContentType())
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Range", "bytes=3-5")
	http.ServeContent(w, r, "", f.ModTime(), f)
	if w.Code != http.StatusPartialContent || w.Body.String() != "345" {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
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

func TestOnlyFolderAddressesAreAccepted(t *testing.T) {
	for _, url := range []string{"s3://bucket", "file://host/dir", "folder", "%"} {
		if _, err := blob.Open(blob.Config{URL: url}); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
	s := open(t, blob.Config{URL: "file://" + t.TempDir()})
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
