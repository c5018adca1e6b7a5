package bus

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/part"
	"bedside/store"
)

// stage is a worker with a number of free slots.
type stage struct {
	mu       sync.Mutex
	name     string
	free     int
	place    int
	started  []part.Confirm
	released int
}

func (s *stage) Call(c part.Call) part.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		return part.Taken{Worker: s.name}
	}
	return part.Busy{Place: s.place}
}

func (s *stage) Confirm(c part.Confirm) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = append(s.started, c)
	return true
}

func (s *stage) Release(part.Confirm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released++
}

func (s *stage) Status() part.Status {
	return part.Status{Worker: s.name, Slots: 4, Free: s.free, Recogniser: "pocketsphinx"}
}

func serve(t *testing.T, b *Bus, s *stage) {
	t.Helper()
	stop, err := b.ServeStage(s.name, s)
	must(t, err)
	t.Cleanup(stop)
}

func call() part.Call {
	return part.Call{
		Attempt: "a", Generation: 1, Since: 1, Scenario: "s", Mode: store.ModePractice,
		Candidate: "u",
	}
}

func TestACallGoesToOneWorkerWithAFreeSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		room, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		full, one := &stage{name: "full", place: 2}, &stage{name: "one", free: 1}
		serve(t, worker, full)
		serve(t, worker, one)
		name, _, err := room.CallActor(t.Context(), call())
		if err != nil || name != "one" {
			t.Fatalf("got %q, %v", name, err)
		}
		confirm := part.Confirm{Attempt: "a", Generation: 1, Worker: name}
		if taken, err := room.ConfirmActor(t.Context(), confirm); err != nil || !taken {
			t.Fatalf("confirmed: %v, %v", taken, err)
		}
		synctest.Wait()
		if n := len(one.started); n != 1 || len(full.started) != 0 || full.released != 1 {
			t.Errorf("%d and %d started, %d released", n, len(full.started), full.released)
		}
		list, err := room.Workers(t.Context())
		if err != nil || len(list) != 2 {
			t.Errorf("status: %+v, %v", list, err)
		}
	})
}

// house is a room with an automatic patient.
type house struct {
	mu    sync.Mutex
	acts  []part.Act
	alive []part.Alive
}

func (h *house) Act(a part.Act) part.Reply {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, a)
	return part.Reply{Stale: a.Generation == 1}
}

func (h *house) Alive(a part.Alive) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alive = append(h.alive, a)
}

func TestRoomAndActorReachEachOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		room, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		h := &house{}
		stop, err := room.ListenToActor("a", h.Act, h.Alive)
		must(t, err)
		t.Cleanup(stop)
		var told []part.Told
		play, err := worker.JoinPlay("a", func(m part.Told) *part.Reply {
			told = append(told, m)
			return &part.Reply{}
		})
		must(t, err)
		t.Cleanup(play.Close)
		must(t, play.Alive(part.Alive{Generation: 1, Ready: true, Recogniser: "x"}))
		act := part.Act{Generation: 1, Number: 1, Doing: part.Thinking}
		if r, err := play.Act(t.Context(), act); err != nil || !r.Stale {
			t.Errorf("act: %+v, %v", r, err)
		}
		typed := part.Told{Generation: 1, Number: 1, Notice: part.Typed{Text: "Hello", At: 5}}
		if r, err := room.TellActor(t.Context(), "a", typed); err != nil || r.Stale {
			t.Errorf("told: %+v, %v", r, err)
		}
		synctest.Wait()
		if len(h.acts) != 1 || !reflect.DeepEqual(h.acts[0], act) || len(h.alive) != 1 {
			t.Errorf("the room got %+v, %+v", h.acts, h.alive)
		}
		if len(told) != 1 || !reflect.DeepEqual(told[0], typed) {
			t.Errorf("the actor got %+v", told)
		}
	})
}

// Between the two, a server that restarts loses nothing.
func TestAnActIsRepeatedUntilTheRoomAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		room, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		play, err := worker.JoinPlay("a", func(part.Told) *part.Reply { return nil })
		must(t, err)
		t.Cleanup(play.Close)
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		act := part.Act{Generation: 2, Number: 1}
		if _, err := play.Act(short, act); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a room: %v", err)
		}
		answered := make(chan error, 1)
		go func() {
			_, err := play.Act(t.Context(), act)
			answered <- err
		}()
		s.stop()
		time.Sleep(3 * time.Second)
		s.start()
		h := &house{}
		stop, err := room.ListenToActor("a", h.Act, h.Alive)
		must(t, err)
		t.Cleanup(stop)
		must(t, <-answered)
		synctest.Wait()
		if len(h.acts) == 0 || h.acts[0].Number != act.Number { // it may come more than once
			t.Errorf("the room got %+v", h.acts)
		}
	})
}

func TestMalformedMessagesBetweenRoomAndActorAreSkipped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		room, _ := s.process(Config{})
		h := &house{}
		stop, err := room.ListenToActor("a", h.Act, h.Alive)
		must(t, err)
		t.Cleanup(stop)
		must(t, room.conn.Publish(part.ActSubject("a"), []byte("{")))
		must(t, room.conn.Publish(part.AliveSubject("a"), []byte(`{"type":"reply","data":{}}`)))
		play, err := room.JoinPlay("a", func(part.Told) *part.Reply { return nil })
		must(t, err)
		t.Cleanup(play.Close)
		_, err = play.Act(t.Context(), part.Act{Generation: 2, Number: 7})
		must(t, err)
		synctest.Wait()
		if len(h.acts) != 1 || h.acts[0].Number != 7 || len(h.alive) != 0 {
			t.Errorf("the room got %+v, %+v", h.acts, h.alive)
		}
	})
}

// An actor reads the log beside the worker that analyses it.
func TestFollowerReadsTheLogAsItIsWritten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		room, _ := s.process(Config{})
		worker, _ := s.process(Config{})
		started := time.Now()
		must(t, room.Begin(t.Context(), "a", started))
		w, err := room.Writer("a", "candidate", started)
		must(t, err)
		room.SetLive("a", true)
		f, err := worker.Follow("a")
		must(t, err)
		t.Cleanup(f.Close)
		for n := range uint16(3) {
			time.Sleep(time.Second) // in the bubble: the tap is idle
			sent := time.Now()
			w.Write(n, 960*uint32(n), sent, []byte{1, 2})
			for {
				d, err := f.Next(t.Context())
				must(t, err)
				if d.Speaker != "candidate" {
					continue
				}
				if d.Batch.Frames[0].Sequence != n {
					t.Errorf("got %+v, want number %d", d, n)
				}
				break
			}
			if late := time.Since(sent); late > liveBatchTime {
				t.Errorf("the actor hears a frame after %v", late)
			}
		}
		must(t, room.Finish(t.Context(), "a"))
		for {
			d, err := f.Next(t.Context())
			must(t, err)
			if d.End {
				break
			}
		}
	})
}
