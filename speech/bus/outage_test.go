package bus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"bedside/speech/frame"
)

// outage runs a play of a minute. It calls breaks after 10 s and restores after a further time. It
// returns the frames that were sent and those that the worker received.
func outage(t *testing.T, away time.Duration, breaks,
	restores func(s *testServer, media, worker *link)) (sent []frame.Frame, h received) {
	s := newTestServer(t)
	media, mediaLink := s.process(Config{})
	worker, workerLink := s.process(Config{})
	must(t, media.Begin(t.Context(), "a", time.Now()))
	w := writer(t, media, "a", "candidate")
	spoken := make(chan []frame.Frame, 1)
	go func() {
		time.AfterFunc(10*time.Second, func() { breaks(s, mediaLink, workerLink) })
		time.AfterFunc(10*time.Second+away, func() { restores(s, mediaLink, workerLink) })
		frames := writeFrames(w, 0, 3000, frameTime)
		if err := media.Finish(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		spoken <- frames
	}()
	c := claim(t, worker)
	h = receiveAll(t, c)
	must(t, c.Done(t.Context()))
	return <-spoken, h
}

func TestNATSOutageLosesNoFrames(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"50 ms": 50 * time.Millisecond, "5 s": 5 * time.Second,
		"longer than an idle end": 24 * time.Second, "longer than the ring": 40 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				sent, h := outage(t, away, func(s *testServer, _, _ *link) { s.stop() },
					func(s *testServer, _, _ *link) { s.start() })
				equalFrames(t, "all", h.frames["candidate"], sent)
				if h.dropped != 0 {
					t.Errorf("%d dropped", h.dropped)
				}
			})
		})
	}
}

func TestWorkerMissesNothingWhileDisconnected(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"50 ms": 50 * time.Millisecond, "8 s": 8 * time.Second,
		"past the end of the play": 90 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				sent, h := outage(t, away, func(_ *testServer, _, worker *link) { worker.cut() },
					func(_ *testServer, _, worker *link) { worker.restore() })
				equalFrames(t, "all", h.frames["candidate"], sent)
			})
		})
	}
}

func TestTapCatchesUpAfterADisconnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		sent, h := outage(t, 12*time.Second, func(_ *testServer, media, _ *link) { media.cut() },
			func(_ *testServer, media, _ *link) { media.restore() })
		equalFrames(t, "all", h.frames["candidate"], sent)
	})
}

func TestFinishCanBeRetried(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		b, _ := s.process(Config{})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 100, 0)
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
		equalFrames(t, "all", receiveAll(t, c).frames["candidate"], sent)
	})
}

func TestFailedDoneLeavesTheAudio(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		first, link := s.process(Config{})
		second, _ := s.process(Config{})
		must(t, first.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, first, "a", "candidate"), 0, 100, 0)
		must(t, first.Finish(t.Context(), "a"))
		c := claim(t, first)
		receiveAll(t, c)
		link.cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Done(ctx); err == nil {
			t.Fatal("done without NATS")
		}
		must(t, first.Close(t.Context()))
		c = claim(t, second)
		equalFrames(t, "all", receiveAll(t, c).frames["candidate"], sent)
		must(t, c.Done(t.Context()))
	})
}

// A worker may crash between the two steps of Done. If the job is left, the next worker must find
// all of its audio.
func TestCrashDuringDoneLeavesNoJobWithoutAudio(t *testing.T) {
	for name, c := range map[string]struct {
		cutBefore string
		jobIsLeft bool
	}{
		"before the job is acknowledged": {"+ACK", true},
		"before the audio is removed":    {"STREAM.PURGE." + audioStream, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newTestServer(t)
				first, link := s.process(Config{})
				second, _ := s.process(Config{})
				must(t, second.Begin(t.Context(), "a", time.Now()))
				sent := writeFrames(writer(t, second, "a", "candidate"), 0, 100, 0)
				must(t, second.Finish(t.Context(), "a"))
				dying := claim(t, first)
				receiveAll(t, dying)
				link.cutBeforeSending(c.cutBefore)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := dying.Done(ctx); err == nil {
					t.Fatal("done, though the connection broke")
				}
				must(t, first.Close(t.Context()))
				if !c.jobIsLeft {
					wantNoJob(t, second, time.Minute)
					return
				}
				next := claim(t, second)
				equalFrames(t, "all", receiveAll(t, next).frames["candidate"], sent)
				must(t, next.Done(t.Context()))
			})
		})
	}
}

// Messages can be lost on an intact connection: the client library drops messages that a
// subscriber takes too slowly.
func TestMessagesLostInTransitAreReadAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		media, _ := s.process(Config{})
		worker, link := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, media, "a", "candidate"), 0, 1000, frameTime)
		must(t, media.Finish(t.Context(), "a"))
		delivered, lost := 0, 0
		link.loseMessages(func(head string) bool {
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
		equalFrames(t, "all, in order", receiveAll(t, c).frames["candidate"], sent)
		if lost != 4 {
			t.Errorf("the link lost %d messages", lost)
		}
		must(t, c.Done(t.Context()))
	})
}

// Worker and tap lose their connection. The worker reconnects first, and until the tap has
// reconnected it reads nothing. In all it reads nothing for longer than the idle end.
func TestTimeWithoutAConnectionIsNotIdleTime(t *testing.T) {
	for name, c := range map[string]struct{ worker, tap time.Duration }{
		"back before the idle end": {15 * time.Second, 28 * time.Second},
		"back after the idle end":  {24 * time.Second, 28 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				sent, h := outage(t, c.tap,
					func(_ *testServer, media, worker *link) {
						media.cut()
						time.Sleep(50 * time.Millisecond) // the worker reads the last messages
						worker.cut()
						time.AfterFunc(c.worker, worker.restore)
					},
					func(_ *testServer, media, _ *link) { media.restore() })
				equalFrames(t, "all", h.frames["candidate"], sent)
			})
		})
	}
}
