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

// KeyFromFile reads the signing key kept in a file that only its owner can read, and makes one
// first when there is none.
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
			"auth: %s holds no signing key: remove it to have a new one made (everybody is then signed out)",
			path)
	}
	return NewKey(secret), nil
}

// NewKey names a key after its secret, without telling anything of it.
func NewKey(secret []byte) Key {
	return Key{ID: hex.EncodeToString(mac(secret, []byte("key id"))[:4]), Secret: secret}
}

// makeKey writes a new key beside its place and links it there, so that of two processes one wins
// and nobody reads half a key.
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
