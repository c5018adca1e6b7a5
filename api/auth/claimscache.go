package auth

import (
	"crypto/sha256"
	"sync"
)

// claimsCache remembers what verified access tokens say, so that a signature is checked once and
// not at every request. Whether the session behind a token is in use is another question, and
// asked each time. Of a token only the hash is kept. Safe for concurrent use.
type claimsCache struct {
	mu     sync.RWMutex // guards claims
	claims map[[sha256.Size]byte]accessClaims
}

func newClaimsCache() *claimsCache {
	return &claimsCache{claims: map[[sha256.Size]byte]accessClaims{}}
}

func (k *claimsCache) find(token string) (accessClaims, bool) {
	if len(token) > maxToken {
		return accessClaims{}, false
	}
	hash := sha256.Sum256([]byte(token))
	k.mu.RLock()
	defer k.mu.RUnlock()
	c, ok := k.claims[hash]
	return c, ok
}

func (k *claimsCache) keep(token string, c accessClaims) {
	hash := sha256.Sum256([]byte(token))
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.claims) >= cacheSize {
		clear(k.claims) // cheaper than knowing which one is oldest, and as right
	}
	k.claims[hash] = c
}
