package bus

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go/jetstream"
)

const frameTime = 20 * time.Millisecond

func TestLogIsReplayedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		candidate, patient := writer(t, b, "a", "candidate"), writer(t, b, "a", "patient")
		var sent, answered []frame.Frame
		for n := range 1000 {
			sent = append(sent, writeFrames(candidate, n, n+1, 0)...)
			if n%2 == 0 {
				answered = append(answered, writeFrames(patient, n, n+1, 0)...)
			}
			time.Sleep(frameTime)
		}
		must(t, b.Finish(t.Context(), "a"))

		c := claim(t, b)
		h := receiveAll(t, c)
		equalFrames(t, "candidate", h.frames["candidate"], sent)
		equalFrames(t, "patient", h.frames["patient"], answered)
		if len(h.frames) != 2 || h.dropped != 0 {
			t.Errorf("%d speakers, %d dropped", len(h.frames), h.dropped)
		}
		if h.messages > 450 {
			t.Errorf("%d messages for 1500 frames", h.messages)
		}
		if got := count(t, b.metrics.published); got != 1500 {
			t.Errorf("%g frames counted as published", got)
		}
		must(t, c.Done(t.Context()))
	})
}

func TestLiveAudioIsFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		c := claim(t, b)
		w := writer(t, b, "a", "candidate")
		for n := range 100 {
			want := writeFrames(w, n, n+1, 0)
			d, err := nextAudio(t, c)
			must(t, err)
			equalFrames(t, "live", d.Batch.Frames, want)
			if late := time.Now().UnixMicro() - want[0].Arrival; late > 100_000 {
				t.Fatalf("frame %d took %d µs", n, late)
			}
		}
		must(t, b.Finish(t.Context(), "a"))
		if h := receiveAll(t, c); h.messages != 0 {
			t.Errorf("%d more messages", h.messages)
		}
		must(t, c.Done(t.Context()))
	})
}

func TestFinishPublishesAllFramesBeforeTheEndMarker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 1234, 0)
		must(t, b.Finish(t.Context(), "a"))
		must(t, b.Finish(t.Context(), "a")) // a second end marker changes nothing
		h := receiveAll(t, claim(t, b))
		equalFrames(t, "candidate", h.frames["candidate"], sent)
	})
}

func TestAttemptsHaveSeparateLogs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		sent := map[string][]frame.Frame{}
		for i, id := range []string{"a", "a-b", "a_b"} {
			must(t, b.Begin(t.Context(), id, time.Now()))
			sent[id] = writeFrames(writer(t, b, id, "candidate"), 10*i, 10*i+5, 0)
			must(t, b.Finish(t.Context(), id))
		}
		for range sent {
			c := claim(t, b)
			id := c.Job().AttemptID
			equalFrames(t, id, receiveAll(t, c).frames["candidate"], sent[id])
			must(t, c.Done(t.Context()))
		}
	})
}

func TestFullRingDropsTheOldestAndCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		w := writer(t, b, "a", "candidate")
		sent := writeFrames(w, 0, ringFrames+500, 0) // in no time, so the tap cannot keep up
		w.Write(1, 2, time.Now(), make([]byte, frame.MaxPayload+1))
		must(t, b.Finish(t.Context(), "a"))
		h := receiveAll(t, claim(t, b))
		equalFrames(t, "the newest", h.frames["candidate"], sent[500:])
		if h.dropped != 501 || count(t, b.metrics.dropped) != 501 {
			t.Errorf("%d dropped in the log, %g in the metrics", h.dropped,
				count(t, b.metrics.dropped))
		}
	})
}

func TestWriteNeverBlocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		b, _ := s.process(Config{})
		w := writer(t, b, "a", "candidate")
		s.stop()
		began := time.Now()
		writeFrames(w, 0, 10*ringFrames, 0)
		time.Sleep(time.Minute) // the tap retries
		writeFrames(w, 0, 10*ringFrames, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed without its audio in the log: %v", err)
		}
		writeFrames(w, 0, ringFrames, 0)
		if took := time.Since(began); took != time.Minute+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestEpochsRiseAcrossRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir := t.TempDir()
		began := time.Now()
		b := open(t, Config{Dir: dir})
		epoch := func(startedAt time.Time) uint16 {
			t.Helper()
			w, err := b.Writer("a", "candidate", startedAt)
			must(t, err)
			return w.epoch
		}
		last := uint16(0)
		for range 5 {
			e := epoch(began.Add(time.Minute)) // the database's clock may be ahead
			if e <= last {
				t.Fatalf("epoch %d after %d", e, last)
			}
			last = e
		}
		time.Sleep(10 * time.Second)
		must(t, b.Close(t.Context()))
		b = open(t, Config{Dir: dir})
		if e := epoch(began); e <= last {
			t.Errorf("epoch %d of the next process after %d", e, last)
		}
	})
}

// TestEpochsRiseWhenAPlayMovesAtOnce opens both speakers' streams at one media server and, 0.3 s
// later, at the next one.
func TestEpochsRiseWhenAPlayMovesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir, began := t.TempDir(), time.Now()
		time.Sleep(10*time.Second + 900*time.Millisecond)
		last := map[string]uint16{}
		for range 3 {
			b := open(t, Config{Dir: dir})
			for _, speaker := range []string{"patient", "candidate"} {
				w, err := b.Writer("a", speaker, began)
				must(t, err)
				for other, e := range last {
					if w.epoch <= e {
						t.Errorf("epoch %d of the %s, after %d of the %s", w.epoch, speaker, e,
							other)
					}
				}
				last[speaker] = w.epoch
			}
			must(t, b.Close(t.Context()))
			time.Sleep(300 * time.Millisecond)
		}
	})
}

func TestDoneRemovesTheAttemptsAudioOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		for _, id := range []string{"a", "b"} {
			must(t, b.Begin(t.Context(), id, time.Now()))
			writeFrames(writer(t, b, id, "candidate"), 0, 100, 0)
			must(t, b.Finish(t.Context(), id))
		}
		c := claim(t, b)
		receiveAll(t, c)
		must(t, c.Done(t.Context()))
		for id, want := range map[string]error{
			c.Job().AttemptID: jetstream.ErrMsgNotFound, other(c): nil,
		} {
			for stream, subject := range map[jetstream.Stream]string{
				b.audio: frame.AttemptSubjects(id), b.queue: frame.JobSubject(id),
			} {
				if _, err := stream.GetLastMsgForSubject(t.Context(),
					subject); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", subject, err, want)
				}
			}
		}
	})
}

func other(c *Claim) string { return map[string]string{"a": "b", "b": "a"}[c.Job().AttemptID] }

func TestGiveUpLeavesTheAudio(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		writeFrames(writer(t, b, "a", "candidate"), 0, 100, 0)
		must(t, b.Finish(t.Context(), "a"))
		must(t, claim(t, b).GiveUp())
		_, err := b.audio.GetLastMsgForSubject(t.Context(), frame.AttemptSubjects("a"))
		must(t, err)
		wantNoJob(t, b, time.Minute)
	})
}

// wantNoJob checks that there is no job to claim for a time.
func wantNoJob(t testing.TB, b *Bus, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if c, err := b.Claim(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("claimed %+v, %v", c, err)
	}
}

func TestMalformedJobsAndMessagesAreSkippedAndCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		for _, job := range []string{
			"", "{", `{"attempt_id":"a.b","started_at":"2026-01-01T00:00:00Z"}`,
			`{"attempt_id":"x"}`,
		} {
			inject(t, b, frame.JobSubject("broken"), []byte(job))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if c, err := b.Claim(ctx); err == nil {
				t.Errorf("claimed %+v", c.Job())
			}
			cancel()
		}
		started := time.Now()
		must(t, b.Begin(t.Context(), "a", started))
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 3, 200*time.Millisecond)
		inject(t, b, frame.AudioSubject("a", "candidate"), nil)
		inject(t, b, frame.AudioSubject("a", "candidate"), []byte{9, 9, 9})
		inject(t, b, frame.AudioSubject("a", "candidate")+".more",
			frame.Batch{Frames: sent}.Append(nil))
		must(t, b.Finish(t.Context(), "a"))
		c := claim(t, b)
		if want := (frame.Job{
			AttemptID: "a", StartedAt: started.UTC(),
		}); !reflect.DeepEqual(c.Job(), want) {
			t.Errorf("job %+v, want %+v", c.Job(), want)
		}
		equalFrames(t, "the rest", receiveAll(t, c).frames["candidate"], sent)
		if got := count(t, b.metrics.malformed); got != 4+3 {
			t.Errorf("%g counted", got)
		}
	})
}

func TestInvalidNamesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		for _, bad := range []string{
			"", "*", ">", "a.b", "a b", "ä", "a\n", "$JS", string(make([]byte, 65)),
		} {
			_, noWriter := b.Writer(bad, "candidate", time.Now())
			_, noSpeaker := b.Writer("a", bad, time.Now())
			_, noSubscription := b.SubscribeReportReady(t.Context(), bad, func(string) {})
			for what, err := range map[string]error{
				"begin":   b.Begin(t.Context(), bad, time.Now()),
				"finish":  b.Finish(t.Context(), bad),
				"publish": b.PublishReportReady(t.Context(), bad, ""), "attempt": noWriter,
				"speaker": noSpeaker, "subscribe": noSubscription,
			} {
				if err == nil {
					t.Errorf("%s accepted %q", what, bad)
				}
			}
		}
		for _, marker := range []string{"end", "alive"} {
			if _, err := b.Writer("a", marker, time.Now()); err == nil {
				t.Errorf("a speaker may be called %q", marker)
			}
		}
	})
}

// This test runs in real time, because a NATS server compares the times of its files with its
// clock.
func TestLogSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Config{Dir: dir})
	must(t, b.Begin(t.Context(), "a", time.Now()))
	sent := writeFrames(writer(t, b, "a", "candidate"), 0, 200, 0)
	must(t, b.Close(t.Context())) // publishes all frames; the attempt has not ended

	b = open(t, Config{Dir: dir})
	must(t, b.Begin(t.Context(), "a", time.Now()))
	more := writeFrames(writer(t, b, "a", "candidate"), 200, 300, 0)
	must(t, b.Finish(t.Context(), "a"))
	c := claim(t, b)
	sent = append(sent, more...)
	equalFrames(t, "frames of both processes", receiveAll(t, c).frames["candidate"], sent)
	must(t, c.Done(t.Context()))
	if jobs, err := b.Jobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("jobs left: %q, %v", jobs, err)
	}
}

func TestFullLogKeepsTheSpeechOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), MaxBytes: 64 << 10, FullWait: 5 * time.Second})
		must(t, b.Begin(t.Context(), "older", time.Now()))
		older := writeFrames(writer(t, b, "older", "candidate"), 0, 500, frameTime)
		must(t, b.Finish(t.Context(), "older"))
		must(t, b.Ping(t.Context()))

		must(t, b.Begin(t.Context(), "newer", time.Now()))
		newer := writeFrames(writer(t, b, "newer", "candidate"), 0, 5000, frameTime)
		if err := b.Ping(t.Context()); !errors.Is(err, errLogFull) {
			t.Errorf("ready with a full log: %v, want errLogFull", err)
		}
		must(t, b.Finish(t.Context(), "newer")) // the end marker still fits

		c := claim(t, b)
		equalFrames(t, "older", receiveAll(t, c).frames["candidate"], older)
		got := receiveAll(t, claim(t, b))
		kept := len(got.frames["candidate"])
		equalFrames(t, "the first of newer", got.frames["candidate"], newer[:kept])
		if kept == 0 || kept+got.dropped != len(newer) {
			t.Errorf("%d frames in the log and %d counted as lost, of %d", kept, got.dropped,
				len(newer))
		}
		lost := count(t, b.metrics.dropped) + count(t, b.metrics.refused)
		if int(lost) != got.dropped {
			t.Errorf("%d frames lost by the log, %g by the metrics", got.dropped, lost)
		}

		must(t, c.Done(t.Context())) // removes the older attempt's audio
		must(t, b.Ping(t.Context()))
	})
}

func TestSpeechWaitsWhileTheLogIsFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir(), MaxBytes: 64 << 10})
		fillLog(t, b)
		must(t, b.Begin(t.Context(), "newer", time.Now()))
		newer := writeFrames(writer(t, b, "newer", "candidate"), 0, 500, frameTime)
		c := claim(t, b)
		receiveAll(t, c)
		must(t, c.Done(t.Context()))
		time.Sleep(2 * spaceEvery)
		must(t, b.Finish(t.Context(), "newer"))
		got := receiveAll(t, claim(t, b))
		equalFrames(t, "newer", got.frames["candidate"], newer)
		if got.dropped != 0 {
			t.Errorf("%d frames counted as lost", got.dropped)
		}
	})
}

func TestSpeakerWithTooManyMessagesIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		config := b.audio.CachedInfo().Config
		config.MaxMsgsPerSubject = 10
		_, err := b.js.UpdateStream(t.Context(), config)
		must(t, err)
		must(t, b.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, b, "a", "candidate"), 0, 500, frameTime)
		must(t, b.Finish(t.Context(), "a"))
		got := receiveAll(t, claim(t, b)).frames["candidate"]
		equalFrames(t, "the first", got, sent[:len(got)])
		if n := int(count(t, b.metrics.refused)); len(got) == 0 || len(got)+n != len(sent) {
			t.Errorf("%d frames in the log and %d refused, of %d", len(got), n, len(sent))
		}
	})
}

func TestOlderLogsAreTakenOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		old, _ := s.process(Config{})
		must(t, old.js.DeleteStream(t.Context(), audioStream))
		_, err := old.js.CreateStream(t.Context(), jetstream.StreamConfig{
			Name: audioStream, Subjects: []string{frame.AudioSubjects}, MaxBytes: 1 << 20,
			Discard: jetstream.DiscardOld,
		})
		must(t, err)
		b, _ := s.process(Config{})
		if got := b.audio.CachedInfo().Config.Discard; got != jetstream.DiscardNew {
			t.Errorf("the log discards %v messages", got)
		}
	})
}
