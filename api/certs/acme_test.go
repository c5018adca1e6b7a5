package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// authority is a small ACME authority (RFC 8555). It requires http-01 and fetches the proof from
// the handler of port 80. It does not verify signatures.
type authority struct {
	*httptest.Server
	t      *testing.T
	port80 http.Handler
	key    *ecdsa.PrivateKey

	mu     sync.Mutex
	proven bool
	cert   []byte
	issued int
}

const challengeToken = "DGyRejmCefe7v4NfDGDKfA"

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /directory", func(w http.ResponseWriter, _ *http.Request) {
		a.respond(w, 200, map[string]any{
			"newNonce": a.URL + "/nonce", "newAccount": a.URL + "/account",
			"newOrder": a.URL + "/order",
		})
	})
	mux.HandleFunc("/nonce", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /account", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", a.URL+"/account/1")
		a.respond(w, 201, map[string]any{"status": "valid"})
	})
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", a.URL+"/order/1")
		a.respond(w, 201, a.order())
	})
	mux.HandleFunc("POST /order/1", func(w http.ResponseWriter,
		_ *http.Request) {
		a.respond(w, 200, a.order())
	})
	mux.HandleFunc("POST /authz/1", func(w http.ResponseWriter,
		_ *http.Request) {
		a.respond(w, 200, a.authorization())
	})
	mux.HandleFunc("POST /challenge/1", func(w http.ResponseWriter, _ *http.Request) {
		a.prove()
		a.respond(w, 200, a.authorization()["challenges"].([]map[string]any)[0])
	})
	mux.HandleFunc("POST /finalize/1", a.finalize)
	mux.HandleFunc("POST /cert/1", func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(a.cert)
	})
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		w.Header().Set("Replay-Nonce", rand.Text())
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *authority) respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		a.t.Error(err)
	}
}

func (a *authority) order() map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := map[string]any{
		"status": "pending", "identifiers": []any{
			map[string]any{"type": "dns", "value": "bedside.example"},
		},
		"authorizations": []string{a.URL + "/authz/1"}, "finalize": a.URL + "/finalize/1",
	}
	switch {
	case a.cert != nil:
		o["status"], o["certificate"] = "valid", a.URL+"/cert/1"
	case a.proven:
		o["status"] = "ready"
	}
	return o
}

func (a *authority) authorization() map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	status := "pending"
	if a.proven {
		status = "valid"
	}
	return map[string]any{
		"status": status, "identifier": map[string]any{"type": "dns", "value": "bedside.example"},
		"challenges": []map[string]any{
			{
				"type": "http-01", "url": a.URL + "/challenge/1", "token": challengeToken,
				"status": status,
			},
		},
	}
}

// prove fetches the proof of the domain, as an authority does from port 80.
func (a *authority) prove() {
	w := httptest.NewRecorder()
	a.port80.ServeHTTP(w,
		httptest.NewRequest("GET", "http://bedside.example/.well-known/acme-challenge/"+challengeToken, nil))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proven = w.Code == http.StatusOK && strings.HasPrefix(w.Body.String(), challengeToken+".")
	if !a.proven {
		a.t.Errorf("the proof is %d %s", w.Code, w.Body)
	}
}

func (a *authority) finalize(w http.ResponseWriter, r *http.Request) {
	var signed struct{ Payload string }
	var asked struct{ CSR string }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &signed)
	}
	var payload, der []byte
	if err == nil {
		payload, err = base64.RawURLEncoding.DecodeString(signed.Payload)
	}
	if err == nil {
		err = json.Unmarshal(payload, &asked)
	}
	if err == nil {
		der, err = base64.RawURLEncoding.DecodeString(asked.CSR)
	}
	if err == nil {
		err = a.issue(der)
	}
	if err != nil {
		a.t.Error(err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Location", a.URL+"/order/1")
	a.respond(w, 200, a.order())
}

func (a *authority) issue(der []byte) error {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{
			CommonName: "issued",
		}, DNSNames: csr.DNSNames,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, csr.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	a.issued++
	return nil
}

// TestCertificateIsIssuedOnceAndCached connects two clients, the first of which waits for the
// authority, and then restarts.
func TestCertificateIsIssuedOnceAndCached(t *testing.T) {
	a, dir := newAuthority(t), t.TempDir()
	started := func() *Certs {
		c, err := Open(
			Config{
				Domains: []string{"bedside.example"}, CacheDir: dir,
				Directory: a.URL + "/directory",
			},
			slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		c.manager.Client = &acme.Client{DirectoryURL: a.URL + "/directory", HTTPClient: a.Client()}
		return c
	}
	c := started()
	a.port80 = c.Redirect("https://bedside.example", "443")
	for range 2 {
		if name, err := shown(t, c, "bedside.example"); err != nil || name != "issued" {
			t.Fatalf("%s is shown, %v", name, err)
		}
	}
	if name, err := shown(t, started(), "bedside.example"); err != nil || name != "issued" {
		t.Errorf("after a restart %s is shown, %v", name, err)
	}
	if a.issued != 1 {
		t.Errorf("%d certificates were issued", a.issued)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others, %v", f.Name(), err)
		}
	}
}
