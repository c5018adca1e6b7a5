package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// errUnseal is returned by Unseal for data that is malformed or was changed, and for data of
// another owner or of a key that is no longer configured.
var errUnseal = errors.New("auth: cannot unseal: the data was changed, or its key is missing")

// Seal encrypts a secret for the database (AES-256-GCM), so that a copy of the database does not
// reveal it. Only Unseal with the same owner opens it. The result names its key, so that keys can
// be replaced.
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

// Unseal decrypts what Seal returned.
func (s *Sessions) Unseal(sealed []byte, owner string) ([]byte, error) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return nil, errUnseal
	}
	id, rest := sealed[1:1+sealed[0]], sealed[1+sealed[0]:]
	d, ok := s.tokens.ring.byID[string(id)]
	if !ok {
		return nil, errUnseal
	}
	gcm, err := d.gcm()
	if err != nil {
		return nil, err
	}
	if len(rest) < gcm.NonceSize() {
		return nil, errUnseal
	}
	plain, err := gcm.Open(nil, rest[:gcm.NonceSize()], rest[gcm.NonceSize():], []byte(owner))
	if err != nil {
		return nil, errUnseal
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
