package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newCertificate returns a self-signed certificate for a name and its key, in PEM.
func newCertificate(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{
			x509.ExtKeyUsageServerAuth,
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shown connects as a client and returns the name on the server's certificate.
func shown(t *testing.T, c *Certs, name string) (string, error) {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	done := make(chan error, 1)
	go func() {
		defer there.Close()
		done <- tls.Server(there, c.TLS()).Handshake()
	}()
	client := tls.Client(here, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	err := client.Handshake()
	if err != nil {
		here.Close()
	}
	if err := errors.Join(err, <-done); err != nil {
		return "", err
	}
	return client.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestChangedFilesAreReloaded(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	renew := func(name string) {
		cert, key := newCertificate(t, name)
		write(t, cfg.CertFile, cert)
		write(t, cfg.KeyFile, key)
	}
	renew("first.example")
	var at atomic.Int64
	at.Store(time.Now().UnixNano())
	var logged bytes.Buffer
	c, err := Open(cfg, slog.New(slog.NewTextHandler(&logged, nil)), func() time.Time {
		return time.Unix(0, at.Load())
	})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		if name, err := shown(t, c, "x"); err != nil || name != want {
			t.Errorf("%s is shown, want %s; %v", name, want, err)
		}
	}
	expect("first.example")
	renew("second.example")
	expect("first.example") // looked at a moment ago
	at.Add(int64(checkEvery))
	expect("second.example")
	renew("third.example")
	if err := c.Reload(); err != nil {
		t.Error(err)
	}
	expect("third.example")
	write(t, cfg.KeyFile, []byte("not a key"))
	if err := c.Reload(); err == nil {
		t.Error("a broken key is taken")
	}
	at.Add(int64(checkEvery))
	expect("third.example")
	if err := os.Remove(cfg.CertFile); err != nil {
		t.Fatal(err)
	}
	at.Add(int64(checkEvery))
	expect("third.example")
	if n := strings.Count(logged.String(), "cannot be read"); n != 2 {
		t.Errorf("the log names %d failures:\n%s", n, &logged)
	}
}

func TestInvalidConfigurations(t *testing.T) {
	cert, key := newCertificate(t, "a.example")
	_, other := newCertificate(t, "a.example")
	dir := t.TempDir()
	for name, content := range map[string][]byte{"cert": cert, "key": key, "other": other} {
		write(t, filepath.Join(dir, name), content)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for want, cfg := range map[string]Config{
		"go together": {CertFile: in("cert")},
		"not both": {
			CertFile: in("cert"), KeyFile: in("key"), Domains: []string{"a.example"},
		},
		"tls.cert_file":   {CertFile: in("none"), KeyFile: in("key")},
		"tls.key_file":    {CertFile: in("cert"), KeyFile: in("none")},
		"does not match":  {CertFile: in("cert"), KeyFile: in("other")},
		`"*.a.example"`:   {Domains: []string{"*.a.example"}},
		`"192.0.2.1"`:     {Domains: []string{"192.0.2.1"}},
		`"localhost"`:     {Domains: []string{"localhost"}},
		`"a.example:443"`: {Domains: []string{"a.example:443"}},
		`"http://ca.example/dir" is`: {
			Domains: []string{"a.example"}, Directory: "http://ca.example/dir",
		},
	} {
		if _, err := Open(cfg, slog.New(slog.DiscardHandler), time.Now); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("want an error that contains %s, got %v", want, err)
		}
	}
}

// TestCachedCertificateNeedsNoAuthority serves a certificate that was issued before. A client that
// asks for another name does not reach the authority either.
func TestCachedCertificateNeedsNoAuthority(t *testing.T) {
	dir := t.TempDir()
	cert, key := newCertificate(t, "bedside.example")
	write(t, filepath.Join(dir, "bedside.example"), append(key, cert...))
	authority := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the authority was asked")
	}))
	defer authority.Close()
	c, err := Open(
		Config{Domains: []string{"bedside.example"}, CacheDir: dir, Directory: authority.URL},
		slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := shown(t, c, "bedside.example"); err != nil || name != "bedside.example" {
		t.Errorf("%s is shown, %v", name, err)
	}
	if _, err := shown(t, c, "other.example"); err == nil {
		t.Error("another name is served")
	}
	if err := c.Reload(); err != nil {
		t.Error(err)
	}
}

func TestRedirectToHTTPS(t *testing.T) {
	acme, err := Open(Config{Domains: []string{"bedside.example"}, CacheDir: t.TempDir()},
		slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		target, port, method, url string
		status                    int
		location                  string
	}{
		{
			"https://bedside.example", "443", "GET", "http://bedside.example/a%2Fb?c=d", 308,
			"https://bedside.example/a%2Fb?c=d",
		},
		{
			"https://bedside.example:8443", "8443", "GET", "http://other.example/", 308,
			"https://bedside.example:8443/",
		},
		{"", "443", "HEAD", "http://other.example:80/x", 308, "https://other.example/x"},
		{"", "8443", "GET", "http://[2001:db8::1]:80/x", 308, "https://[2001:db8::1]:8443/x"},
		{"", "443", "GET", "http://[2001:db8::1]/x", 308, "https://[2001:db8::1]/x"},
		{"https://bedside.example", "443", "POST", "http://bedside.example/auth/login", 400, ""},
		{
			"https://bedside.example", "443", "GET",
			"http://bedside.example/.well-known/acme-challenge/unknown", 404, "",
		},
		{
			"https://bedside.example", "443", "GET",
			"http://other.example/.well-known/acme-challenge/unknown", 403, "",
		},
	} {
		w := httptest.NewRecorder()
		acme.Redirect(c.target, c.port).ServeHTTP(w, httptest.NewRequest(c.method, c.url, nil))
		if w.Code != c.status || w.Header().Get("Location") != c.location {
			t.Errorf("%s %s: %d %s", c.method, c.url, w.Code, w.Header().Get("Location"))
		}
	}
}
