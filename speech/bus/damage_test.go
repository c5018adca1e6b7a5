package bus

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// damaged runs a play of twenty seconds that a worker follows. After ten seconds it calls breaks.
// It returns the frames that were sent, those that the worker received, and how many deliveries
// said that messages are missing before them.
func damaged(t *testing.T, breaks func(ctx context.Context, b *Bus) error) (sent []frame.Frame,
	h received, missing int) {
	s := newTestServer(t)
	media, _ := s.process(Config{})
	worker, _ := s.process(Config{})
	must(t, media.Begin(t.Context(), "a", time.Now()))
	c := claim(t, worker)
	done := make(chan error, 1)
	go func() {
		w := writer(t, media, "a", "candidate")
		sent = writeFrames(w, 0, 500, frameTime)
		err := breaks(t.Context(), media)
		sent = append(sent, writeFrames(w, 500, 1000, frameTime)...)
		done <- errors.Join(err, media.Finish(t.Context(), "a"))
	}()
	h = received{frames: map[string][]frame.Frame{}}
	for {
		d, err := c.Next(t.Context())
		must(t, err)
		if d.End {
			break
		}
		if d.Missing {
			missing++
		}
		h.add(d)
	}
	must(t, <-done)
	must(t, c.Done(t.Context()))
	if list, err := media.Logged(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the report the log holds %+v, %v", list, err)
	}
	must(t, media.Ping(t.Context()))
	wantNoJob(t, worker, time.Minute)
	return sent, h, missing
}

func deleteStream(name string) func(context.Context, *Bus) error {
	return func(ctx context.Context, b *Bus) error { return b.js.DeleteStream(ctx, name) }
}

// The worker has read the log up to now when it is deleted or purged, so nothing is lost.
func TestPlayGoesOnWhenStreamsAreGone(t *testing.T) {
	for name, breaks := range map[string]func(context.Context, *Bus) error{
		"log deleted":  deleteStream(audioStream),
		"jobs deleted": deleteStream(jobStream),
		"log made by another program": func(ctx context.Context, b *Bus) error {
			err := b.js.DeleteStream(ctx, audioStream)
			time.Sleep(100 * time.Millisecond)
			_, createErr := b.js.CreateStream(ctx, jetstream.StreamConfig{
				Name: audioStream, Subjects: []string{frame.AudioSubjects},
			})
			return errors.Join(err, createErr)
		},
		"news deleted": deleteStream(reportStream),
		"log purged":   func(ctx context.Context, b *Bus) error { return b.audio.Purge(ctx) },
		"jobs purged":  func(ctx context.Context, b *Bus) error { return b.queue.Purge(ctx) },
		"consumer deleted": func(ctx context.Context, b *Bus) error {
			return b.js.DeleteConsumer(ctx, jobStream, workers)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				sent, h, _ := damaged(t, breaks)
				got := h.frames["candidate"]
				if len(got) < len(sent)-200 {
					t.Errorf("%d of %d frames were received", len(got), len(sent))
				}
				equalFrames(t, "before", got[:490], sent[:490])
				equalFrames(t, "after", got[len(got)-300:], sent[len(sent)-300:])
			})
		})
	}
}

func TestReaderIsToldWhatTheLogLacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		w := writer(t, b, "a", "candidate")
		sent := writeFrames(w, 0, 500, frameTime)
		must(t, b.audio.Purge(t.Context())) // nobody has read it
		sent = append(sent, writeFrames(w, 500, 1000, frameTime)...)
		must(t, b.js.DeleteStream(t.Context(), audioStream))
		sent = append(sent, writeFrames(w, 1000, 1500, frameTime)...)
		must(t, b.Finish(t.Context(), "a"))
		c := claim(t, b)
		d, err := c.Next(t.Context())
		must(t, err)
		if !d.Missing {
			t.Error("the first message in the log does not say that others are missing")
		}
		h := received{frames: map[string][]frame.Frame{}}
		h.add(d)
		for !d.End {
			d, err = c.Next(t.Context())
			must(t, err)
			if d.Missing {
				t.Errorf("messages are missing before %+v", d)
			}
			h.add(d)
		}
		got := h.frames["candidate"]
		equalFrames(t, "what was spoken afterwards", got, sent[len(sent)-len(got):])
		if len(got) < 400 {
			t.Errorf("only %d frames are in the log", len(got))
		}
	})
}

func TestStreamsAreNumberedOnwards(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		for range 100 {
			must(t, b.Requeue(t.Context(), frame.Job{AttemptID: "x", StartedAt: time.Now()}))
			must(t, b.Forget(t.Context(), "x"))
		}
		must(t, b.Begin(t.Context(), "a", time.Now()))
		old := claim(t, b)
		must(t, b.js.DeleteStream(t.Context(), jobStream))
		if err := b.Ping(t.Context()); !isMissing(err) {
			t.Errorf("ready without its streams: %v", err)
		}
		time.Sleep(3 * time.Second)
		must(t, b.Ping(t.Context()))
		must(t, b.Begin(t.Context(), "b", time.Now()))
		// The end of the old job must not end the new one.
		if err := old.Done(t.Context()); err != nil {
			t.Errorf("end of a job that is gone: %v", err)
		}
		wantJob(t, b, "b", true)
		if got := claim(t, b); got.Job().AttemptID != "b" || got.sequence <= old.sequence {
			t.Errorf("job %+v with number %d after %d", got.Job(), got.sequence, old.sequence)
		}
	})
}

// isAck reports whether a message is the acknowledgement of another that was stored: no other
// answer of the server is that short. head is as in loseMessages.
func isAck(head string) bool {
	fields := strings.Fields(head)
	size, err := strconv.Atoi(fields[len(fields)-1])
	return err == nil && strings.HasPrefix(fields[1], "_INBOX.") && size < 60
}

func TestPingTriesToStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		b, link := s.process(Config{})
		must(t, b.Ping(t.Context()))
		// The server answers requests, but messages are not acknowledged.
		link.loseMessages(isAck)
		if err := b.Ping(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ready although nothing is stored: %v", err)
		}
		link.loseMessages(func(string) bool { return false })
		must(t, b.Ping(t.Context()))
		info, err := b.audio.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		must(t, err)
		if info.State.Msgs != 0 {
			t.Errorf("the checks leave %v in the log", info.State.Subjects)
		}
	})
}

// A message whose acknowledgement was lost is published again. JetStream recognises it for two
// minutes; the reader does so later.
func TestRepeatedMessagesAreReadOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, Config{Dir: t.TempDir()})
		must(t, b.Begin(t.Context(), "a", time.Now()))
		w := writer(t, b, "a", "candidate")
		sent := writeFrames(w, 0, 100, frameTime)
		time.Sleep(time.Second)
		last, err := b.audio.GetLastMsgForSubject(t.Context(),
			frame.AudioSubject("a", "candidate"))
		must(t, err)
		time.Sleep(3 * time.Minute)
		_, err = b.js.PublishMsg(t.Context(), &nats.Msg{
			Subject: last.Subject, Header: last.Header, Data: last.Data,
		})
		must(t, err)
		sent = append(sent, writeFrames(w, 100, 200, frameTime)...)
		must(t, b.Finish(t.Context(), "a"))
		equalFrames(t, "all", receiveAll(t, claim(t, b)).frames["candidate"], sent)
	})
}

func TestLogThatCannotBeReadEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		media, _ := s.process(Config{})
		worker, link := s.process(Config{})
		must(t, media.Begin(t.Context(), "a", time.Now()))
		sent := writeFrames(writer(t, media, "a", "candidate"), 0, 1000, frameTime)
		must(t, media.Finish(t.Context(), "a"))
		audio := 0
		link.loseMessages(func(head string) bool {
			if strings.Contains(head, " "+frame.AudioSubject("a", "")) {
				audio++
			}
			return audio > 100 && strings.Contains(head, " audio.")
		})
		got := receiveAll(t, claim(t, worker)).frames["candidate"]
		if len(got) < 400 || len(got) == len(sent) {
			t.Errorf("%d of %d frames", len(got), len(sent))
		}
	})
}
