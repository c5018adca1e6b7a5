package auth

import (
	"sync"
	"time"

	"bedside/store"
)

const (
	cacheFor  = 30 * time.Second
	cacheSize = 10_000
)

// cache remembers for a short while who is behind a session, so that not every request asks the
// database. It may be believed only while news of ended sessions and changed accounts come in:
// without them it remembers nothing. Safe for concurrent use.
type cache struct {
	clock func() time.Time

	mu         sync.Mutex // guards the fields below
	eventsLive bool
	// changes with every piece of news, so that what was read before it is not remembered after it
	generation uint64
	entries    map[string]remembered
}

type remembered struct {
	session store.Session
	user    store.User
	until   time.Time
}

func newCache(clock func() time.Time) *cache {
	return &cache{clock: clock, entries: map[string]remembered{}}
}

// find gives what is remembered of a session, or the generation to remember it with.
func (c *cache) find(sessionID string) (r remembered, ok bool, generation uint64) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok = c.entries[sessionID]
	return r, ok && now.Before(r.until), c.generation
}

// keep remembers what was read since find gave the generation.
func (c *cache) keep(generation uint64, s store.Session, u store.User) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.eventsLive || generation != c.generation {
		return
	}
	if len(c.entries) >= cacheSize {
		clear(c.entries) // cheaper than knowing which one is oldest, and as right
	}
	c.entries[s.ID] = remembered{session: s, user: u, until: now.Add(cacheFor)}
}

func (c *cache) forget(sessionID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	delete(c.entries, sessionID)
}

func (c *cache) forgetUser(userID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	for id, r := range c.entries {
		if r.user.ID == userID {
			delete(c.entries, id)
		}
	}
}

// setEventsLive says whether the events of other processes arrive, and empties the cache.
func (c *cache) setEventsLive(live bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eventsLive = live
	c.generation++
	clear(c.entries)
}
