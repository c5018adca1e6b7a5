package blob_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/configs/cluster/services"
	"bedside/store"
	"bedside/store/blob"
)

// startS3 starts a real S3 server until the test ends. It skips the test when there is none.
func startS3(t *testing.T) *services.S3 {
	t.Helper()
	s, err := services.StartS3(t.Context(), t.TempDir())
	if errors.Is(err, services.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func bucket(s *services.S3) blob.Config {
	return blob.Config{URL: s.URL(), AccessKey: s.AccessKey, SecretKey: s.SecretKey}
}

// TestProcessesShareABucket opens the bucket twice, as a speech and an api process do.
func TestProcessesShareABucket(t *testing.T) {
	cfg := bucket(startS3(t))
	speech, api := open(t, cfg), open(t, cfg)
	if _, err := speech.Put(t.Context(), "k", strings.NewReader("said"), "audio/ogg"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, api, "k"); got != "said" {
		t.Errorf("read %q", got)
	}
	if err := api.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := speech.Open(t.Context(), "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after delete: %v", err)
	}
}

// TestKeyOfTheEnvironment checks that S3 finds its key where other programs do.
func TestKeyOfTheEnvironment(t *testing.T) {
	s := startS3(t)
	t.Setenv("AWS_ACCESS_KEY_ID", s.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.SecretKey)
	if err := open(t, blob.Config{URL: s.URL()}).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if err := open(t, blob.Config{URL: s.URL()}).Ping(t.Context()); err == nil {
		t.Error("a wrong key was accepted")
	}
}

func TestFolderInABucket(t *testing.T) {
	cfg := bucket(startS3(t))
	whole := open(t, cfg)
	cfg.URL = strings.Replace(cfg.URL, "?", "/eu/bedside?", 1)
	part := open(t, cfg)
	if _, err := part.Put(t.Context(), "a/k", strings.NewReader("said"), ""); err != nil {
		t.Fatal(err)
	}
	if got := read(t, whole, "eu/bedside/a/k"); got != "said" {
		t.Errorf("read %q", got)
	}
}

// TestFailedPutLeavesNothingInTheBucket checks that the parts of a file that was abandoned are not
// kept, and paid for, by the S3 server.
func TestFailedPutLeavesNothingInTheBucket(t *testing.T) {
	s := startS3(t)
	cfg := bucket(s)
	cfg.MaxBytes = 20 << 20
	files := open(t, cfg)
	if _, err := files.Put(t.Context(), "k", strings.NewReader(strings.Repeat("x", 21<<20)),
		""); !errors.Is(err, store.ErrLimit) {
		t.Fatalf("got %v", err)
	}
	var left []string
	dir := s.Args[len(s.Args)-1]
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, path)
		}
		return err
	})
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestRangesAreNotReadFromTheBeginning counts what S3 is asked for: no whole file for a few bytes
// of it.
func TestRangesAreNotReadFromTheBeginning(t *testing.T) {
	s := startS3(t)
	var mu sync.Mutex
	var asked []string
	target, err := url.Parse("http://" + s.Address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, strings.TrimSpace(r.In.Method+" "+r.In.Header.Get("Range")))
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}})
	t.Cleanup(proxy.Close)
	writing := open(t, bucket(s))
	if _, err := writing.Put(t.Context(), "k", strings.NewReader("0123456789"), ""); err != nil {
		t.Fatal(err)
	}
	cfg := bucket(s)
	cfg.URL = services.S3URL(strings.TrimPrefix(proxy.URL, "http://"))
	f, err := open(t, cfg).Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	w.Header().Set("Content-Type", "audio/ogg") // so that nothing is read to find it out
	r.Header.Set("Range", "bytes=3-5")
	http.ServeContent(w, r, "", time.Time{}, f)
	if want := []string{"HEAD", "GET bytes=3-9"}; w.Body.String() != "345" ||
		!slices.Equal(asked, want) {
		t.Errorf("body %q; S3 was asked for %q, want %q", w.Body, asked, want)
	}
}

// TestS3Outages checks what the callers of a Store are told, and that no message has the secret.
func TestS3Outages(t *testing.T) {
	s := startS3(t)
	wrong := bucket(s)
	wrong.SecretKey = "a-wrong-secret"
	missing := bucket(s)
	missing.URL = strings.Replace(missing.URL, "s3://bedside", "s3://another", 1)
	right := open(t, bucket(s))
	for name, cfg := range map[string]blob.Config{"wrong secret": wrong, "no bucket": missing} {
		files := open(t, cfg)
		_, putErr := files.Put(t.Context(), "k", strings.NewReader("x"), "")
		for what, err := range map[string]error{"ping": files.Ping(t.Context()), "put": putErr} {
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	s.Kill()
	if err := right.Ping(t.Context()); err == nil {
		t.Error("ping without a server: no error")
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := right.Ping(t.Context()); err != nil {
		t.Errorf("ping after a restart: %v", err)
	}
}
