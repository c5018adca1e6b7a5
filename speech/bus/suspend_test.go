package bus

import (
	"reflect"
	"testing"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
)

// A play moves from one media server to another, which takes most of Config.IdleEnd. The worker
// that follows the log reads both parts.
func TestSuspendedLogIsContinuedByAnotherProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		first, _ := s.process(Config{})
		second, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		begun := time.Now()
		must(t, first.Begin(t.Context(), "a", begun))
		reading := make(chan received)
		go func() { reading <- receiveAll(t, claim(t, worker)) }()
		sent := writeFrames(writer(t, first, "a", "candidate"), 0, 120, 0) // more than a batch
		moved := event.Moved{At: time.Now().UnixMicro()}
		first.Record("a", begun, moved)
		first.RecordClock("a", begun, event.Clock{Left: 7_000_000})
		must(t, first.Suspend(t.Context(), "a"))
		must(t, first.Suspend(t.Context(), "a")) // nothing is left to do
		time.Sleep(first.cfg.IdleEnd - time.Second)
		if last, ok, err := second.LastClock(t.Context(), "a"); last.Left != 7*time.Second || !ok {
			t.Errorf("%+v, %v, %v", last, ok, err)
		}
		opened := event.Opened{At: time.Now().UnixMicro()}
		must(t, second.Begin(t.Context(), "a", begun)) // adds no job: the first one runs
		again, err := second.Writer("a", "candidate", begun)
		must(t, err)
		sent = append(sent, writeFrames(again, 120, 140, frameTime)...)
		must(t, second.Finish(t.Context(), "a"))
		h := <-reading
		equalFrames(t, "candidate", h.frames["candidate"], sent)
		want := []event.Event{
			event.Opened{At: begun.UnixMicro()}, moved, event.Clock{Left: 7_000_000}, opened,
		}
		got := map[any]bool{}
		for _, e := range h.events {
			got[e] = true
		}
		for _, e := range want {
			if !got[e] {
				t.Errorf("%+v is not among the events %+v", e, h.events)
			}
		}
	})
}

// Nobody continues a play that was to move: the log ends after Config.IdleEnd, with all frames.
func TestSuspendedLogEndsByItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 10, frameTime)
		must(t, b.Suspend(t.Context(), "a"))
		began := time.Now()
		equalFrames(t, "candidate", receiveAll(t, c).frames["candidate"], sent)
		if waited := time.Since(began); waited < b.cfg.IdleEnd ||
			waited > b.cfg.IdleEnd+time.Second {
			t.Errorf("the log ended after %v", waited)
		}
		if m, err := b.audio.GetLastMsgForSubject(t.Context(),
			frame.EndSubject("a")); err == nil {
			t.Errorf("the log has an end marker: %+v", m)
		}
		if len(b.taps) != 0 {
			t.Errorf("taps left: %v", reflect.ValueOf(b.taps).MapKeys())
		}
	})
}
