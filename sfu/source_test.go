package sfu

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// clip returns n frames whose payloads begin with a name and a number.
func clip(name string, n int) []Frame {
	frames := make([]Frame, n)
	for i := range frames {
		frames[i] = Frame{Payload: fmt.Appendf(nil, "%s-%d", name, i), Level: 20}
	}
	return frames
}

// sourceSink is a tap's sink that keeps packets and counts. before, if set, is called before the
// packet of that number is kept.
type sourceSink struct {
	counter
	before func(n int)
}

func (s *sourceSink) WriteRTP(p *Packet) {
	if s.before != nil {
		s.before(s.count())
	}
	s.counter.WriteRTP(p)
}

// told returns the last count.
func (s *sourceSink) told() int {
	if len(s.counts) == 0 {
		return 0
	}
	return s.counts[len(s.counts)-1]
}

// withSource runs a test in a room with a tapped source and one client that has connected.
func withSource(t *testing.T,
	test func(t *testing.T, r *Room, s *Source, tapped *sourceSink, c *client)) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		tapped := &sourceSink{}
		r.StartTap(tapFunc(func(_, id string) Sink {
			if id != "patient" {
				return nil
			}
			return tapped
		}))
		s, err := r.AddSource("patient")
		must(t, err)
		net, _ := w.net()
		c := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "connection", c.connected)
		synctest.Wait()
		test(t, r, s, tapped, c)
		c.close()
	})
}

func TestSourceIsForwardedAndTapped(t *testing.T) {
	withSource(t, func(t *testing.T, r *Room, s *Source, tapped *sourceSink, c *client) {
		heard := make(chan []Speaker, 10)
		r.OnSpeakers(func(now []Speaker) { heard <- now })
		began := time.Now()
		for i, name := range []string{"one", "two"} {
			played, err := s.Play(t.Context(), clip(name, 60))
			if err != nil || played.Frames != 60 ||
				played.To.Sub(played.From) != 1200*time.Millisecond {
				t.Fatalf("played %+v, %v", played, err)
			}
			want := began.Add(time.Duration(i) * 2200 * time.Millisecond)
			if !played.From.Equal(want) {
				t.Errorf("clip %s began at %v; want %v", name, played.From, want)
			}
			if now := <-heard; len(now) != 1 || now[0].ID != "patient" {
				t.Errorf("speakers while the source plays: %v", now)
			}
			time.Sleep(time.Second)
			for len(heard) > 0 {
				<-heard
			}
		}
		if tapped.count() != 120 || tapped.told() != 120 {
			t.Errorf("tapped %d packets, told of %d", tapped.count(), tapped.told())
		}
		first := tapped.packets[0]
		for i, p := range tapped.packets {
			frame := i
			if i >= 60 {
				frame += 50 // a second of silence
			}
			if p.Index != i || p.Sequence != first.Sequence+uint16(i) ||
				p.Timestamp != first.Timestamp+uint32(frame)*960 || p.Marker != (i%60 == 0) ||
				!p.Arrival.Equal(began.Add(time.Duration(frame)*FrameDuration)) {
				t.Fatalf("packet %d: %+v", i, p)
			}
		}
		track := await(t, "track", c.tracks)
		if track.from != "patient" {
			t.Errorf("the client hears %q", track.from)
		}
		for i := range 120 {
			got := await(t, "packet", track.packets)
			if string(got.Payload) != string(tapped.packets[i].Payload) {
				t.Fatalf("packet %d: %q", i, got.Payload)
			}
		}
	})
}

func TestSourceStopsBetweenTwoFrames(t *testing.T) {
	withSource(t, func(t *testing.T, _ *Room, s *Source, tapped *sourceSink, _ *client) {
		bargeIn := errors.New("the candidate speaks")
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(110*time.Millisecond, func() { stop(bargeIn) })
		played, err := s.Play(ctx, clip("one", 60))
		if !errors.Is(err, bargeIn) || played.Frames != 6 ||
			played.To.Sub(played.From) != 120*time.Millisecond {
			t.Errorf("played %+v, %v", played, err)
		}
		if tapped.count() != 6 || tapped.told() != 6 {
			t.Errorf("tapped %d packets, told of %d", tapped.count(), tapped.told())
		}
	})
}

func TestSourceEndsWithTheRoomOrAParticipantOfItsID(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *world, *Room, *Source){
		"closed": func(_ *testing.T, _ *world, _ *Room, s *Source) { s.Close() },
		"replaced": func(t *testing.T, w *world, r *Room, _ *Source) {
			net, _ := w.net()
			newClient(t, "patient", clientOption{network: net}).join(r, true).close()
		},
		"room closed": func(_ *testing.T, _ *world, r *Room, _ *Source) { r.Close(ErrLeft) },
	} {
		withNetwork(t, Config{}, func(t *testing.T, w *world) {
			r := testRoom(t, w.node, "room")
			sink := &recorder{}
			r.StartTap(tapFunc(func(string, string) Sink { return sink }))
			s, err := r.AddSource("patient")
			must(t, err)
			if _, err := r.AddSource("patient"); !errors.Is(err, ErrIDTaken) {
				t.Errorf("%s: a second source: %v", name, err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				played, err := s.Play(t.Context(), clip("one", 500))
				if !errors.Is(err, ErrGone) || played.Frames != 3 {
					t.Errorf("%s: played %+v, %v", name, played, err)
				}
			}()
			time.Sleep(50 * time.Millisecond)
			end(t, w, r, s)
			<-done
			if !sink.closed.Load() || sink.late.Load() {
				t.Errorf("%s: the tap's sink was closed: %v, written to afterwards: %v", name,
					sink.closed.Load(), sink.late.Load())
			}
			s.Close()
			if _, err := s.Play(t.Context(), clip("more", 1)); !errors.Is(err, ErrGone) {
				t.Errorf("%s: played after the end: %v", name, err)
			}
		})
	}
}

func TestSourceDoesNotSendALateClipAtOnce(t *testing.T) {
	withSource(t, func(t *testing.T, _ *Room, s *Source, tapped *sourceSink, _ *client) {
		tapped.before = func(n int) {
			if n == 10 {
				time.Sleep(3 * time.Second) // as if the process had been suspended
			}
		}
		played, err := s.Play(t.Context(), clip("one", 20))
		if err != nil || played.Frames != 20 {
			t.Fatalf("played %+v, %v", played, err)
		}
		for i := 12; i < 20; i++ {
			a, b := tapped.packets[i-1], tapped.packets[i]
			if gap := b.Arrival.Sub(a.Arrival); gap != FrameDuration ||
				b.Timestamp-a.Timestamp != 960 {
				t.Errorf("packet %d came %v after the one before", i, gap)
			}
		}
	})
}
