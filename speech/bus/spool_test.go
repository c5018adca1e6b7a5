package bus

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
)

// spoolFiles returns the paths of the files in a spool folder.
func spoolFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+spoolSuffix))
	must(t, err)
	return files
}

// longOutage plays with the media server away from NATS for four minutes. It returns the frames
// that were sent and those that a worker reads afterwards.
func longOutage(t *testing.T, cfg Config, during func(b *Bus)) (b *Bus, sent []frame.Frame,
	h received) {
	t.Helper()
	s := newTestServer(t)
	b, link := s.process(cfg)
	worker, _ := s.process(Config{})
	must(t, b.Begin(t.Context(), "a", time.Now()))
	w := writer(t, b, "a", "candidate")
	sent = writeFrames(w, 0, 100, frameTime)
	link.cut()
	sent = append(sent, writeFrames(w, 100, 12100, frameTime)...)
	during(b)
	link.restore()
	sent = append(sent, writeFrames(w, 12100, 12200, frameTime)...)
	must(t, b.Finish(t.Context(), "a"))
	return b, sent, receiveAll(t, claim(t, worker))
}

func TestSpoolKeepsAWholePlay(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		cfg   Config
		files int
	}{
		"in memory": {Config{}, 0},
		// One speaker may use an eighth of a megabyte of memory.
		"in a file": {Config{SpoolMB: 1, SpoolDir: filepath.Join(dir, "spool")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b, sent, h := longOutage(t, tc.cfg, func(b *Bus) {
					if got := len(spoolFiles(t, tc.cfg.SpoolDir)); got != tc.files {
						t.Errorf("%d files in the spool, want %d", got, tc.files)
					}
				})
				equalFrames(t, "all", h.frames["candidate"], sent)
				if h.dropped != 0 {
					t.Errorf("%d frames counted as lost", h.dropped)
				}
				if m, d := b.spool.memory.used.Load(), b.spool.disk.used.Load(); m != 0 || d != 0 {
					t.Errorf("%d bytes of memory and %d of files are still counted", m, d)
				}
				if files := spoolFiles(t, tc.cfg.SpoolDir); len(files) != 0 {
					t.Errorf("files left: %q", files)
				}
			})
		})
	}
}

func TestWhatDoesNotFitIntoTheSpoolIsCounted(t *testing.T) {
	for name, cfg := range map[string]Config{
		"memory alone": {SpoolMB: 1},
		"with files":   {SpoolMB: 1, SpoolDir: t.TempDir(), SpoolDirMB: 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b, sent, h := longOutage(t, cfg, func(*Bus) {})
				got := h.frames["candidate"]
				if h.dropped == 0 || len(got)+h.dropped != len(sent) {
					t.Errorf("%d frames sent, %d in the log and %d counted as lost", len(sent),
						len(got), h.dropped)
				}
				// The oldest and the newest are kept, so there is one hole.
				old := 0
				for old < len(got) && got[old].Sequence == sent[old].Sequence {
					old++
				}
				equalFrames(t, "the newest", got[old:], sent[old+h.dropped:])
				if old < 600 || len(got)-old < ringFrames {
					t.Errorf("%d frames before the hole and %d behind it", old, len(got)-old)
				}
				if n := int(count(t, b.metrics.dropped)); n != h.dropped {
					t.Errorf("%d frames counted in the metrics, want %d", n, h.dropped)
				}
			})
		})
	}
}

// One speaker that sends as much as it may must not use the memory of others.
func TestSpeakersShareTheSpool(t *testing.T) {
	s := &spool{}
	s.memory.limit = 8 * 10 * largestMessage
	fill := func() (n int) {
		l := &backlog{spool: s}
		for l.hasSpace() {
			must(t, l.push(batch{data: make([]byte, largestMessage)}))
			n++
		}
		return n
	}
	for range 8 {
		if n := fill(); n != 10 {
			t.Errorf("a speaker uses space for %d messages, want 10", n)
		}
	}
	if n := fill(); n != 0 {
		t.Errorf("the ninth speaker uses space for %d messages", n)
	}
}

// The process ends while NATS is away, and NATS is back at its next start.
func TestSpoolSurvivesARestart(t *testing.T) {
	for name, kill := range map[string]bool{"stopped": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newTestServer(t)
				cfg := Config{SpoolMB: 1, SpoolDir: t.TempDir()}
				worker, _ := s.process(Config{})
				first, link := s.process(cfg)
				began := time.Now()
				must(t, first.Begin(t.Context(), "a", began))
				w := writer(t, first, "a", "candidate")
				sent := writeFrames(w, 0, 100, frameTime)
				time.Sleep(time.Second)
				link.cut()
				sent = append(sent, writeFrames(w, 100, 6100, frameTime)...)
				first.Record("a", began, event.Sent{Speaker: "candidate", SSRC: 1, Packets: 9})
				if !kill {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					must(t, first.Close(ctx)) // all is kept, so this is no error
				}
				dir := cfg.SpoolDir
				if kill { // a copy is what the process leaves behind
					dir = filepath.Join(t.TempDir(), "copy")
					must(t, os.CopyFS(dir, os.DirFS(cfg.SpoolDir)))
				}

				second, _ := s.process(Config{SpoolDir: dir})
				must(t, second.Begin(t.Context(), "a", began))
				more := writeFrames(writer(t, second, "a", "candidate"), 6100, 6200, frameTime)
				must(t, second.Finish(t.Context(), "a"))
				h := receiveAll(t, claim(t, worker))
				got := h.frames["candidate"]
				equalFrames(t, "of the second process", got[len(got)-len(more):], more)
				got = got[:len(got)-len(more)]
				if kill {
					// What was in memory is lost: the oldest of the outage, and the ring.
					if len(got) < 2000 {
						t.Errorf("only %d frames are in the log", len(got))
					}
				} else {
					equalFrames(t, "of the first process", got, sent)
				}
				told := false
				for _, e := range h.events {
					_, ok := e.(event.Sent)
					told = told || ok
				}
				if told == kill {
					t.Errorf("events of the first process are in the log: %v", told)
				}
				if files := spoolFiles(t, dir); len(files) != 0 {
					t.Errorf("files left: %q", files)
				}
			})
		})
	}
}

func TestLeftoversComeBeforeWhatTheTapWrites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), SpoolDir: t.TempDir()})
		f, err := createSpoolFile(b.spool, "a", "candidate", 0)
		must(t, err)
		var left []frame.Frame
		for n := range 300 {
			left = append(left, testFrame(n, 1))
			must(t, f.append(batch{data: frame.Batch{Frames: left[n:]}.Append(nil), frames: 1}))
		}
		synctest.Wait() // the goroutine that publishes those of the start has ended
		b.leftovers["a"] = &leftover{files: []*spoolFile{f}}
		must(t, b.Begin(t.Context(), "a", time.Now()))
		more := writeFrames(writer(t, b, "a", "candidate"), 300, 400, frameTime)
		must(t, b.Finish(t.Context(), "a"))
		got := receiveAll(t, claim(t, b))
		equalFrames(t, "all", got.frames["candidate"], append(left, more...))
	})
}

func TestDamagedSpoolFilesAreRemoved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir := t.TempDir()
		s := newSpool(Config{SpoolDir: dir, SpoolDirMB: 1})
		write := func(attempt string) *spoolFile {
			f, err := createSpoolFile(s, attempt, "candidate", 0)
			must(t, err)
			for n := range 3 {
				data := frame.Batch{Frames: []frame.Frame{testFrame(n, 1)}}.Append(nil)
				must(t, f.append(batch{data: data, frames: 1}))
			}
			return f
		}
		garbled, whole, cut := write("garbled"), write("whole"), write("cut")
		_, err := garbled.file.WriteAt([]byte("noise"), garbled.size-20) // in the third record
		must(t, err)
		must(t, cut.file.Truncate(cut.size-30))
		old := write("old")
		must(t, os.Chtimes(old.path, time.Time{}, time.Now().Add(-Defaults().MaxAge-time.Hour)))
		for _, f := range []*spoolFile{garbled, whole, cut, old} {
			must(t, f.close())
		}
		inUse := write("in-use") // by another process
		for name, content := range map[string]string{
			"empty.candidate.x": "", "foreign": "text", "a.b.c.d": "text",
			"version.candidate.x": "12345678901234567890",
		} {
			must(t, os.WriteFile(filepath.Join(dir, name+spoolSuffix), []byte(content), 0o600))
		}
		b := open(t, Config{Dir: t.TempDir(), SpoolDir: dir})
		time.Sleep(time.Second)
		list, err := b.Logged(t.Context())
		must(t, err)
		got := map[string]int64{}
		for _, l := range list {
			got[l.AttemptID] = l.Messages
		}
		if len(got) != 3 || got["whole"] != 3 || got["garbled"] != 2 || got["cut"] != 2 {
			t.Errorf("messages in the log: %v", got)
		}
		if files := spoolFiles(t, dir); !slices.Equal(files, []string{inUse.path}) {
			t.Errorf("files left: %q", files)
		}
		must(t, inUse.close())
	})
}
