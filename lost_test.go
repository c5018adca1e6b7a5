package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stream returns a stream of the shared NATS server.
func (s *services) stream(name string) jetstream.Stream {
	s.t.Helper()
	conn, err := nats.Connect(s.nats.ClientURL())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	stream, err := js.Stream(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return stream
}

// Three plays end while no worker runs. Then one loses its job, one its audio, and one both. No
// attempt stays in analysis: the first has its report, the others say what was lost.
func TestLostJobsAndAudio(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	jobs, audio := shared.stream("JOBS"), shared.stream("AUDIO")
	said := spoken(t, "en-gb", 3*time.Second)
	var plays []*play
	for range 3 {
		p := begin(t, front.url)
		p.speak(p.speaker, said)
		if err := p.speaker.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		plays = append(plays, p)
		eventually(t, 30*time.Second, "the end of the log", func() bool {
			_, err := audio.GetLastMsgForSubject(t.Context(), "audio."+p.attempt.ID+".end")
			return err == nil
		})
	}
	purge := func(s jetstream.Stream, subject string) {
		t.Helper()
		if err := s.Purge(t.Context(), jetstream.WithPurgeSubject(subject)); err != nil {
			t.Fatal(err)
		}
	}
	purge(jobs, "jobs."+plays[0].attempt.ID)
	purge(audio, "audio."+plays[1].attempt.ID+".>")
	purge(jobs, "jobs."+plays[2].attempt.ID)
	purge(audio, "audio."+plays[2].attempt.ID+".>")
	serve(t, t.TempDir(), append(shared.env(), "BEDSIDE_SPEECH_IDLE_END=3s"), "--role", "speech")
	r := plays[0].report(plays[0].candidate, time.Minute)
	if f := r.Speakers[0].Frames; uint64(f.Analysed) != plays[0].speaker.Stats().Sent.Packets {
		t.Errorf("without its job the attempt was analysed to %+v", f)
	}
	for i, p := range plays[1:] {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		_, err := p.candidate.WaitReport(ctx, p.attempt.ID, nil)
		cancel()
		if err == nil || errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), "lost in the server's storage") {
			t.Errorf("play %d has lost its audio: %v", i+2, err)
		}
	}
}
