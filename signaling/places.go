package signaling

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"slices"

	"bedside/signaling/protocol"
)

// tokenHash is what is kept of a resume token.
type tokenHash [sha256.Size]byte

func hashOf(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// equal compares in constant time.
func (t tokenHash) equal(other tokenHash) bool {
	return subtle.ConstantTimeCompare(t[:], other[:]) == 1
}

// place gives a seat a new resume token. The one that was used for it stays valid too, until the
// next: the message with the new one may be lost with its socket.
func (h *Hub) place(s *seat, used tokenHash) string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range s.tokens {
		if !t.equal(used) {
			delete(h.places, t)
		}
	}
	s.tokens = [2]tokenHash{hashOf(token), used}
	h.places[s.tokens[0]] = s
	return token
}

// seat finds who holds a resume token. The table is keyed by hashes of random tokens, so the time
// of a look-up tells nothing of any token.
func (h *Hub) seat(hash tokenHash) (*seat, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.places[hash]
	return s, ok && (s.tokens[0].equal(hash) || s.tokens[1].equal(hash))
}

// vacate makes a seat's tokens worthless.
func (h *Hub) vacate(s *seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range s.tokens {
		delete(h.places, t)
	}
}

// Sessions names the sessions whose devices have a place.
func (h *Hub) Sessions() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := map[string]struct{}{}
	for _, s := range h.places {
		ids[s.join.SessionID] = struct{}{}
	}
	return slices.Collect(maps.Keys(ids))
}

// EndSession closes the sockets of a device that was signed out, and gives their places up.
func (h *Hub) EndSession(sessionID, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.places {
		if s.join.SessionID == sessionID {
			s.room.post(func() { s.room.dismiss(s, fatal(protocol.CodeSessionEnded, reason)) })
		}
	}
}
