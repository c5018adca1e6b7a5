package bus

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bedside/speech/frame"
	"bedside/store/wait"
)

// leftover is the audio of one attempt that an earlier process has left in spool files. It comes
// before everything that this process writes to the attempt's log.
type leftover struct {
	files []*spoolFile
	once  sync.Once
}

// readLeftovers opens the spool files of earlier processes. It removes those that are damaged or
// too old.
func (b *Bus) readLeftovers() {
	if b.spool.dir == "" {
		return
	}
	entries, err := os.ReadDir(b.spool.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.log.Error("cannot read the spool of an earlier start", "error", err)
	}
	modified := map[string]time.Time{}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		info, err := e.Info()
		if err != nil || !strings.HasSuffix(e.Name(), spoolSuffix) {
			return true
		}
		modified[e.Name()] = info.ModTime()
		return false
	})
	slices.SortStableFunc(entries, func(x, y os.DirEntry) int {
		return modified[x.Name()].Compare(modified[y.Name()])
	})
	for _, e := range entries {
		path := filepath.Join(b.spool.dir, e.Name())
		f, err := openSpoolFile(b.spool, e.Name())
		if errors.Is(err, errSpoolInUse) {
			continue
		}
		if err == nil && time.Since(modified[e.Name()]) > b.cfg.MaxAge {
			f.remove()
			continue
		}
		if err != nil {
			b.log.Error("a spool file cannot be read and is removed", "file", e.Name(),
				"error", err)
			_ = os.Remove(path)
			continue
		}
		l := b.leftovers[f.attempt]
		if l == nil {
			l = &leftover{}
			b.leftovers[f.attempt] = l
		}
		l.files = append(l.files, f)
	}
}

// publishLeftovers publishes the spool files of earlier processes.
func (b *Bus) publishLeftovers() {
	for _, l := range b.leftovers {
		l.publish(b.ctx, b)
	}
}

// publish publishes the files, if nobody has, or waits until that is done. When ctx ends first,
// the files stay.
func (l *leftover) publish(ctx context.Context, b *Bus) {
	l.once.Do(func() {
		for _, f := range l.files {
			b.publishFile(ctx, f)
		}
	})
}

// publishFile publishes what a spool file holds, and removes it.
func (b *Bus) publishFile(ctx context.Context, f *spoolFile) {
	frames := 0
	for {
		r, err := f.head()
		if f.next >= f.size || err != nil {
			if f.next < f.size {
				b.log.Error("the rest of a spool file is lost", "attempt", f.attempt, "error", err)
			}
			break
		}
		m := message(frame.AudioSubject(f.attempt, f.speaker), r.data, f.fence)
		err = b.publish(ctx, m, spooledID(f.attempt, f.id, f.next))
		if errors.Is(err, errLogFull) {
			err = wait.For(ctx, spaceEvery)
			if err == nil {
				continue
			}
		}
		if err != nil {
			if err := f.close(); err != nil {
				b.log.Warn("cannot close a spool file", "error", err)
			}
			return
		}
		frames += r.frames
		f.pop()
	}
	f.remove()
	b.metrics.published.Add(float64(frames))
	b.log.Info("audio that an earlier start had spooled is in the log", "attempt", f.attempt,
		"speaker", f.speaker, "frames", frames)
}
