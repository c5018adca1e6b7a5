package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bedside/configs"
)

// certify writes a certificate for localhost and its key, and returns a pool that trusts it.
func certify(t *testing.T, certFile, keyFile string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, content := range map[string][]byte{
		certFile: chain,
		keyFile:  pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return pool
}

// TestTLSFromFiles serves with certificates from files, redirects plain HTTP, loads a renewed
// certificate on SIGHUP, and refuses to serve profiles to a web site's name.
func TestTLSFromFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := certify(t, certFile, keyFile, 1)
	cfg, err := configs.Load("", []string{
		"BEDSIDE_DATA=" + filepath.Join(dir, "data"), "BEDSIDE_LISTEN=127.0.0.1:0",
		"BEDSIDE_TLS_CERT_FILE=" + certFile, "BEDSIDE_TLS_KEY_FILE=" + keyFile,
		"BEDSIDE_TLS_REDIRECT=127.0.0.1:0", "BEDSIDE_PPROF=:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	app, err := openApp(t.Context(), cfg, "test", slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := app.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	client := func(pool *x509.CertPool) *http.Client {
		return &http.Client{
			Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
				DisableKeepAlives: true,
			},
		}
	}
	res, err := client(pool).Get(app.URL() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 ||
		res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s over HTTP/%d, %v", res.Status, res.ProtoMajor, res.Header)
	}
	plain := "http://" +
		strings.Replace(app.server.RedirectAddr().String(), "127.0.0.1", "localhost", 1)
	if res, err = client(pool).Get(plain + "/health"); err != nil { // follows the redirect
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Request.URL.String() != app.URL()+"/health" {
		t.Errorf("plain HTTP redirects to %s", res.Request.URL)
	}
	renewed := certify(t, certFile, keyFile, 2)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		res, err := client(renewed).Get(app.URL() + "/health")
		if err == nil {
			res.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	byName, err := http.NewRequestWithContext(t.Context(), "GET",
		"http://"+app.profiles.Addr().String()+"/debug/pprof/cmdline", nil)
	if err != nil {
		t.Fatal(err)
	}
	byName.Host = "rebound.example"
	if res, err = http.DefaultClient.Do(byName); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("profiles under a foreign name: %s", res.Status)
	}
	if res, err = http.Get("http://" + app.profiles.Addr().String() +
		"/debug/pprof/cmdline"); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || len(body) == 0 ||
		!strings.HasPrefix(app.profiles.Addr().String(), "127.0.0.1:") {
		t.Errorf("profiles at %s: %s, %d bytes, %v", app.profiles.Addr(), res.Status, len(body),
			err)
	}
	// With a private address, metrics are served there only.
	for url, want := range map[string]int{
		"http://" + app.profiles.Addr().String() + "/metrics": 200, app.URL() + "/metrics": 404,
	} {
		if res, err = client(renewed).Get(url); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s, want %d", url, res.Status, want)
		}
	}
}
