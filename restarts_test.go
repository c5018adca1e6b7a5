package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/speech"
	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The worker's process is stopped and started twenty times while the candidate speaks. A copy of
// the log, analysed in one go, gives the same report.
func TestReportSurvivesTwentyRestartsOfTheWorker(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	copied := copyLog(t, shared)
	p := begin(t, front.url)
	said := spoken(t, "en-gb", 20*time.Second)
	spoke := make(chan error, 1)
	go func() { spoke <- rehearsal.Speak(t.Context(), p.speaker, openAudio, said) }()
	for range 20 {
		worker := serve(t, t.TempDir(), shared.env(), "--role", "speech", "--log-level", "debug")
		worker.waitFor("analysis begins", 30*time.Second)
		worker.Process.Signal(os.Interrupt)
		if code := worker.wait(30 * time.Second); code != exitDone {
			t.Fatalf("exit code %d", code)
		}
	}
	if err := <-spoke; err != nil {
		t.Fatal(err)
	}
	serve(t, t.TempDir(), shared.env(), "--role", "speech")
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := p.report(p.candidate, time.Minute)
	checkClean(t, p.candidate, rehearsal.Result{
		Participants: map[string]client.Stats{"candidate": p.speaker.Stats()},
	}, got)
	want := analyseCopy(t, copied, p.attempt.ID, got.StartedAt)
	got.CreatedAt, want.SchemaVersion = want.CreatedAt, store.ReportVersion
	for i := range want.Speakers {
		want.Speakers[i].Recording.Key = "" // not in JSON
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("without a restart the report differs:\n%s", tail(diff, 3000))
	}
	t.Logf("20 restarts, frames %+v", got.Speakers[0].Frames)
}

// copyLog makes the server of NATS copy the log. It returns the connection to the copy.
func copyLog(t *testing.T, s *services) jetstream.Stream {
	t.Helper()
	conn, err := nats.Connect(s.nats.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "COPY", Storage: jetstream.FileStorage,
		Sources: []*jetstream.StreamSource{{Name: "AUDIO"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// analyseCopy analyses the copy of an attempt's log, and returns the report.
func analyseCopy(t *testing.T, copied jetstream.Stream, attemptID string,
	startedAt time.Time) store.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	end, err := copied.GetLastMsgForSubject(ctx, frame.EndSubject(attemptID))
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := copied.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"audio." + attemptID + ".>"}, // not the probes of health checks
	})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	log := &copiedLog{
		job: frame.Job{AttemptID: attemptID, StartedAt: startedAt}, messages: messages,
		end: end.Sequence,
	}
	kept := keptReport{make(chan store.Report, 1)}
	w, err := speech.NewWorker(speech.Config{Attempts: 1, SpoolDir: t.TempDir()}, log, kept, kept,
		kept, kept, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	var r store.Report
	select {
	case r = <-kept.saved:
	case <-ctx.Done():
		t.Error(ctx.Err())
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	return r
}

// copiedLog is a source of one attempt and its claim.
type copiedLog struct {
	job      frame.Job
	messages jetstream.MessagesContext
	end      uint64 // the sequence of the end marker
	claimed  bool
}

func (l *copiedLog) Claim(ctx context.Context) (speech.Claim, error) {
	if l.claimed {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	l.claimed = true
	return l, nil
}

func (l *copiedLog) Next(context.Context) (frame.Delivery, error) {
	for {
		m, err := l.messages.Next()
		if err != nil {
			return frame.Delivery{}, err
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream == l.end {
			return frame.Delivery{End: true}, err
		}
		switch kind, speaker, err := frame.ParseAudioSubject(m.Subject()); {
		case err != nil:
			return frame.Delivery{}, err
		case kind == frame.KindAudio:
			batch, err := frame.ParseBatch(m.Data())
			return frame.Delivery{Speaker: speaker, Batch: batch}, err
		case len(m.Data()) > 0:
			events, err := event.Parse(m.Data())
			return frame.Delivery{Events: events}, err
		}
	}
}

func (l *copiedLog) Job() frame.Job              { return l.job }
func (l *copiedLog) Tries() int                  { return 1 }
func (l *copiedLog) Done(context.Context) error  { return nil }
func (l *copiedLog) Release(time.Duration) error { return nil }
func (l *copiedLog) GiveUp() error               { return nil }

// keptReport takes the one report of a worker.
type keptReport struct{ saved chan store.Report }

func (keptReport) Ping(context.Context) error                               { return nil }
func (keptReport) ContinueAnalysis(context.Context, string, int) error      { return nil }
func (keptReport) ReleaseAnalysis(context.Context, string) error            { return nil }
func (keptReport) FailAttempt(context.Context, string, string) error        { return nil }
func (keptReport) PublishReportReady(context.Context, string, string) error { return nil }
func (keptReport) Delete(context.Context, string) error                     { return nil }

func (keptReport) BeginAnalysis(context.Context, string) (store.Try, error) {
	return store.Try{Number: 1}, nil
}

func (keptReport) ChangeRecordings(context.Context, string,
	func(store.Speaker, *store.Recording)) error {
	return nil
}

func (keptReport) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, store.ErrNotFound
}

func (keptReport) Put(_ context.Context, _ string, r io.Reader, _ string) (int64, error) {
	return io.Copy(io.Discard, r)
}

func (k keptReport) SaveReport(_ context.Context, r store.Report) error {
	k.saved <- r
	return nil
}
