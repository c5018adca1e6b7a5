package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// errSealed is the cause of every error of Unseal.
var errSealed = errors.New("auth: what was sealed cannot be opened: it was changed, or its key is gone")

// Seal encrypts what must not be read from a copy of the database (AES-256-GCM), bound to its
// owner. It names its key, so that keys can be replaced.
func (s *Sessions) Seal(plain []byte, owner string) ([]byte, error) {
	d := s.tokens.ring.current
	gcm, err := d.gcm()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	out := append([]byte{byte(len(d.id))}, d.id...)
	return gcm.Seal(append(out, nonce...), nonce, plain, []byte(owner)), nil
}

// Unseal undoes Seal.
func (s *Sessions) Unseal(sealed []byte, owner string) ([]byte, error) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return nil, errSealed
	}
	id, rest := sealed[1:1+sealed[0]], sealed[1+sealed[0]:]
	d, ok := s.tokens.ring.byID[string(id)]
	if !ok {
		return nil, errSealed
	}
	gcm, err := d.gcm()
	if err != nil {
		return nil, err
	}
	if len(rest) < gcm.NonceSize() {
		return nil, errSealed
	}
	plain, err := gcm.Open(nil, rest[:gcm.NonceSize()], rest[gcm.NonceSize():], []byte(owner))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

func (d derived) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(d.seal)
	if err != nil {
		return nil, fmt.Errorf("auth: seal: %w", err)
	}
	return cipher.NewGCM(block)
}
