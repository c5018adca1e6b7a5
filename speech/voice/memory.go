package voice

import (
	"container/list"
	"sync"
)

// memory keeps the clips that were used last, up to a number of bytes. It is safe for concurrent
// use.
type memory struct {
	mu    sync.Mutex // guards what follows
	left  int        // bytes
	order *list.List // of kept, the last used first
	clips map[string]*list.Element
}

type kept struct {
	key  string
	clip Clip
}

func newMemory(bytes int) *memory {
	return &memory{left: bytes, order: list.New(), clips: map[string]*list.Element{}}
}

func (m *memory) get(key string) (Clip, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.clips[key]
	if e == nil {
		return Clip{}, false
	}
	m.order.MoveToFront(e)
	return e.Value.(kept).clip, true
}

func (m *memory) put(key string, c Clip) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clips[key] != nil {
		return
	}
	m.left -= c.bytes()
	m.clips[key] = m.order.PushFront(kept{key, c})
	for m.left < 0 {
		oldest := m.order.Back()
		gone := m.order.Remove(oldest).(kept)
		delete(m.clips, gone.key)
		m.left += gone.clip.bytes()
	}
}
