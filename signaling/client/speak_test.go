package client

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// words is a source of identical packets.
type words struct {
	left, samples int
	slow          time.Duration // before the packet slowAt
	slowAt        int
	fail          error
}

func (w *words) Next() ([]byte, int, uint8, error) {
	if w.left == 0 {
		if w.fail != nil {
			return nil, 0, 0, w.fail
		}
		return nil, 0, 0, io.EOF
	}
	if w.left--; w.left == w.slowAt {
		time.Sleep(w.slow)
	}
	return []byte{0xfc, 1, 2, 3}, w.samples, 30, nil
}

func TestSpeakKeepsItsSchedule(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		c := w.join("candidate")
		began := time.Now()
		must(t, c.Speak(t.Context(), &words{left: 3000, samples: 960}))
		if took := time.Since(began); took != time.Minute {
			t.Errorf("a minute took %v", took)
		}
		synctest.Wait()
		got := w.server.arrivals("candidate")
		if len(got) != 3000 {
			t.Fatalf("%d packets arrived, want 3000", len(got))
		}
		for i, a := range got {
			if at := a.at.Sub(began); at != time.Duration(i)*20*time.Millisecond {
				t.Fatalf("packet %d arrived after %v", i, at)
			}
			if a.header.SequenceNumber != got[0].header.SequenceNumber+uint16(i) ||
				a.header.Timestamp != got[0].header.Timestamp+uint32(i)*960 {
				t.Fatalf("packet %d is numbered %+v after %+v", i, a.header, got[0].header)
			}
			if a.header.Marker != (i == 0) {
				t.Fatalf("marker of packet %d: %v", i, a.header.Marker)
			}
			if a.level != 0x80|30 {
				t.Fatalf("level of packet %d: %#x", i, a.level)
			}
		}
		if sent := c.Stats().Sent; sent != (Sent{Packets: 3000, Bytes: 12000}) {
			t.Errorf("counted %+v", sent)
		}
		c.Close()
	})
}

func TestSpeakPacketsOfAnyLengthTwice(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		c := w.join("candidate")
		began := time.Now()
		must(t, c.Speak(t.Context(), &words{left: 2, samples: 2880}))
		time.Sleep(time.Second)
		must(t, c.Speak(t.Context(), &words{left: 2, samples: 480}))
		synctest.Wait()
		got := w.server.arrivals("candidate")
		want := []time.Duration{0, 60, 1120, 1130}
		if len(got) != len(want) {
			t.Fatalf("%d packets arrived", len(got))
		}
		for i, a := range got {
			if at := a.at.Sub(began); at != want[i]*time.Millisecond {
				t.Errorf("packet %d after %v, want %v ms", i, at, want[i])
			}
			if ts := a.header.Timestamp - got[0].header.Timestamp; ts != uint32(want[i])*48 {
				t.Errorf("timestamp of packet %d: %d, want that of %d ms", i, ts, want[i])
			}
			if a.header.Marker != (i%2 == 0) {
				t.Errorf("marker of packet %d: %v", i, a.header.Marker)
			}
		}
		c.Close()
	})
}

func TestSpeakPausesWhenBehind(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		c := w.join("candidate")
		began := time.Now()
		must(t,
			c.Speak(t.Context(), &words{left: 10, samples: 960, slowAt: 5, slow: 5 * time.Second}))
		synctest.Wait()
		got := w.server.arrivals("candidate")
		if len(got) != 10 {
			t.Fatalf("%d packets arrived", len(got))
		}
		if gap := got[4].at.Sub(got[3].at); gap < 4*time.Second {
			t.Errorf("the gap is %v", gap)
		}
		for i := 5; i < 10; i++ {
			if gap := got[i].at.Sub(got[i-1].at); gap != 20*time.Millisecond {
				t.Errorf("after the gap, packet %d follows after %v", i, gap)
			}
		}
		last := got[9]
		ts, at := last.header.Timestamp-got[0].header.Timestamp, last.at.Sub(began)
		if ts < samplesIn(at)-48 || ts > samplesIn(at)+48 {
			t.Errorf("%d samples in %v", ts, at)
		}
		c.Close()
	})
}

func TestSpeakWaitsForTheConnection(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, cable := w.config("candidate")
		cable.out.Store(true)
		c, err := Join(t.Context(), cfg)
		must(t, err)
		spoken := make(chan error, 1)
		go func() { spoken <- c.Speak(t.Context(), &words{left: 50, samples: 960}) }()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := c.Stats().Sent; n != (Sent{}) {
			t.Errorf("sent %+v without a connection", n)
		}
		cable.out.Store(false)
		must(t, <-spoken)
		synctest.Wait()
		if n := len(w.server.arrivals("candidate")); n != 50 {
			t.Errorf("%d packets arrived, want 50", n)
		}
		c.Close()
	})
}

func TestMuteWithholdsPacketsButTimestampsAdvance(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		c := w.join("candidate")
		spoken := make(chan error, 1)
		began := time.Now()
		go func() { spoken <- c.Speak(t.Context(), &words{left: 150, samples: 960}) }()
		time.Sleep(time.Second - 10*time.Millisecond)
		must(t, c.Mute(t.Context(), true))
		time.Sleep(time.Second)
		must(t, c.Mute(t.Context(), false))
		must(t, <-spoken)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("three seconds took %v", took)
		}
		synctest.Wait()
		got := w.server.arrivals("candidate")
		if len(got) != 100 || c.Stats().Sent.Withheld != 50 {
			t.Fatalf("%d packets arrived, %+v", len(got), c.Stats().Sent)
		}
		before, after := got[49].header, got[50].header
		if after.SequenceNumber != before.SequenceNumber+1 ||
			after.Timestamp != before.Timestamp+51*960 || !after.Marker {
			t.Errorf("after the silence %+v follows %+v", after, before)
		}
		c.Close()
	})
}

func TestSpeakErrors(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		c := w.join("candidate")
		broken := errors.New("broken")
		if err := c.Speak(t.Context(), &words{
			left: 3, samples: 960, fail: broken,
		}); !errors.Is(err, broken) {
			t.Errorf("a broken source: %v", err)
		}
		if err := c.Speak(t.Context(), &words{left: 3, samples: -1}); err == nil {
			t.Error("no error for a packet without duration")
		}
		ctx, cancel := context.WithCancel(t.Context())
		spoken := make(chan error, 1)
		go func() { spoken <- c.Speak(ctx, &words{left: 1000, samples: 960}) }()
		time.Sleep(time.Second)
		if err := c.Speak(t.Context(), &words{}); !errors.Is(err, ErrSpeaking) {
			t.Errorf("speaking twice: %v", err)
		}
		cancel()
		if err := <-spoken; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		go func() { spoken <- c.Speak(t.Context(), &words{left: 1000, samples: 960}) }()
		time.Sleep(time.Second)
		c.Close()
		if err := <-spoken; !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		o := w.join("observer")
		if err := o.Speak(t.Context(), &words{}); !errors.Is(err, ErrListener) {
			t.Errorf("an observer: %v", err)
		}
		o.Close()
	})
}
