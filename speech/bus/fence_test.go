package bus

import (
	"context"
	"testing"
	"time"

	"bedside/speech/frame"
)

// A media server that was cut off goes on writing after another one has taken its room. The reader
// skips that, its end marker and its heartbeats too.
func TestLogOfALostRoomIsSkipped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		stale, _ := s.process(Config{})
		present, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		begun := time.Now()
		stale.Open("a", begun, 1)
		must(t, stale.Begin(t.Context(), "a", begun))
		reading := make(chan received)
		go func() { reading <- receiveAll(t, claim(t, worker)) }()
		sent := writeFrames(writer(t, stale, "a", "candidate"), 0, 20, frameTime)
		time.Sleep(time.Second)

		present.Open("a", begun, 2)
		time.Sleep(time.Second) // its start is in the log
		writeFrames(writer(t, stale, "a", "candidate"), 900, 920, frameTime)
		must(t, stale.Finish(t.Context(), "a"))
		again, err := present.Writer("a", "candidate", begun)
		must(t, err)
		sent = append(sent, writeFrames(again, 20, 40, frameTime)...)
		must(t, present.Finish(t.Context(), "a")) // the second end marker of this log
		ended := time.Now()
		h := <-reading
		if waited := time.Since(ended); waited >= worker.cfg.IdleEnd {
			t.Errorf("the end marker was read after %v", waited)
		}
		equalFrames(t, "candidate", h.frames["candidate"], sent)
		if n := count(t, worker.metrics.fenced); n < 2 {
			t.Errorf("%v messages counted as skipped", n)
		}
	})
}

func TestHeartbeatsOfALostRoomKeepNothingAlive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		stale, _ := s.process(Config{})
		present, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		begun := time.Now()
		stale.Open("a", begun, 1)
		must(t, stale.Begin(t.Context(), "a", begun))
		time.Sleep(time.Second)
		present.Open("a", begun, 2)
		sent := writeFrames(writer(t, present, "a", "candidate"), 0, 20, frameTime)
		time.Sleep(time.Second)
		present.Discard("a") // as if it had been killed
		began := time.Now()
		equalFrames(t, "candidate", receiveAll(t, claim(t, worker)).frames["candidate"], sent)
		if waited := time.Since(began); waited > worker.cfg.IdleEnd+worker.cfg.Heartbeat {
			t.Errorf("the log ended after %v", waited)
		}
		stale.Discard("a")
	})
}

func TestDiscardedTapPublishesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		b, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		begun := time.Now()
		b.Open("a", begun, 1)
		must(t, b.Begin(t.Context(), "a", begun))
		c := claim(t, worker)
		w := writer(t, b, "a", "candidate")
		sent := writeFrames(w, 0, 20, frameTime)
		time.Sleep(1050 * time.Millisecond) // between two batches
		writeFrames(w, 20, 40, 0)
		b.Discard("a")
		b.Discard("a") // there is none any more
		equalFrames(t, "candidate", receiveAll(t, c).frames["candidate"], sent)
	})
}

// A room is lost while its job waits for NATS. Another try to publish the job, after that, starts
// no tap; and a tap of an earlier lease does not keep the room from being recorded here again.
func TestTapOfAnEarlierLeaseIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		begun := time.Now()
		b.Open("a", begun, 1)
		b.Discard("a")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Begin(ended, "a", begun); err == nil || len(b.allTaps()) != 0 {
			t.Errorf("after the end of its context Begin returns %v; taps: %d", err,
				len(b.allTaps()))
		}
		must(t, b.Begin(t.Context(), "a", begun)) // starts a tap without a lease
		time.Sleep(time.Second)
		b.Open("a", begun, 3)
		b.Open("a", begun, 2) // an older lease replaces nothing
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 20, frameTime)
		must(t, b.Finish(t.Context(), "a"))
		m, err := b.audio.GetLastMsgForSubject(t.Context(), frame.AudioSubject("a", "candidate"))
		must(t, err)
		if got := m.Header.Get(fenceHeader); got != "3" {
			t.Errorf("the fence is %q, want 3", got)
		}
		equalFrames(t, "candidate", receiveAll(t, claim(t, b)).frames["candidate"], sent)
	})
}
