package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"bedside/store"

	"github.com/google/uuid"
)

// refreshToken has the session's id and a secret of 256 bits. Its text also has a tag, which only
// a holder of the signing key can compute. The tag distinguishes a token that was issued here from
// an invented one: an old token ends its session, which an invented one must not do.
//
// The first secret of a session is random. Each later one, the child, is the HMAC of a random salt
// under the secret before it. The salt is stored, so that a repeated request with the parent token
// gets the same child, although the database holds only hashes of tokens.
type refreshToken struct {
	session uuid.UUID
	secret  [secretBytes]byte
}

const (
	secretBytes  = 32
	tagBytes     = 16
	refreshBytes = 16 + secretBytes + tagBytes
)

func newRefreshToken(session uuid.UUID) refreshToken {
	t := refreshToken{session: session}
	_, _ = rand.Read(t.secret[:]) // never fails
	return t
}

// child returns the next token of the session.
func (t refreshToken) child(salt []byte) refreshToken {
	return refreshToken{session: t.session, secret: [secretBytes]byte(mac(t.secret[:], salt))}
}

// hash returns what the database stores of a token.
func (t refreshToken) hash() []byte {
	h := sha256.Sum256(t.secret[:])
	return h[:]
}

func (r *keyring) formatRefresh(t refreshToken) string {
	b := append(t.session[:], t.secret[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, r.current.tag(t)...))
}

func (d derived) tag(t refreshToken) []byte {
	return mac(d.refresh, t.session[:], t.secret[:])[:tagBytes]
}

// parseRefresh parses a token. It returns store.ErrUnauthenticated unless the token was issued
// here.
func (r *keyring) parseRefresh(s string) (t refreshToken, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != refreshBytes {
		return t, fmt.Errorf("this is not a refresh token: %w", store.ErrUnauthenticated)
	}
	copy(t.session[:], b)
	copy(t.secret[:], b[16:])
	genuine := 0
	for _, d := range r.byID {
		genuine |= subtle.ConstantTimeCompare(d.tag(t), b[16+secretBytes:])
	}
	if genuine != 1 {
		return t, fmt.Errorf("the refresh token was not issued here: %w", store.ErrUnauthenticated)
	}
	return t, nil
}
