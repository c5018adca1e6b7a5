package bus

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
)

func TestEventsAreInTheLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		begun := time.Now()
		must(t, b.Begin(t.Context(), "a", begun))
		w := writer(t, b, "a", "candidate")
		w.Begin(77, 3)
		sent := writeFrames(w, 0, 10, frameTime)
		w.Begin(78, 0) // only the first call counts
		for range 3 {
			w.Count(77, 13) // no news
		}
		w.Count(77, 14) // too soon
		counted := func(packets int) event.Event {
			return event.Sent{
				Speaker: "candidate", SSRC: 77, Packets: packets, Origin: event.OriginReport,
			}
		}
		muted := event.Changed{
			At: time.Now().UnixMicro(), Speaker: "candidate", Cause: "muted", On: true,
		}
		b.Record("a", begun, muted)
		time.Sleep(6 * time.Second) // one heartbeat is due
		w.Count(77, 15)
		w.Count(77, event.MaxPackets+1)
		must(t, b.Finish(t.Context(), "a"))
		c := claim(t, b)
		h := receiveAll(t, c)
		equalFrames(t, "candidate", h.frames["candidate"], sent)
		alive := slices.IndexFunc(h.events, func(e event.Event) bool {
			_, ok := e.(event.Alive)
			return ok
		})
		if alive < 0 {
			t.Fatalf("no heartbeat among %v", h.events)
		}
		want := []event.Event{
			event.Opened{At: begun.UnixMicro()},
			event.Stream{Speaker: "candidate", Epoch: 1, SSRC: 77, Before: 3}, counted(13), muted,
			counted(15),
		}
		if got := slices.Delete(h.events, alive, alive+1); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		must(t, c.Done(t.Context()))
		if m, err := b.audio.Info(t.Context()); err != nil || m.State.Msgs != 0 {
			t.Errorf("%d messages left in the log, %v", m.State.Msgs, err)
		}
	})
}

// A worker that takes over sees that a media server began to write a second time, before any
// frame of the new one.
func TestSecondMediaServerOpensTheLogAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		first, l := s.process(Config{})
		second, _ := s.process(Config{})
		begun := time.Now()
		must(t, first.Begin(t.Context(), "a", begun))
		writeFrames(writer(t, first, "a", "candidate"), 0, 50, frameTime)
		time.Sleep(time.Second)
		l.cut() // as a kill of its process does
		time.Sleep(3 * time.Second)
		again, err := second.Writer("a", "candidate", begun)
		must(t, err)
		opened := time.Now().UnixMicro()
		writeFrames(again, 50, 100, frameTime)
		must(t, second.Finish(t.Context(), "a"))
		c := claim(t, second)
		var order []any
		for {
			d, err := c.Next(t.Context())
			must(t, err)
			if d.End {
				break
			}
			for _, e := range d.Events {
				if o, ok := e.(event.Opened); ok {
					order = append(order, o.At)
				}
			}
			for _, f := range d.Batch.Frames {
				if n := len(order); n == 0 || order[n-1] != f.Epoch {
					order = append(order, f.Epoch)
				}
			}
		}
		if want := []any{begun.UnixMicro(), uint16(1), opened, again.epoch}; !reflect.DeepEqual(
			order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

func TestNumberOfEventsIsLimited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		begun := time.Now()
		must(t, b.Begin(t.Context(), "a", begun))
		for i := range 2 * maxEvents {
			b.Record("a", begun, event.Changed{Speaker: "candidate", Cause: "muted", On: i%2 == 0})
		}
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 5, 0)
		must(t, b.Finish(t.Context(), "a"))
		h := receiveAll(t, claim(t, b))
		equalFrames(t, "candidate", h.frames["candidate"], sent)
		if len(h.events) != maxEvents+1 { // and the opening
			t.Errorf("%d events", len(h.events))
		}
	})
}

// One participant's client reports without end. The interruptions of both stay in the record.
func TestEventsOfOneSpeakerLeaveSpaceForOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		begun := time.Now()
		must(t, b.Begin(t.Context(), "a", begun))
		for i := range maxEvents + 10 {
			b.Record("a", begun, event.Sent{Speaker: "candidate", SSRC: uint32(i), Packets: i})
		}
		want := []event.Event{
			event.Changed{Speaker: "patient", Cause: "muted", On: true},
			event.Changed{Speaker: "candidate", Cause: "muted", On: true}, event.Moved{At: 7},
		}
		for _, e := range want {
			b.Record("a", begun, e)
		}
		must(t, b.Finish(t.Context(), "a"))
		got := receiveAll(t, claim(t, b)).events
		for _, e := range want {
			if !slices.Contains(got, e) {
				t.Errorf("%+v is not in the log", e)
			}
		}
		if n := count(t, b.metrics.events); n != 10 {
			t.Errorf("%g events counted as dropped, want 10", n)
		}
	})
}

func TestMalformedEventsAreSkipped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		inject(t, b, frame.EventSubject("a"), []byte(`[{"type":"changed","data":{}}]`))
		inject(t, b, frame.AliveSubject("a"), nil) // as older programs publish it
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 5, 0)
		must(t, b.Finish(t.Context(), "a"))
		equalFrames(t, "candidate", receiveAll(t, claim(t, b)).frames["candidate"], sent)
		if got := count(t, b.metrics.malformed); got != 1 {
			t.Errorf("%g malformed messages counted", got)
		}
	})
}

func TestLastClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		first, l := s.process(Config{})
		second, _ := s.process(Config{})
		begun := time.Now()
		left := func() (time.Duration, bool) {
			t.Helper()
			last, ok, err := second.LastClock(t.Context(), "a")
			must(t, err)
			if last.Partner != ok || ok && last.Stood != 5*time.Second {
				t.Errorf("the log tells %+v", last)
			}
			return last.Left.Round(time.Second), ok
		}
		must(t, first.Begin(t.Context(), "a", begun))
		if _, ok := left(); ok {
			t.Error("a log without a clock tells how much is left")
		}
		clock := func(left time.Duration, running bool) {
			first.RecordClock("a", begun, event.Clock{
				At: time.Now().UnixMicro(), Left: left.Microseconds(), Running: running,
				Partner: true, Stood: 5_000_000,
			})
		}
		w := writer(t, first, "a", "candidate")
		clock(300*time.Second, true)
		writeFrames(w, 0, 500, frameTime) // 10 s
		clock(290*time.Second, false)
		time.Sleep(20 * time.Second)
		if got, ok := left(); got != 290*time.Second || !ok {
			t.Errorf("stopped: %v left, %v", got, ok)
		}
		clock(290*time.Second, true)
		writeFrames(w, 500, 1000, frameTime)
		time.Sleep(200 * time.Millisecond)
		l.cut() // as a kill of its process does
		time.Sleep(time.Minute)
		if got, ok := left(); got != 280*time.Second || !ok {
			t.Errorf("after a minute without a server: %v left, %v", got, ok)
		}
	})
}
