package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
)

// fillLog fills the log with an attempt that has ended.
func fillLog(t *testing.T, b *Bus) {
	t.Helper()
	must(t, b.Begin(t.Context(), "older", time.Now()))
	w := writer(t, b, "older", "candidate")
	for n := 0; b.Ping(t.Context()) == nil; n += 50 {
		writeFrames(w, n, n+50, frameTime)
	}
	inject(t, b, frame.EndSubject("older"), nil)
	b.Discard("older") // with what did not fit
}

// A play ends while the log is full. Its end waits until another attempt has left the log.
func TestEndOfAPlayWaitsWhileTheLogIsFull(t *testing.T) {
	for name, end := range map[string]func(b *Bus, ctx context.Context, id string) error{
		"finished": (*Bus).Finish, "suspended": (*Bus).Suspend,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := open(t, Config{Dir: t.TempDir(), MaxBytes: 64 << 10})
				fillLog(t, b)
				must(t, b.Begin(t.Context(), "newer", time.Now()))
				newer := writeFrames(writer(t, b, "newer", "candidate"), 0, 500, frameTime)
				ctx, cancel := context.WithTimeout(t.Context(), b.cfg.IdleEnd)
				defer cancel()
				if err := end(b, ctx, "newer"); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("with a full log it ended: %v", err)
				}
				c := claim(t, b)
				receiveAll(t, c)
				must(t, c.Done(t.Context()))
				reading := make(chan received)
				go func() { reading <- receiveAll(t, claim(t, b)) }()
				must(t, end(b, t.Context(), "newer"))
				got := <-reading
				equalFrames(t, "newer", got.frames["candidate"], newer)
				if got.dropped != 0 {
					t.Errorf("%d frames counted as lost", got.dropped)
				}
			})
		})
	}
}

// The process ends while the log is full, and the log has space at its next start.
func TestCloseKeepsTheSpoolWhileTheLogIsFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		worker, _ := s.process(Config{MaxBytes: 64 << 10})
		fillLog(t, worker)
		cfg := Config{MaxBytes: 64 << 10, SpoolDir: t.TempDir()}
		first, _ := s.process(cfg)
		began := time.Now()
		must(t, first.Begin(t.Context(), "newer", began))
		sent := writeFrames(writer(t, first, "newer", "candidate"), 0, 800, frameTime)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		must(t, first.Close(ctx)) // all is kept, so this is no error
		c := claim(t, worker)
		receiveAll(t, c)
		must(t, c.Done(t.Context()))

		second, _ := s.process(cfg)
		must(t, second.Begin(t.Context(), "newer", began))
		must(t, second.Finish(t.Context(), "newer"))
		got := receiveAll(t, claim(t, worker))
		equalFrames(t, "newer", got.frames["candidate"], sent)
	})
}

// The log refuses messages before the bus has noticed that it is full.
func TestRefusedBatchesAreKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), MaxBytes: 64 << 10, CheckEvery: time.Hour})
		b.space.mu.Lock()
		b.space.at = time.Now().Add(time.Hour) // nobody looks
		b.space.mu.Unlock()
		for size := 8 << 10; size > 0; size /= 2 {
			m := &nats.Msg{Subject: frame.AudioSubject("older", "candidate")}
			m.Data = make([]byte, size)
			for range 9 {
				_, _ = b.js.PublishMsg(t.Context(), m)
			}
		}
		began := time.Now()
		must(t, b.Begin(t.Context(), "a", began))
		w := writer(t, b, "a", "candidate")
		muted := event.Changed{Speaker: "candidate", Cause: "muted", On: true}
		b.Record("a", began, muted)
		sent := writeFrames(w, 0, 200, frameTime)
		if list, err := b.Logged(t.Context()); err != nil || len(list) != 1 {
			t.Fatalf("in the full log: %+v, %v", list, err)
		}
		must(t, b.Forget(t.Context(), "older"))
		sent = append(sent, writeFrames(w, 200, 300, frameTime)...)
		must(t, b.Finish(t.Context(), "a"))
		c, got := claim(t, b), received{frames: map[string][]frame.Frame{}}
		for {
			d, err := c.Next(t.Context())
			must(t, err)
			if d.End {
				break
			}
			if d.Missing {
				t.Error("a message that was refused counts as missing")
			}
			got.add(d)
		}
		equalFrames(t, "all", got.frames["candidate"], sent)
		if n := count(t, b.metrics.refused); n != 0 || got.dropped != 0 {
			t.Errorf("%g frames refused, %d counted as lost", n, got.dropped)
		}
		found := false
		for _, e := range got.events {
			found = found || e == event.Event(muted)
		}
		if !found {
			t.Error("an event that was refused is lost")
		}
	})
}

func TestFramesOfADamagedSpoolFileAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		damaged := 0
		b, sent, h := longOutage(t, Config{SpoolMB: 1, SpoolDir: t.TempDir()}, func(b *Bus) {
			l := b.allTaps()[0].allRings()[0].backlog
			l.mu.Lock()
			defer l.mu.Unlock()
			damaged = l.file.frames
			must(t, l.file.file.Truncate(spoolHeader))
		})
		if damaged == 0 || h.dropped < damaged ||
			len(h.frames["candidate"])+h.dropped != len(sent) {
			t.Errorf("%d frames sent, %d in the log, %d counted as lost; %d were in the file",
				len(sent), len(h.frames["candidate"]), h.dropped, damaged)
		}
		if n := int(count(t, b.metrics.refused)); n != h.dropped {
			t.Errorf("%d frames counted in the metrics, want %d", n, h.dropped)
		}
	})
}
