package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"bedside/store"
)

// NewOneTimeToken returns the random secret of a mailed link or of a ticket, and the hash to
// store.
func NewOneTimeToken() (token string, hash []byte) {
	var secret [secretBytes]byte
	_, _ = rand.Read(secret[:]) // never fails
	h := sha256.Sum256(secret[:])
	return base64.RawURLEncoding.EncodeToString(secret[:]), h[:]
}

// HashOneTimeToken returns the hash of a token. It returns store.ErrNotFound when the text is not
// a token.
func HashOneTimeToken(token string) (hash []byte, err error) {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(secret) != secretBytes {
		return nil, fmt.Errorf("the token is incomplete: %w", store.ErrNotFound)
	}
	h := sha256.Sum256(secret)
	return h[:], nil
}
