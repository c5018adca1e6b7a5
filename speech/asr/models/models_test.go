package models

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// archive is a model as a release has it.
func archive(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/tones.tar.bz2")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func describe(data []byte, url string) Model {
	sum := sha256.Sum256(data)
	return Model{
		Name: "tones", URL: url, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]),
	}
}

func open(t *testing.T) *Store {
	t.Helper()
	s := Open(filepath.Join(t.TempDir(), "models"))
	s.pause = func(int) time.Duration { return 0 }
	return s
}

func ignore(int64, int64) {}

// files returns what is in a folder, but for its lock.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

// releases serves a file with ranges.
func releases(t *testing.T, data []byte) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "tones.tar.bz2", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(server.Close)
	return server
}

func TestInstallAndRemove(t *testing.T) {
	data := archive(t)
	m, s := describe(data, releases(t, data).URL), open(t)
	var last [2]int64
	got, err := s.Install(t.Context(), m, "", func(done, all int64) { last = [2]int64{done, all} })
	if err != nil || last != [2]int64{m.Size, m.Size} || got.Dir != filepath.Join(s.dir, "tones") {
		t.Fatalf("%+v, %v, progress %v", got, err, last)
	}
	want := []string{"README.md", "about.json", "model.int8.onnx", "tokens.txt"}
	if names := files(t, got.Dir); !slices.Equal(names, want) {
		t.Errorf("installed %v", names)
	}
	list, err := s.List()
	if err != nil || len(list) != 1 || list[0] != got {
		t.Errorf("listed %+v, %v", list, err)
	}
	if _, err := s.Install(t.Context(), m, "", ignore); !errors.Is(err, ErrInstalled) {
		t.Errorf("installed again: %v", err)
	}
	if err := s.Remove("tones"); err != nil || len(files(t, s.dir)) > 0 {
		t.Errorf("%v, left %v", err, files(t, s.dir))
	}
	if err := s.Remove("tones"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("removed twice: %v", err)
	}
	for _, name := range []string{"..", "../tones", "a/b", ""} {
		if err := s.Remove(name); err == nil || errors.Is(err, ErrNotInstalled) {
			t.Errorf("removed %q: %v", name, err)
		}
		if _, err := s.Install(t.Context(), Model{Name: name}, "", ignore); err == nil {
			t.Errorf("installed %q", name)
		}
	}
}

func TestDownloadGoesOn(t *testing.T) {
	data := archive(t)
	var ranges []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		switch len(ranges) {
		case 1: // breaks off
			_, _ = w.Write(data[:1000])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Del("Content-Length")
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case 3: // has no ranges, and breaks off
			_, _ = w.Write(data[:500])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.Header().Del("Content-Length")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		}
	}))
	defer server.Close()
	s := open(t)
	if _, err := s.Install(t.Context(), describe(data, server.URL), "", ignore); err != nil {
		t.Fatal(err)
	}
	want := []string{"", "bytes=1000-", "bytes=1000-", "bytes=500-"}
	if !slices.Equal(ranges, want) {
		t.Errorf("asked for %q", ranges)
	}
}

func TestInterruptedInstallGoesOnTheNextTime(t *testing.T) {
	data := archive(t)
	ctx, cancel := context.WithCancel(t.Context())
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() == nil {
			_, _ = w.Write(data[:700])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		asked = r.Header.Get("Range")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	defer server.Close()
	m, s := describe(data, server.URL), open(t)
	_, err := s.Install(ctx, m, "", func(done, _ int64) {
		if done == 700 {
			cancel()
		}
	})
	if left := files(t, s.dir); !errors.Is(err, context.Canceled) ||
		!slices.Equal(left, []string{"tones.part"}) {
		t.Fatalf("%v, %v", err, left)
	}
	if _, err := s.Install(t.Context(), m, "", ignore); err != nil || asked != "bytes=700-" {
		t.Errorf("%v, asked for %q", err, asked)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	data := archive(t)
	changed := bytes.Clone(data)
	changed[len(changed)/2] ^= 1
	plain := releases(t, data)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   error
		text   string
	}{
		"changed": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(changed) },
			ErrChanged, "checksum"},
		"longer": {func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				_, _ = w.Write(data)
			}
		}, ErrChanged, "more than"},
		"gone": {http.NotFound, errRefused, "404"},
		"other bytes": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 7-9/10")
			w.WriteHeader(http.StatusPartialContent)
		}, errRefused, "other bytes"},
		"always busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
		}, nil, "after 6 tries"},
		"shorter": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data[:100]) },
			nil, "after 6 tries"},
	} {
		server := httptest.NewServer(http.HandlerFunc(c.answer))
		s := open(t)
		_, err := s.Install(t.Context(), describe(data, server.URL), "", ignore)
		if err == nil || c.want != nil && !errors.Is(err, c.want) ||
			!strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
		if list, _ := s.List(); len(list) > 0 {
			t.Errorf("%s: installed %+v", name, list)
		}
		if name == "changed" && len(files(t, s.dir)) > 0 {
			t.Errorf("%s: left %v", name, files(t, s.dir))
		}
		server.Close()
	}
	s := open(t)
	s.client.Transport = secure.Client().Transport
	if _, err := s.Install(t.Context(), describe(data, secure.URL), "", ignore); err == nil ||
		!strings.Contains(err.Error(), "without encryption") {
		t.Errorf("redirected to http: %v", err)
	}
}

func TestServerThatStallsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := archive(t)
		s := open(t)
		asked := 0
		s.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			body := io.NopCloser(bytes.NewReader(data))
			if asked == 1 {
				pipe, w := io.Pipe()
				context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) })
				body = pipe
			}
			return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
		})
		began := time.Now()
		_, err := s.Install(t.Context(), describe(data, "https://models.example"), "", ignore)
		if err != nil || asked != 2 || time.Since(began) != stalled {
			t.Errorf("%v after %v and %d requests", err, time.Since(began), asked)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestInstallFromElsewhere(t *testing.T) {
	data := archive(t)
	m := describe(data, "https://unreachable.invalid/")
	s := open(t)
	if _, err := s.Install(t.Context(), m, "testdata/tones.tar.bz2", ignore); err != nil {
		t.Errorf("from a file: %v", err)
	}
	s = open(t)
	if _, err := s.Install(t.Context(), m, releases(t, data).URL, ignore); err != nil {
		t.Errorf("from another address: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, append(data, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t).Install(t.Context(), m, other, ignore); !errors.Is(err, ErrChanged) {
		t.Errorf("another file: %v", err)
	}
}

func TestInstallNeedsRoomAndIsAlone(t *testing.T) {
	data := archive(t)
	m, s := describe(data, releases(t, data).URL), open(t)
	s.free = func(string) (int64, error) { return m.Size, nil }
	if _, err := s.Install(t.Context(), m, "", ignore); err == nil ||
		!strings.Contains(err.Error(), "MB free") {
		t.Errorf("a full disk: %v", err)
	}
	s.free = freeBytes
	release, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Install(t.Context(), m, "", ignore); !errors.Is(err, ErrBusy) {
		t.Errorf("beside another one: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Install(t.Context(), m, "", ignore); err != nil {
		t.Error(err)
	}
}

func TestHostileArchives(t *testing.T) {
	tokens := tar.Header{Name: "m/tokens.txt", Size: 1}
	for name, c := range map[string]struct {
		headers []tar.Header
		want    string
	}{
		"path upwards":    {[]tar.Header{{Name: "m/../../a.onnx", Size: 1}}, "no file in it"},
		"absolute path":   {[]tar.Header{{Name: "/tmp/a.onnx", Size: 1}}, "no file in it"},
		"symbolic link":   {[]tar.Header{{Name: "m/a.onnx", Typeflag: '2'}}, "no file in it"},
		"hard link":       {[]tar.Header{{Name: "m/a.onnx", Typeflag: '1'}}, "no file in it"},
		"device":          {[]tar.Header{{Name: "m/a.onnx", Typeflag: '3'}}, "no file in it"},
		"the same twice":  {[]tar.Header{tokens, tokens}, "exists"},
		"the description": {[]tar.Header{tokens, {Name: "m/about.json", Size: 1}}, ""},
		"nothing":         {nil, "no tokens.txt"},
		"a deep folder":   {[]tar.Header{{Name: "m/n/tokens.txt", Size: 1}}, "no tokens.txt"},
		"whole":           {[]tar.Header{{Name: "m/", Typeflag: '5'}, tokens}, ""},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range c.headers {
			h.Mode, h.Linkname = 0o4777, "/etc"
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, h.Size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		parent := t.TempDir()
		dir := filepath.Join(parent, "model")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		err := unpackTar(tar.NewReader(&b), dir)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if names := files(t, parent); !slices.Equal(names, []string{"model"}) {
			t.Errorf("%s: wrote %v", name, names)
		}
		for _, file := range files(t, dir) {
			info, err := os.Lstat(filepath.Join(dir, file))
			if err != nil || info.Mode() != 0o644 || file == "about.json" {
				t.Errorf("%s: %s has the mode %v", name, file, info.Mode())
			}
		}
	}
}

func TestArchivesThatAreTooLarge(t *testing.T) {
	endless := func(h tar.Header, n int) io.Reader {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for range n {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if h.Size > 1<<20 {
				break // its bytes never come
			}
		}
		return &b
	}
	bomb := tar.Header{Name: "m/a.onnx", Size: maxUnpacked + 1}
	err := unpackTar(tar.NewReader(endless(bomb, 1)), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a bomb: %v", err)
	}
	err = unpackTar(tar.NewReader(endless(tar.Header{Name: "m/skipped"}, maxEntries+1)),
		t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "entries") {
		t.Errorf("many files: %v", err)
	}
}

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Catalogue() {
		sum, err := hex.DecodeString(m.SHA256)
		if err != nil || len(sum) != sha256.Size || m.Size < 1<<20 || m.License == "" ||
			m.About == "" || !strings.HasPrefix(m.URL, "https://") || seen[m.Name] {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
		if found, ok := Find(Catalogue(), m.Name); !ok || found != m {
			t.Errorf("%s is not found", m.Name)
		}
	}
	if _, ok := Find(Catalogue(), "other"); ok {
		t.Error("a model is found that is not there")
	}
}
