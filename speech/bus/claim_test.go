package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"bedside/speech/frame"
)

func TestSecondBeginAddsNoJob(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), CheckEvery: time.Minute})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		must(t, b.Begin(t.Context(), "a", time.Now()))
		time.Sleep(10 * time.Minute) // the stream has forgotten the message's id long ago
		must(t, b.Begin(t.Context(), "a", time.Now()))
		must(t, b.Finish(t.Context(), "a"))
		c := claim(t, b)
		must(t, b.Begin(t.Context(), "a", time.Now())) // while it runs
		must(t, b.Finish(t.Context(), "a"))
		wantNoJob(t, b, time.Minute)
		receiveAll(t, c)
		must(t, c.Done(t.Context()))
		wantNoJob(t, b, time.Minute)
	})
}

func TestAttemptEndsAfterItsMediaServerIsGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		media, link := s.process(Config{})
		worker, _ := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, media, "a", "candidate"), 0, 500, frameTime)
		time.Sleep(time.Second)
		link.cut() // for good
		last := time.Now()
		c := claim(t, worker)
		equalFrames(t, "what was sent", receiveAll(t, c).frames["candidate"], sent)
		if silent := time.Since(last); silent < 15*time.Second || silent > 20*time.Second {
			t.Errorf("ended after %v of silence", silent)
		}
		must(t, c.Done(t.Context()))
	})
}

// The media server is cut off for longer than Config.IdleEnd, and then sends the rest.
func TestRestAfterAnIdleEndIsKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		media, link := s.process(Config{})
		worker, _ := s.process(Config{})
		began := time.Now()
		must(t, media.Begin(t.Context(), "a", began))
		w := writer(t, media, "a", "candidate")
		sent := writeFrames(w, 0, 500, frameTime)
		time.Sleep(time.Second)
		link.cut()
		c := claim(t, worker)
		equalFrames(t, "before the cut", receiveAll(t, c).frames["candidate"], sent)
		must(t, c.Done(t.Context()))
		reported := time.Now()

		sent = append(sent, writeFrames(w, 500, 1000, frameTime)...)
		link.restore()
		must(t, media.Finish(t.Context(), "a"))
		list, err := worker.Logged(t.Context())
		must(t, err)
		if len(list) != 1 || !list[0].FirstAt.Before(reported) || !list[0].Ended ||
			!list[0].LastAt.After(reported) {
			t.Fatalf("the log holds %+v; the report is of %v", list, reported)
		}
		must(t, worker.Requeue(t.Context(), frame.Job{AttemptID: "a", StartedAt: began}))
		c = claim(t, worker)
		equalFrames(t, "all", receiveAll(t, c).frames["candidate"], sent)
		must(t, c.Done(t.Context()))
		if list, err := worker.Logged(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("left in the log: %+v, %v", list, err)
		}
	})
}

func TestHeartbeatKeepsASilentAttemptAlive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), CheckEvery: time.Minute})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		go func() {
			time.Sleep(10 * time.Minute) // nobody has opened a microphone yet
			w := writer(t, b, "a", "candidate")
			writeFrames(w, 0, 1, 0)
			time.Sleep(10 * time.Minute)
			writeFrames(w, 1, 2, 0)
			if err := b.Finish(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		}()
		if h := receiveAll(t, c); len(h.frames["candidate"]) != 2 {
			t.Errorf("%d frames received", len(h.frames["candidate"]))
		}
		must(t, c.Done(t.Context()))
	})
}

func TestAttemptWithoutFinishEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{
			Dir: t.TempDir(), BatchTime: 10 * time.Second, Heartbeat: time.Minute,
			IdleEnd: 5 * time.Minute, AckWait: time.Minute, CheckEvery: time.Minute,
		})
		began := time.Now()
		must(t, b.Begin(t.Context(), "a", began))
		receiveAll(t, claim(t, b))
		if took := time.Since(began); took < maxPlay || took > maxPlay+6*time.Minute {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestSlowWorkerDoesNotEndTheAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), CheckEvery: time.Minute})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		w := writer(t, b, "a", "candidate")
		c := claim(t, b)
		var sent []frame.Frame
		h := received{frames: map[string][]frame.Frame{}}
		for n := range 50 {
			sent = append(sent, writeFrames(w, n, n+1, 0)...)
			time.Sleep(time.Minute) // the worker is stopped, swapped out or busy
			d, err := nextAudio(t, c)
			must(t, err)
			if d.End {
				t.Fatalf("ended after %d frames", n)
			}
			h.add(d)
		}
		must(t, b.Finish(t.Context(), "a"))
		if d, err := nextAudio(t, c); err != nil || !d.End {
			t.Errorf("%+v, %v", d, err)
		}
		equalFrames(t, "all", h.frames["candidate"], sent)
	})
}

func TestJobOfADeadWorkerGoesToAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		media, _ := s.process(Config{})
		first, link := s.process(Config{})
		second, _ := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		w := writer(t, media, "a", "candidate")
		sent := writeFrames(w, 0, 500, frameTime)

		c := claim(t, first)
		if _, err := c.Next(t.Context()); err != nil || c.Tries() != 1 {
			t.Errorf("try %d, %v", c.Tries(), err)
		}
		link.cut()
		c.Abandon() // the worker is killed
		died := time.Now()
		c = claim(t, second)
		if waited := time.Since(died); waited > 15*time.Second || c.Tries() != 2 {
			t.Errorf("try %d, after %v", c.Tries(), waited)
		}
		sent = append(sent, writeFrames(w, 500, 600, frameTime)...)
		must(t, media.Finish(t.Context(), "a"))
		equalFrames(t, "from the first frame on", receiveAll(t, c).frames["candidate"], sent)
		must(t, c.Done(t.Context()))
	})
}

func TestClaimStaysWithItsWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		wantNoJob(t, b, 10*time.Minute)
		must(t, b.Finish(t.Context(), "a"))
		receiveAll(t, c)
		must(t, c.Done(t.Context()))
	})
}

func TestReleasedJobGoesToAnotherWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		for try, delay := range []time.Duration{0, 30 * time.Second, 0} {
			released := time.Now()
			must(t, c.Release(delay))
			c = claim(t, b)
			if waited := time.Since(released); waited < delay || waited > delay+10*time.Second {
				t.Errorf("the job is free after %v, want %v", waited, delay)
			}
			if c.Tries() != try+2 {
				t.Errorf("try %d, want %d", c.Tries(), try+2)
			}
		}
		must(t, c.GiveUp())
		wantNoJob(t, b, time.Minute)
	})
}

func TestEachAttemptIsAnalysedByOneWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
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
					h := received{frames: map[string][]frame.Frame{}}
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
			writeFrames(writer(t, media, id, "candidate"), 0, 100, 0)
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
		wantNoJob(t, media, time.Minute)
	})
}

// Two workers can hold one job when the first could not keep its claim alive. The slower one must
// not report on a log that has been removed.
func TestSlowerWorkerFindsThatTheJobHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		media, _ := s.process(Config{})
		first, link := s.process(Config{})
		second, _ := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		writeFrames(writer(t, media, "a", "candidate"), 0, 500, frameTime)
		late := claim(t, first)
		_, err := late.Next(t.Context())
		must(t, err)
		link.cut()
		quick := claim(t, second)
		must(t, media.Finish(t.Context(), "a"))
		receiveAll(t, quick)
		must(t, quick.Done(t.Context()))
		link.restore()
		for err == nil {
			var d frame.Delivery
			if d, err = late.Next(t.Context()); d.End {
				t.Fatal("it received an end")
			}
		}
		if !errors.Is(err, frame.ErrJobEnded) {
			t.Error(err)
		}
		must(t, late.Release(0))
		wantNoJob(t, media, time.Minute)
	})
}

func TestClaimAndNextReturnWhenTheContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		b, _ := s.process(Config{})
		wantNoJob(t, b, time.Second)
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		if d, err := c.Next(t.Context()); err != nil || len(d.Events) != 1 {
			t.Fatalf("%+v, %v; want the opening of the log", d, err)
		}
		for name, down := range map[string]bool{"connected": false, "NATS is away": true} {
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

func TestClosedBusReturnsErrors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Ping(t.Context()))
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		must(t, b.Close(t.Context()))
		_, noClaim := b.Claim(t.Context())
		_, noNext := c.Next(t.Context())
		for what, err := range map[string]error{
			"claim": noClaim, "next": noNext, "done": c.Done(t.Context()),
			"ping": b.Ping(t.Context()), "begin": b.Begin(t.Context(), "b", time.Now()),
			"publish": b.PublishReportReady(t.Context(), "a", ""),
		} {
			if err == nil {
				t.Errorf("%s returned no error", what)
			}
		}
	})
}
