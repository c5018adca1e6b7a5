package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"bedside/speech/frame"
)

func TestBeginTwiceIsOneJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		must(t, b.Begin(t.Context(), "a", time.Now()))
		time.Sleep(10 * time.Minute) // long after the stream has forgotten the message's id
		must(t, b.Begin(t.Context(), "a", time.Now()))
		must(t, b.Finish(t.Context(), "a"))
		c := claim(t, b)
		must(t, b.Begin(t.Context(), "a", time.Now())) // while it runs
		must(t, b.Finish(t.Context(), "a"))
		nobodyGets(t, b, time.Minute)
		listen(t, c)
		must(t, c.Done(t.Context()))
		nobodyGets(t, b, time.Minute)
	})
}

func TestSilenceEndsWhenTheTapDied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		media, line := s.process(Config{})
		worker, _ := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		said := speak(writer(t, media, "a", "candidate"), 0, 500, frameTime)
		time.Sleep(time.Second)
		line.cut() // for good
		last := time.Now()
		c := claim(t, worker)
		same(t, "what was said", listen(t, c).frames["candidate"], said)
		if silent := time.Since(last); silent < 15*time.Second || silent > 20*time.Second {
			t.Errorf("ended after %v of silence", silent)
		}
		must(t, c.Done(t.Context()))
	})
}

func TestHeartbeatKeepsASilentAttemptAlive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		go func() {
			time.Sleep(10 * time.Minute) // nobody has even opened a microphone
			w := writer(t, b, "a", "candidate")
			speak(w, 0, 1, 0)
			time.Sleep(10 * time.Minute)
			speak(w, 1, 2, 0)
			if err := b.Finish(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		}()
		if h := listen(t, c); len(h.frames["candidate"]) != 2 {
			t.Errorf("%d frames heard", len(h.frames["candidate"]))
		}
		must(t, c.Done(t.Context()))
	})
}

func TestAttemptThatNobodyFinishesEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{
			Dir: t.TempDir(), BatchTime: 10 * time.Second, Heartbeat: time.Minute,
			IdleEnd: 5 * time.Minute, AckWait: time.Minute,
		})
		began := time.Now()
		must(t, b.Begin(t.Context(), "a", began))
		listen(t, claim(t, b))
		if took := time.Since(began); took < maxPlay || took > maxPlay+6*time.Minute {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestSlowWorkerTakesNoDelayForTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		w := writer(t, b, "a", "candidate")
		c := claim(t, b)
		var said []frame.Frame
		h := heard{frames: map[string][]frame.Frame{}}
		for n := range 50 {
			said = append(said, speak(w, n, n+1, 0)...)
			time.Sleep(time.Minute) // stopped, swapped out, or at work
			d, err := c.Next(t.Context())
			must(t, err)
			if d.End {
				t.Fatalf("ended after %d frames", n)
			}
			h.add(d)
		}
		must(t, b.Finish(t.Context(), "a"))
		if d, err := c.Next(t.Context()); err != nil || !d.End {
			t.Errorf("%+v, %v", d, err)
		}
		same(t, "all", h.frames["candidate"], said)
	})
}

func TestClaimOfADeadWorkerGoesToAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		media, _ := s.process(Config{})
		first, line := s.process(Config{})
		second, _ := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		w := writer(t, media, "a", "candidate")
		said := speak(w, 0, 500, frameTime)

		c := claim(t, first)
		if _, err := c.Next(t.Context()); err != nil || c.Tries() != 1 {
			t.Errorf("try %d, %v", c.Tries(), err)
		}
		line.cut()
		c.Abandon() // it was killed
		died := time.Now()
		c = claim(t, second)
		if waited := time.Since(died); waited > 15*time.Second || c.Tries() != 2 {
			t.Errorf("try %d, after %v", c.Tries(), waited)
		}
		said = append(said, speak(w, 500, 600, frameTime)...)
		must(t, media.Finish(t.Context(), "a"))
		same(t, "from the first frame on", listen(t, c).frames["candidate"], said)
		must(t, c.Done(t.Context()))
	})
}

func TestClaimAtWorkIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		nobodyGets(t, b, 10*time.Minute)
		must(t, b.Finish(t.Context(), "a"))
		listen(t, c)
		must(t, c.Done(t.Context()))
	})
}

func TestReleasedClaimGoesToAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		for try, delay := range []time.Duration{0, 30 * time.Second, 0} {
			released := time.Now()
			must(t, c.Release(delay))
			c = claim(t, b)
			if waited := time.Since(released); waited < delay || waited > delay+10*time.Second {
				t.Errorf("it came again after %v, want %v", waited, delay)
			}
			if c.Tries() != try+2 {
				t.Errorf("try %d, want %d", c.Tries(), try+2)
			}
		}
		must(t, c.GiveUp())
		nobodyGets(t, b, time.Minute)
	})
}

func TestWorkersShareTheWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		media, _ := s.process(Config{})
		done := make(chan string)
		for range 3 {
			b, _ := s.process(Config{})
			go func() {
				for {
					c, err := b.Claim(t.Context())
					if err != nil {
						return
					}
					h := heard{frames: map[string][]frame.Frame{}}
					for {
						d, err := c.Next(t.Context())
						if err != nil {
							t.Error(err)
						}
						if d.End || err != nil {
							break
						}
						h.add(d)
						time.Sleep(time.Second)
					}
					if len(h.frames["candidate"]) != 100 {
						t.Errorf("%s: %d frames", c.Job().AttemptID, len(h.frames["candidate"]))
					}
					if err := c.Done(t.Context()); err != nil {
						t.Error(err)
					}
					done <- c.Job().AttemptID
				}
			}()
		}
		ids := map[string]int{}
		for i := range 12 {
			id := string(rune('a' + i))
			ids[id] = 0
			must(t, media.Begin(t.Context(), id, time.Now()))
			speak(writer(t, media, id, "candidate"), 0, 100, 0)
			must(t, media.Finish(t.Context(), id))
		}
		for range 12 {
			ids[<-done]++
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s was analysed %d times", id, n)
			}
		}
		nobodyGets(t, media, time.Minute)
	})
}

// Two workers can hold one job when the first could not say that it lives. The one that is late
// must not report on a log that is gone.
func TestLateWorkerLearnsThatTheJobIsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		media, _ := s.process(Config{})
		first, line := s.process(Config{})
		second, _ := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		speak(writer(t, media, "a", "candidate"), 0, 500, frameTime)
		late := claim(t, first)
		_, err := late.Next(t.Context())
		must(t, err)
		line.cut()
		quick := claim(t, second)
		must(t, media.Finish(t.Context(), "a"))
		listen(t, quick)
		must(t, quick.Done(t.Context()))
		line.mend()
		for err == nil {
			var d frame.Delivery
			if d, err = late.Next(t.Context()); d.End {
				t.Fatal("it was given an end")
			}
		}
		if !errors.Is(err, frame.ErrJobEnded) {
			t.Error(err)
		}
		must(t, late.Release(0))
		nobodyGets(t, media, time.Minute)
	})
}

func TestClaimHeedsItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		b, _ := s.process(Config{})
		nobodyGets(t, b, time.Second)
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		for name, down := range map[string]bool{"in touch": false, "NATS is away": true} {
			if down {
				s.stop()
				time.Sleep(time.Minute)
			}
			began := time.Now()
			ctx, cancel := context.WithCancelCause(t.Context())
			stopping := errors.New("stopping")
			time.AfterFunc(3*time.Second, func() { cancel(stopping) })
			if _, err := c.Next(ctx); !errors.Is(err, stopping) {
				t.Errorf("%s: next: %v", name, err)
			}
			if _, err := b.Claim(ctx); !errors.Is(err, stopping) {
				t.Errorf("%s: claim: %v", name, err)
			}
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
			if down {
				break
			}
		}
		c.Abandon()
	})
}

func TestClosedBusSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Ping(t.Context()))
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		must(t, b.Close(t.Context()))
		_, noClaim := b.Claim(t.Context())
		_, noNext := c.Next(t.Context())
		for what, err := range map[string]error{
			"claim": noClaim, "next": noNext, "done": c.Done(t.Context()), "ping": b.Ping(t.Context()), "begin": b.Begin(
				t.Context(), "b", time.Now()),
			"tell": b.PublishReportReady(t.Context(), "a", ""),
		} {
			if err == nil {
				t.Errorf("%s worked", what)
			}
		}
	})
}
