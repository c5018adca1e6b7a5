package auth

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Key is a secret that tokens are signed with. Its ID is in each token's header, so that tokens of
// an earlier key stay valid when the key is replaced.
type Key struct {
	ID     string
	Secret []byte
}

const minSecret = 32 // bytes

// keyring holds the keys derived from each secret. Each kind of token has a key of its own, so
// that none can be used as one of another kind.
type keyring struct {
	current derived
	byID    map[string]derived
}

type derived struct {
	id                                         string
	access, ticket, refresh, seal, device, url []byte
}

func newKeyring(keys []Key) (*keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("auth: a signing key is needed")
	}
	ring := &keyring{byID: map[string]derived{}}
	for i, k := range keys {
		if len(k.Secret) < minSecret {
			return nil, fmt.Errorf("auth: signing key %q is shorter than %d bytes", k.ID,
				minSecret)
		}
		if len(k.ID) > 255 {
			return nil, errors.New("auth: a signing key's id is longer than 255 bytes")
		}
		if _, twice := ring.byID[k.ID]; twice {
			return nil, fmt.Errorf("auth: two signing keys have the id %q", k.ID)
		}
		d := derived{id: k.ID}
		for purpose, out := range map[string]*[]byte{
			"access": &d.access, "ticket": &d.ticket, "refresh": &d.refresh, "seal": &d.seal,
			"device": &d.device, "url": &d.url,
		} {
			var err error
			if *out, err = hkdf.Key(sha256.New, k.Secret, nil, "bedside "+purpose,
				sha256.Size); err != nil {
				return nil, fmt.Errorf("auth: signing key %q: %w", k.ID, err)
			}
		}
		ring.byID[k.ID] = d
		if i == 0 {
			ring.current = d
		}
	}
	return ring, nil
}

// mac returns the HMAC-SHA256 of the parts.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
