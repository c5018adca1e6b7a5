package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"bedside/store"
)

// NewOneTimeToken makes the secret of a mailed link, and the hash that is kept of it.
func NewOneTimeToken() (token string, hash []byte) {
	var secret [secretBytes]byte
	_, _ = rand.Read(secret[:]) // never fails
	h := sha256.Sum256(secret[:])
	return base64.RawURLEncoding.EncodeToString(secret[:]), h[:]
}

// HashOneTimeToken gives the hash of a link's secret. store.ErrNotFound: it cannot be one of ours.
func HashOneTimeToken(token string) (hash []byte, err error) {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(secret) != secretBytes {
		return nil, fmt.Errorf("the link is incomplete: %w", store.ErrNotFound)
	}
	h := sha256.Sum256(secret)
	return h[:], nil
}
