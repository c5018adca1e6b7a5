package auth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// KeyFromFile reads a signing key from a file, which it creates if there is none. Only the owner
// of the file can read it.
func KeyFromFile(path string) (Key, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		b, err = makeKey(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("auth: signing key: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(secret) < minSecret {
		return Key{}, fmt.Errorf(
			"auth: %s has no valid signing key: remove the file to get a new one (all users are "+
				"then signed out)",
			path)
	}
	return NewKey(secret), nil
}

// NewKey returns a key whose ID is derived from the secret and reveals nothing about it.
func NewKey(secret []byte) Key {
	return Key{ID: hex.EncodeToString(mac(secret, []byte("key id"))[:4]), Secret: secret}
}

// makeKey writes a new key to a temporary file and links that to path, so that of two processes
// one wins and no process reads half a key.
func makeKey(path string) ([]byte, error) {
	secret := make([]byte, minSecret)
	_, _ = rand.Read(secret) // never fails
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, hex.EncodeToString(secret))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
