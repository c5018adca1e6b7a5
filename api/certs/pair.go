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

// lookEvery is how often the files are looked at, at most: when somebody connects.
const lookEvery = 10 * time.Second

// pair is a certificate and its key in files. It looks at them when clients connect, so that
// nobody has to tell it of a renewal.
type pair struct {
	cert, key string
	log       *slog.Logger
	clock     func() time.Time

	mu     sync.Mutex
	now    *tls.Certificate // guarded by mu
	seen   [2]stamp         // of what now was read from; guarded by mu
	looked time.Time        // guarded by mu
}

// stamp tells one state of a file from another.
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

// load reads the files. On an error the certificate stays what it was.
func (p *pair) load() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read()
}

// read is load; the caller holds mu.
func (p *pair) read() error {
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
	if p.now == nil && !p.clock().Before(loaded.Leaf.NotAfter) {
		p.log.Warn("the certificate has expired", "file", p.cert, "since", loaded.Leaf.NotAfter)
	}
	p.now, p.seen = &loaded, [2]stamp{certStamp, keyStamp}
	return nil
}

// get is tls.Config.GetCertificate.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.clock(); now.Sub(p.looked) >= lookEvery {
		p.looked = now
		certStamp, cerr := stampOf(p.cert)
		keyStamp, kerr := stampOf(p.key)
		err := errors.Join(cerr, kerr)
		if err == nil && p.seen != [2]stamp{certStamp, keyStamp} {
			if err = p.read(); err == nil {
				p.log.Info("the certificate was read again", "file", p.cert, "until",
					p.now.Leaf.NotAfter)
			}
		}
		if err != nil {
			p.log.Error("the certificate stays as it is: its files cannot be read", "error", err)
		}
	}
	return p.now, nil
}
