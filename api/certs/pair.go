package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkEvery is the shortest time between two checks of the files.
const checkEvery = 10 * time.Second

// pair is a certificate and its key in files. It checks the files when clients connect, so that a
// renewed certificate needs no signal. It is safe for concurrent use.
type pair struct {
	cert, key string
	log       *slog.Logger
	clock     func() time.Time

	mu      sync.Mutex       // guards the fields below
	current *tls.Certificate // nil until the first load
	read    [2]stamp         // stamps of the files that current was read from
	checked time.Time        // when the files were last checked
}

// stamp identifies one state of a file.
type stamp struct {
	changed time.Time
	size    int64
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// load reads the files. After an error it keeps the old certificate.
func (p *pair) load() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loadLocked()
}

// loadLocked is load for a caller that holds mu.
func (p *pair) loadLocked() error {
	certStamp, err := stampOf(p.cert)
	if err != nil {
		return fmt.Errorf("tls.cert_file: %w", err)
	}
	keyStamp, err := stampOf(p.key)
	if err != nil {
		return fmt.Errorf("tls.key_file: %w", err)
	}
	loaded, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("tls: %s and %s: %w", p.cert, p.key, err)
	}
	if p.current == nil && !p.clock().Before(loaded.Leaf.NotAfter) {
		p.log.Warn("the certificate has expired", "file", p.cert, "since", loaded.Leaf.NotAfter)
	}
	p.current, p.read = &loaded, [2]stamp{certStamp, keyStamp}
	return nil
}

// get implements tls.Config.GetCertificate.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.clock(); now.Sub(p.checked) >= checkEvery {
		p.checked = now
		certStamp, cerr := stampOf(p.cert)
		keyStamp, kerr := stampOf(p.key)
		err := errors.Join(cerr, kerr)
		if err == nil && p.read != [2]stamp{certStamp, keyStamp} {
			if err = p.loadLocked(); err == nil {
				p.log.Info("the certificate was reloaded", "file", p.cert, "until",
					p.current.Leaf.NotAfter)
			}
		}
		if err != nil {
			p.log.Error("the certificate's files cannot be read; the old one stays in use",
				"error", err)
		}
	}
	return p.current, nil
}
