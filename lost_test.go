package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"

	"github.com/jackc/pgx/v5"
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

// The blob store refuses the recording. The report comes at once and says that its recording
// follows; after a restart of the worker and once the blob store accepts files, it does, and then
// the log lets go of the audio.
func TestRecordingFollowsItsReport(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	// The folder of the recordings cannot be made while a file has its name.
	obstacle := filepath.Join(shared.dir, "blob", "attempts")
	if err := errors.Join(os.MkdirAll(filepath.Dir(obstacle), 0o700),
		os.WriteFile(obstacle, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	worker := serve(t, t.TempDir(), shared.env(), "--role", "speech")
	p := begin(t, front.url)
	p.speak(p.speaker, spoken(t, "en-gb", 3*time.Second))
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := p.report(p.candidate, time.Minute)
	if !r.Pending() {
		t.Errorf("the recording is %+v", r.Speakers[0].Recording)
	}
	_, err := p.candidate.Audio(t.Context(), p.attempt.ID, "candidate", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "The recording is not stored yet") {
		t.Errorf("the recording's endpoint: %v", err)
	}
	left := func() bool {
		t.Helper()
		_, err := shared.stream("AUDIO").GetLastMsgForSubject(t.Context(),
			"audio."+p.attempt.ID+".>")
		return err == nil
	}
	if !left() {
		t.Error("the log does not keep the audio")
	}
	worker.Process.Signal(os.Interrupt)
	worker.wait(30 * time.Second)
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	serve(t, t.TempDir(), shared.env(), "--role", "speech")
	eventually(t, time.Minute, "the recording", func() bool {
		r = p.report(p.candidate, time.Minute)
		return !r.Pending()
	})
	checkClean(t, p.candidate,
		rehearsal.Result{Participants: map[string]client.Stats{"candidate": p.speaker.Stats()}}, r)
	eventually(t, time.Minute, "the log to let go of the audio", func() bool { return !left() })
}

// Audio that arrives after its attempt was reported, and audio of an attempt that does not exist,
// leave the log.
func TestVoiceLeavesTheLog(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	serve(t, t.TempDir(), shared.env(), "--role", "speech")
	p := begin(t, front.url)
	p.speak(p.speaker, spoken(t, "en-gb", 2*time.Second))
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.report(p.candidate, time.Minute)
	inLog := func() map[string]uint64 {
		t.Helper()
		info, err := shared.stream("AUDIO").Info(t.Context(),
			jetstream.WithSubjectFilter("audio.>"))
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Subjects
	}
	eventually(t, 30*time.Second, "the worker to remove the audio", func() bool {
		return len(inLog()) == 0
	})
	conn, err := nats.Connect(shared.nats.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{p.attempt.ID, "01a20fbf-0d56-7bfd-bc0e-e0b22536f4b5"} {
		subject := "audio." + id + ".candidate"
		if _, err := js.Publish(t.Context(), subject, []byte("late")); err != nil {
			t.Fatal(err)
		}
	}
	// An attempt's own worker has a minute, after which the sweep removes what is left.
	database, err := pgx.Connect(t.Context(), shared.cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close(t.Context())
	if _, err := database.Exec(t.Context(), `UPDATE attempts SET
		created_at = now() - interval '1 h', started_at = now() - interval '1 h',
		ended_at = now() - interval '1 h', progress_at = now() - interval '1 h'`); err != nil {
		t.Fatal(err)
	}
	front.Process.Signal(os.Interrupt) // the sweep runs when a process starts
	front.wait(30 * time.Second)
	serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	eventually(t, time.Minute, "the sweep", func() bool { return len(inLog()) == 0 })
}
