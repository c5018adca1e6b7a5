package sfu

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"
)

// recorder is a sink that stores its packets.
type recorder struct {
	mu      sync.Mutex
	packets []Packet
	closed  atomic.Bool
	late    atomic.Bool // a packet was written after Close
}

func (s *recorder) WriteRTP(p *Packet) {
	if s.closed.Load() {
		s.late.Store(true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := *p
	kept.Payload = append([]byte(nil), p.Payload...)
	s.packets = append(s.packets, kept)
}

func (s *recorder) Close() { s.closed.Store(true) }

func (s *recorder) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.packets)
}

type tapFunc func(room, participant string) Sink

func (f tapFunc) Sink(room, participant string) Sink { return f(room, participant) }

// stuckHandler does not return from Gone.
type stuckHandler struct{ release chan struct{} }

func (*stuckHandler) Offer(uint64, string) {}
func (*stuckHandler) Connected()           {}
func (*stuckHandler) Disconnected()        {}
func (h *stuckHandler) Gone(error)         { <-h.release }

// doneOnce returns a channel that receives a value when Done is closed.
func doneOnce(p *Participant) <-chan struct{} {
	c := make(chan struct{}, 1)
	go func() {
		<-p.Done()
		c <- struct{}{}
	}()
	return c
}

func TestTapGetsPresentAndFutureTracks(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		var mu sync.Mutex
		sinks := map[string]*recorder{}
		tap := tapFunc(func(room, id string) Sink {
			if room != "room" || id == "olga" {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			sinks[id] = &recorder{}
			return sinks[id]
		})
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "connection", a.connected)
		synctest.Wait()
		a.speak(1, 30, "before")
		synctest.Wait()
		r.StartTap(tap)
		net, _ = w.net()
		b := newClient(t, "bert", clientOption{network: net}).join(r, true)
		await(t, "connection", b.connected)
		synctest.Wait()
		a.speak(2, 30|0x80, "during")
		b.speak(1, 50, "during")
		synctest.Wait()
		r.StopTap()
		a.speak(3, 30, "after")
		synctest.Wait()

		for id, want := range map[string]Packet{
			"anna": {Sequence: 2, Timestamp: 1920, AudioLevel: 30, HasLevel: true, Voice: true},
			"bert": {Sequence: 1, Timestamp: 960, AudioLevel: 50, HasLevel: true},
		} {
			s := sinks[id]
			if s == nil || s.count() != 1 {
				t.Errorf("%s: tapped %+v, want one packet", id, s)
				continue
			}
			got := s.packets[0]
			if string(got.Payload) != "during" || got.Sequence != want.Sequence ||
				got.Timestamp != want.Timestamp ||
				got.AudioLevel != want.AudioLevel || got.Voice != want.Voice ||
				got.HasLevel != want.HasLevel {
				t.Errorf("%s: tapped %+v", id, got)
			}
			if got.SSRC == 0 || got.Arrival.IsZero() || got.PayloadType != 109 {
				t.Errorf("%s: tapped %+v", id, got)
			}
			if !s.closed.Load() || s.late.Load() {
				t.Errorf("%s: closed %v, written to afterwards %v", id, s.closed.Load(),
					s.late.Load())
			}
		}
		a.close()
		b.close()
	})
}

func TestSpeakersAreReportedWhenTheyChange(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		var mu sync.Mutex
		var reported [][]Speaker
		var at []time.Time
		r.OnSpeakers(func(s []Speaker) {
			mu.Lock()
			defer mu.Unlock()
			reported, at = append(reported, s), append(at, time.Now())
		})
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "connection", a.connected)
		synctest.Wait()
		seq := uint16(0)
		say := func(level uint8, d time.Duration) {
			for range d / (20 * time.Millisecond) {
				seq++
				a.speak(seq, level, "x")
				time.Sleep(20 * time.Millisecond)
			}
		}
		say(90, 3*time.Second) // background
		mu.Lock()
		if len(reported) != 0 {
			t.Errorf("background noise was reported as speech: %v", reported)
		}
		mu.Unlock()
		say(25, 10*time.Second)
		mu.Lock()
		if n := len(reported); n == 0 || n > 8 || len(reported[n-1]) != 1 ||
			reported[n-1][0].ID != "anna" || reported[n-1][0].Level < 0.5 {
			t.Errorf("steady speech was reported as %v", reported)
		}
		mu.Unlock()
		time.Sleep(5 * time.Second) // discontinuous transmission: no packets
		mu.Lock()
		if n := len(reported); len(reported[n-1]) != 0 {
			t.Errorf("silence was reported as %v", reported[n-1])
		}
		for i := 1; i < len(at); i++ {
			if d := at[i].Sub(at[i-1]); d < 250*time.Millisecond {
				t.Errorf("reported after %v", d)
			}
		}
		mu.Unlock()
		if err := a.p.AddCandidate(context.Background(), webrtc.ICECandidateInit{}); err != nil {
			t.Errorf("the end of candidates: %v", err)
		}
		a.close()
	})
}
