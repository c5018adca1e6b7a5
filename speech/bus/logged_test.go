package bus

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/frame"
)

func TestLoggedListsWhatTheLogHolds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		began := time.Now()
		must(t, b.Begin(t.Context(), "ended", began))
		writeFrames(writer(t, b, "ended", "candidate"), 0, 100, frameTime)
		must(t, b.Finish(t.Context(), "ended"))
		ended := time.Now()
		time.Sleep(time.Minute)
		must(t, b.Begin(t.Context(), "live", time.Now()))
		time.Sleep(time.Second)
		inject(t, b, "audio.not.one.of.ours", nil)

		list, err := b.Logged(t.Context())
		must(t, err)
		if len(list) != 2 || list[0].AttemptID != "ended" || list[1].AttemptID != "live" {
			t.Fatalf("the log holds %+v", list)
		}
		if l := list[0]; !l.Ended || !l.LastAt.Equal(ended) || l.Messages < 20 ||
			l.FirstAt.Before(began) || l.FirstAt.Sub(began) > time.Second {
			t.Errorf("%+v; it ended at %v", l, ended)
		}
		if l := list[1]; l.Ended || !l.LastAt.After(ended) {
			t.Errorf("%+v", l)
		}
		jobs, err := b.Jobs(t.Context())
		must(t, err)
		if !slices.Equal(jobs, []string{"ended", "live"}) {
			t.Errorf("jobs of %q", jobs)
		}
	})
}

func TestRequeueAfterTheJobEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		began := time.Now()
		must(t, b.Begin(t.Context(), "a", began))
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 100, frameTime)
		must(t, b.Finish(t.Context(), "a"))
		must(t, claim(t, b).GiveUp())
		synctest.Wait() // GiveUp sends a message and waits for no answer
		wantJob(t, b, "a", false)

		job := frame.Job{AttemptID: "a", StartedAt: began}
		must(t, b.Requeue(t.Context(), job))
		must(t, b.Requeue(t.Context(), job)) // one job is enough
		wantJob(t, b, "a", true)
		c := claim(t, b)
		must(t, b.Requeue(t.Context(), job)) // also while it runs
		equalFrames(t, "all", receiveAll(t, c).frames["candidate"], sent)
		if c.Tries() != 1 {
			t.Errorf("%d tries used", c.Tries())
		}
		must(t, c.Done(t.Context()))
		wantNoJob(t, b, time.Minute)
	})
}

func TestForgetRemovesJobAndAudioOfOneAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		for _, id := range []string{"a", "b"} {
			must(t, b.Begin(t.Context(), id, time.Now()))
			writeFrames(writer(t, b, id, "candidate"), 0, 100, 0)
			must(t, b.Finish(t.Context(), id))
		}
		c := claim(t, b)
		id := c.Job().AttemptID
		must(t, b.Forget(t.Context(), id))
		must(t, b.Forget(t.Context(), id)) // nothing is left
		list, err := b.Logged(t.Context())
		must(t, err)
		if len(list) != 1 || list[0].AttemptID != other(c) {
			t.Errorf("the log holds %+v after %q was forgotten", list, id)
		}
		wantJob(t, b, id, false)
		wantJob(t, b, other(c), true)
		for err = nil; err == nil; {
			_, err = c.Next(t.Context())
		}
		if !errors.Is(err, frame.ErrJobEnded) {
			t.Errorf("its worker reads %v, want ErrJobEnded", err)
		}
		must(t, c.Release(0))
	})
}

func wantJob(t testing.TB, b *Bus, id string, want bool) {
	t.Helper()
	if got, err := b.HasJob(t.Context(), id); err != nil || got != want {
		t.Errorf("job of %s: %v, %v; want %v", id, got, err, want)
	}
}
