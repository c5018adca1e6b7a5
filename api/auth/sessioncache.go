package auth

import (
	"sync"
	"time"

	"bedside/store"
)

const (
	cacheTime = 30 * time.Second
	cacheSize = 10_000 // entries
)

// sessionCache keeps the users of sessions for a short time, so that not every request reads the
// database. It is empty unless the events of other processes arrive, which tell it of ended
// sessions and changed accounts. It is safe for concurrent use.
type sessionCache struct {
	clock func() time.Time

	mu         sync.Mutex // guards the fields below
	eventsLive bool
	// generation changes with every event. An entry that was read before an event is not kept
	// after it.
	generation uint64
	entries    map[string]cacheEntry // by session id
}

type cacheEntry struct {
	session store.Session
	user    store.User
	until   time.Time
}

func newCache(clock func() time.Time) *sessionCache {
	return &sessionCache{clock: clock, entries: map[string]cacheEntry{}}
}

// find returns the entry of a session. If there is none, the caller reads the store and passes the
// generation to keep.
func (c *sessionCache) find(sessionID string) (e cacheEntry, ok bool, generation uint64) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok = c.entries[sessionID]
	return e, ok && now.Before(e.until), c.generation
}

// keep adds what was read since find returned the generation, unless an event arrived since.
func (c *sessionCache) keep(generation uint64, s store.Session, u store.User) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.eventsLive || generation != c.generation {
		return
	}
	if len(c.entries) >= cacheSize {
		clear(c.entries) // simpler than evicting the oldest, and rare
	}
	c.entries[s.ID] = cacheEntry{session: s, user: u, until: now.Add(cacheTime)}
}

// forget removes a session.
func (c *sessionCache) forget(sessionID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	delete(c.entries, sessionID)
}

// forgetUser removes a user's sessions.
func (c *sessionCache) forgetUser(userID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	for id, e := range c.entries {
		if e.user.ID == userID {
			delete(c.entries, id)
		}
	}
}

// setEventsLive says whether the events of other processes arrive, and empties the cache.
func (c *sessionCache) setEventsLive(live bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eventsLive = live
	c.generation++
	clear(c.entries)
}
