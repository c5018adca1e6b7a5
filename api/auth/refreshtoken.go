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

// A refresh token is the session's id, a secret of 256 bits, and a tag that only we can make. The
// tag tells a token that we once issued from one that somebody made up: the former, when it is
// too old, ends the session; the latter must not.
//
// The first secret is random. Each later one is the HMAC of a random salt under the secret before
// it. The salt is kept, so that whoever repeats a request with the parent token is given the same
// child, although the database holds no token, only hashes.
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

// child is the token that follows, given its salt.
func (t refreshToken) child(salt []byte) refreshToken {
	return refreshToken{session: t.session, secret: [secretBytes]byte(mac(t.secret[:], salt))}
}

// hash is what the database keeps of a token.
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

// parseRefresh reads a token that we issued.
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
