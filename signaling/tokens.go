package signaling

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"slices"
	"sync"
)

// tokenHash is the form in which resume tokens are kept.
type tokenHash [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// equal compares in constant time.
func (t tokenHash) equal(other tokenHash) bool {
	return subtle.ConstantTimeCompare(t[:], other[:]) == 1
}

// resumeTokens is the table of valid resume tokens. It is safe for concurrent use.
//
// It is keyed by hashes of random tokens, so the time of a look-up reveals nothing about a token.
type resumeTokens struct {
	mu     sync.Mutex
	holder map[tokenHash]*participant // guarded by mu, as is participant.tokens
}

func newResumeTokens() *resumeTokens {
	return &resumeTokens{holder: map[tokenHash]*participant{}}
}

// issue returns a new token for a participant. The token that was just used, if any, stays valid
// until the next call, because the message with the new one may be lost with its socket. All
// earlier tokens become invalid.
func (t *resumeTokens) issue(p *participant, used tokenHash) string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, old := range p.tokens {
		if !old.equal(used) {
			delete(t.holder, old)
		}
	}
	p.tokens = [2]tokenHash{hashOf(token), used}
	t.holder[p.tokens[0]] = p
	return token
}

// find returns the participant that holds a token.
func (t *resumeTokens) find(hash tokenHash) (*participant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.holder[hash]
	return p, ok && (p.tokens[0].equal(hash) || p.tokens[1].equal(hash))
}

// revoke makes a participant's tokens invalid.
func (t *resumeTokens) revoke(p *participant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, hash := range p.tokens {
		delete(t.holder, hash)
	}
}

// sessions returns the ids of the sessions whose devices hold a token, each once.
func (t *resumeTokens) sessions() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := map[string]struct{}{}
	for _, p := range t.holder {
		ids[p.seat.join.SessionID] = struct{}{}
	}
	return slices.Collect(maps.Keys(ids))
}

// ofSession returns the participants whose device belongs to a session, each once.
func (t *resumeTokens) ofSession(sessionID string) []*participant {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := map[*participant]struct{}{}
	for _, p := range t.holder {
		if p.seat.join.SessionID == sessionID {
			found[p] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(found))
}
