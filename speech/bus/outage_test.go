package bus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"bedside/speech/frame"
)

// outage runs a play of a minute in which something breaks at 10 s, and is mended after a while.
func outage(t *testing.T, away time.Duration, breaks,
	mends func(s *site, media, worker *line)) (said []frame.Frame, h heard) {
	s := newSite(t)
	media, mediaLine := s.process(Config{})
	worker, workerLine := s.process(Config{})
	must(t, media.Begin(t.Context(), "a", time.Now()))
	w := writer(t, media, "a", "candidate")
	spoken := make(chan []frame.Frame, 1)
	go func() {
		time.AfterFunc(10*time.Second, func() { breaks(s, mediaLine, workerLine) })
		time.AfterFunc(10*time.Second+away, func() { mends(s, mediaLine, workerLine) })
		frames := speak(w, 0, 3000, frameTime)
		if err := media.Finish(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		spoken <- frames
	}()
	c := claim(t, worker)
	h = listen(t, c)
	must(t, c.Done(t.Context()))
	return <-spoken, h
}

func TestServerThatComesBackCostsNothing(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"blink": 50 * time.Millisecond, "a while": 5 * time.Second,
		"longer than an idle end": 24 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				said, h := outage(t, away, func(s *site, _, _ *line) { s.stop() },
					func(s *site, _, _ *line) { s.start() })
				same(t, "all", h.frames["candidate"], said)
				if h.dropped != 0 {
					t.Errorf("%d dropped", h.dropped)
				}
			})
		})
	}
}

func TestServerAwayForLongCostsTheOldest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		said, h := outage(t, 40*time.Second, func(s *site, _, _ *line) { s.stop() },
			func(s *site, _, _ *line) { s.start() })
		got := h.frames["candidate"]
		if h.dropped == 0 || len(got)+h.dropped != len(said) {
			t.Fatalf("%d of %d frames and %d dropped", len(got), len(said), h.dropped)
		}
		// Half a minute waited, and what was dropped was dropped in one piece.
		i := 0
		for ; got[i].Timestamp == said[i].Timestamp; i++ {
		}
		same(t, "before", got[:i], said[:i])
		same(t, "after", got[i:], said[i+h.dropped:])
		if h.dropped < 400 || h.dropped > 700 {
			t.Errorf("%d dropped of 40 s away", h.dropped)
		}
	})
}

func TestWorkerThatIsCutOffMissesNothing(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"blink": 50 * time.Millisecond, "a while": 8 * time.Second,
		"over the end of the play": 90 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				said, h := outage(t, away, func(_ *site, _, worker *line) { worker.cut() },
					func(_ *site, _, worker *line) { worker.mend() })
				same(t, "all", h.frames["candidate"], said)
			})
		})
	}
}

func TestTapThatIsCutOffCatchesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		said, h := outage(t, 12*time.Second, func(_ *site, media, _ *line) { media.cut() },
			func(_ *site, media, _ *line) { media.mend() })
		same(t, "all", h.frames["candidate"], said)
	})
}

func TestFinishIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		b, _ := s.process(Config{})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		said := speak(writer(t, b, "a", "candidate"), 0, 100, 0)
		s.stop()
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if err := b.Finish(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("finished while NATS was away: %v", err)
			}
			cancel()
		}
		s.start()
		must(t, b.Finish(t.Context(), "a"))
		if got := count(t, b.metrics.retried); got == 0 {
			t.Error("no retry was counted")
		}
		c := claim(t, b)
		same(t, "all", listen(t, c).frames["candidate"], said)
	})
}

func TestDoneThatFailsLeavesTheAudio(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		first, line := s.process(Config{})
		second, _ := s.process(Config{})
		must(t, first.Begin(t.Context(), "a", time.Now()))
		said := speak(writer(t, first, "a", "candidate"), 0, 100, 0)
		must(t, first.Finish(t.Context(), "a"))
		c := claim(t, first)
		listen(t, c)
		line.cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Done(ctx); err == nil {
			t.Fatal("done without NATS")
		}
		must(t, first.Close(t.Context()))
		c = claim(t, second)
		same(t, "all", listen(t, c).frames["candidate"], said)
		must(t, c.Done(t.Context()))
	})
}

// A worker may die between the two steps of Done. Whichever it has taken, a worker that gets the
// job after it must find all of the audio.
func TestCrashDuringDoneLosesNoAudioOfAJobThatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		cutBefore string
		jobIsLeft bool
	}{
		"before the job is acknowledged": {"+ACK", true},
		"before the audio is removed":    {"STREAM.PURGE." + audioStream, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSite(t)
				first, line := s.process(Config{})
				second, _ := s.process(Config{})
				must(t, second.Begin(t.Context(), "a", time.Now()))
				said := speak(writer(t, second, "a", "candidate"), 0, 100, 0)
				must(t, second.Finish(t.Context(), "a"))
				dying := claim(t, first)
				listen(t, dying)
				line.cutBeforeSending(c.cutBefore)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := dying.Done(ctx); err == nil {
					t.Fatal("done, though the connection broke")
				}
				must(t, first.Close(t.Context()))
				if !c.jobIsLeft {
					nobodyGets(t, second, time.Minute)
					return
				}
				next := claim(t, second)
				same(t, "all", listen(t, next).frames["candidate"], said)
				must(t, next.Done(t.Context()))
			})
		})
	}
}

// Messages can be lost on an intact connection: the client library drops what a slow subscriber
// does not take.
func TestMessagesLostOnTheirWayAreReadAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		media, _ := s.process(Config{})
		worker, line := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		said := speak(writer(t, media, "a", "candidate"), 0, 1000, frameTime)
		must(t, media.Finish(t.Context(), "a"))
		delivered, lost := 0, 0
		line.loseMessages(func(head string) bool {
			if !strings.Contains(head, " "+frame.AudioSubject("a", "candidate")+" ") {
				return false
			}
			delivered++
			if lose := delivered == 1 || delivered >= 20 && delivered < 23; lose {
				lost++
				return true
			}
			return false
		})
		c := claim(t, worker)
		same(t, "all, in order", listen(t, c).frames["candidate"], said)
		if lost != 4 {
			t.Errorf("the line lost %d messages", lost)
		}
		must(t, c.Done(t.Context()))
	})
}

// A break of the network takes worker and tap off the bus. The worker is back first; until the
// tap is back as well it hears nothing, for longer than the idle end in all.
func TestTimeWithoutAConnectionIsNotSilence(t *testing.T) {
	for name, c := range map[string]struct{ worker, tap time.Duration }{
		"back before the idle end": {15 * time.Second, 28 * time.Second},
		"back after the idle end":  {24 * time.Second, 28 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				said, h := outage(t, c.tap,
					func(_ *site, media, worker *line) {
						media.cut()
						time.Sleep(50 * time.Millisecond) // the worker reads all there is
						worker.cut()
						time.AfterFunc(c.worker, worker.mend)
					},
					func(_ *site, media, _ *line) { media.mend() })
				same(t, "all", h.frames["candidate"], said)
			})
		})
	}
}
