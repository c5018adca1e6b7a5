package auth

import (
	"crypto/sha256"
	"sync"
)

// claimsCache keeps the claims of verified access tokens, so that a signature is verified once and
// not with every request. It says nothing about the session, which is looked up each time. It
// holds hashes of the tokens only. It is safe for concurrent use.
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
		clear(k.claims) // simpler than evicting the oldest, and rare
	}
	k.claims[hash] = c
}
