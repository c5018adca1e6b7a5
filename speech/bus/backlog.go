package bus

import (
	"errors"
	"fmt"
	"sync"
)

// batch is the content of a message with frames of one speaker.
type batch struct {
	data    []byte
	frames  int // in it
	dropped int // that it says were dropped before them
}

// backlog holds one speaker's batches that do not fit into the ring while NATS takes none: the
// oldest in memory, those behind in a file. The spool bounds both. A ring owns it.
type backlog struct {
	spool   *spool
	attempt string
	speaker string
	fence   int64
	// onDamage is called with what a file held that cannot be read back; mu is held
	onDamage func(frames int, err error)

	// mu guards all below, and makes taking from the ring and appending here one step. It is held
	// while the file is written, so the media path must not lock it.
	mu     sync.Mutex
	list   []batch // oldest first
	memory int     // bytes in list
	file   *spoolFile
}

var errSpoolFull = errors.New("the spool is full")

// hasSpace reports whether a batch of any size fits. The caller holds mu.
func (l *backlog) hasSpace() bool { return l.fitsMemory(largestMessage) || l.fitsDisk() }

func (l *backlog) fitsMemory(n int) bool {
	s := l.spool
	return l.file == nil && int64(l.memory+n) <= s.memory.limit/speakerShare &&
		s.memory.used.Load()+int64(n) <= s.memory.limit
}

func (l *backlog) fitsDisk() bool {
	s := l.spool
	used := int64(largestMessage)
	if l.file != nil {
		used += l.file.size
	}
	return used <= s.disk.limit/speakerShare &&
		s.disk.used.Load()+int64(largestMessage) <= s.disk.limit
}

// push appends a batch. The caller holds mu.
func (l *backlog) push(b batch) error {
	if l.fitsMemory(len(b.data)) && l.spool.memory.take(len(b.data)) {
		l.list = append(l.list, b)
		l.memory += len(b.data)
		return nil
	}
	if !l.fitsDisk() {
		return errSpoolFull
	}
	if l.file == nil {
		f, err := createSpoolFile(l.spool, l.attempt, l.speaker, l.fence)
		if err != nil {
			return err
		}
		l.file = f
	}
	return l.file.append(b)
}

// unshift puts a batch in front of all others, whether there is space or not: it was taken and
// could not be published. The caller holds mu.
func (l *backlog) unshift(b batch) {
	l.spool.memory.used.Add(int64(len(b.data)))
	l.list = append([]batch{b}, l.list...)
	l.memory += len(b.data)
}

// head returns the oldest batch. The caller holds mu. The data is valid until pop.
func (l *backlog) head() (b batch, ok bool) {
	if len(l.list) > 0 {
		return l.list[0], true
	}
	if l.file == nil {
		return batch{}, false
	}
	b, err := l.file.head()
	if err != nil {
		l.onDamage(l.file.frames, err)
		l.file.remove()
		l.file = nil
		return batch{}, false
	}
	return b, true
}

// pop removes the oldest batch.
func (l *backlog) pop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) > 0 {
		n := len(l.list[0].data)
		l.list[0] = batch{}
		l.list = l.list[1:]
		l.memory -= n
		l.spool.memory.give(n)
		return
	}
	if l.file != nil && l.file.pop() {
		l.file.remove()
		l.file = nil
	}
}

// isEmpty reports whether there is nothing to publish.
func (l *backlog) isEmpty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list) == 0 && l.file == nil
}

// clear removes all batches, and returns how many frames were in them and how many were dropped
// before.
func (l *backlog) clear() (frames, dropped int) {
	for {
		l.mu.Lock()
		b, ok := l.head()
		l.mu.Unlock()
		if !ok {
			return frames, dropped
		}
		frames, dropped = frames+b.frames, dropped+b.dropped
		l.pop()
	}
}

// save moves everything into a file of its own, for the next start of the process, with what the
// ring still holds behind it.
func (l *backlog) save(r *ring) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := createSpoolFile(l.spool, l.attempt, l.speaker, l.fence)
	if err != nil {
		return err
	}
	for {
		b, ok := l.head()
		spooled := ok
		if !ok {
			b.data, b.frames, b.dropped = r.take(nil, batchFrames)
		}
		if len(b.data) == 0 {
			return f.close()
		}
		if err := f.append(b); err != nil {
			return fmt.Errorf("audio of attempt %s: %w", l.attempt, err)
		}
		if spooled {
			l.mu.Unlock()
			l.pop()
			l.mu.Lock()
		}
	}
}
