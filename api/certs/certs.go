// Package certs provides the server's TLS certificates: from files, which it reads again when they
// change, or from an ACME authority such as Let's Encrypt.
//
// An authority issues a certificate for a domain when the server proves that the domain leads to
// it: it answers a challenge at port 443 (tls-alpn-01) or at port 80 (http-01).
package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Config says where certificates come from: CertFile and KeyFile, or Domains, or neither.
type Config struct {
	CertFile  string   `key:"tls.cert_file" env:"BEDSIDE_TLS_CERT_FILE" doc:"PEM file with the certificate and its chain; read again when it changes and on SIGHUP"`
	KeyFile   string   `key:"tls.key_file" env:"BEDSIDE_TLS_KEY_FILE" doc:"PEM file with the certificate's private key"`
	Domains   []string `key:"tls.domains" env:"BEDSIDE_TLS_DOMAINS" doc:"instead of files: domains of this server, for which certificates are fetched by ACME and kept in the data folder; the domain's port 443 must lead to listen, or its port 80 to redirect"`
	Email     string   `key:"tls.email" env:"BEDSIDE_TLS_EMAIL" doc:"contact address for the ACME authority; may be empty"`
	Directory string   `key:"tls.directory" env:"BEDSIDE_TLS_DIRECTORY" doc:"directory URL of the ACME authority; empty: Let's Encrypt"`

	CacheDir string // folder for the certificates that the authority issued
}

// On reports whether the configuration asks for TLS.
func (c Config) On() bool { return c.CertFile != "" || c.KeyFile != "" || len(c.Domains) > 0 }

// Validate reports the first setting that cannot work. It does not read the files.
func (c Config) Validate() error {
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("tls: cert_file and key_file go together")
	case c.CertFile != "" && len(c.Domains) > 0:
		return errors.New("tls: set cert_file and key_file, or domains, not both")
	case c.Directory != "":
		if u, err := url.Parse(c.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("tls.directory: %q is not an https address", c.Directory)
		}
	}
	for _, d := range c.Domains {
		if !publicName(d) {
			return fmt.Errorf(
				"tls.domains: an authority issues no certificate for %q (no wildcards, no IP addresses)",
				d)
		}
	}
	return nil
}

// publicName reports whether d is a host name of at least two labels, in lower case.
func publicName(d string) bool {
	labels := strings.Split(d, ".")
	if _, err := netip.ParseAddr(d); err == nil || len(labels) < 2 || len(d) > 253 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 ||
			strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || l[0] == '-' ||
			l[len(l)-1] == '-' {
			return false
		}
	}
	return true
}

// Certs provides a server's certificates. It is safe for concurrent use and has nothing to close.
type Certs struct {
	files   *pair             // nil with ACME
	manager *autocert.Manager // nil with files
}

// Open reads the files. With domains it does not yet ask the authority: that happens when the
// first client connects.
func Open(cfg Config, log *slog.Logger, clock func() time.Time) (*Certs, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(cfg.Domains) == 0 {
		p := &pair{cert: cfg.CertFile, key: cfg.KeyFile, log: log, clock: clock}
		return &Certs{files: p}, p.load()
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cfg.CacheDir),
		HostPolicy: autocert.HostWhitelist(cfg.Domains...), Email: cfg.Email,
	}
	if cfg.Directory != "" {
		m.Client = &acme.Client{DirectoryURL: cfg.Directory}
	}
	return &Certs{manager: m}, nil
}

// TLS returns the server's TLS configuration.
func (c *Certs) TLS() *tls.Config {
	if c.manager != nil {
		t := c.manager.TLSConfig()
		t.MinVersion = tls.VersionTLS12
		return t
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.files.get}
}

// Reload reads the files again. With ACME it does nothing. After an error the server keeps the old
// certificate.
func (c *Certs) Reload() error {
	if c.files == nil {
		return nil
	}
	return c.files.load()
}

// Redirect returns the handler for port 80. It answers the authority's challenges and redirects
// all other requests to https: to target, the server's https address, or when target is empty to
// the requested host, at port.
func (c *Certs) Redirect(target, port string) http.Handler {
	fixed, _ := url.Parse(target) // nil when it is not an address
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := url.URL{
			Scheme: "https", Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery,
		}
		if fixed != nil && fixed.Host != "" {
			u.Host = fixed.Host
		} else if u.Host = onPort(r.Host, port); u.Host == "" {
			http.Error(w, "use https", http.StatusBadRequest)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			// The body has already crossed the network in clear text.
			http.Error(w, "use https", http.StatusBadRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, u.String(), http.StatusPermanentRedirect)
	})
	if c.manager != nil {
		return c.manager.HTTPHandler(h)
	}
	return h
}

// onPort returns host with another port, or "" when host is not a host name or address.
func onPort(host, port string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.ContainsAny(host, "/\\@?# ") || host == "" {
		return ""
	}
	if port != "443" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
