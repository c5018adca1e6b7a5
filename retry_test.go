package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// exec runs a statement on the shared database.
func (s *services) exec(sql string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.cluster.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(s.t.Context()))
	if _, err := conn.Exec(s.t.Context(), sql); err != nil {
		s.t.Fatal(err)
	}
}

// retried runs `bedside retry` and checks its exit code and a part of what it prints.
func retried(t *testing.T, env []string, code int, want string, args ...string) {
	t.Helper()
	r := start(t, env, append([]string{"retry"}, args...)...)
	if got := r.wait(3 * time.Minute); got != code || !strings.Contains(r.text(), want) {
		t.Errorf("retry %v: exit code %d, want %d; it printed %s, want %q", args, got, code,
			tail(r.text(), 1000), want)
	}
}

// The analysis has failed too often. `bedside retry` runs it again: from the log and then, when
// the log is gone, from the recordings. Without either it says so.
func TestRetry(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	p := begin(t, front.url)
	id := p.attempt.ID
	p.speak(p.speaker, spoken(t, "en-gb", 3*time.Second))
	retried(t, shared.env(), exitFailed, "nothing to try again", id)
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	shared.exec(`UPDATE attempts SET tries = 5`) // as if five workers had crashed
	serve(t, t.TempDir(), append(shared.env(), "BEDSIDE_SPEECH_IDLE_END=3s"), "--role", "speech")
	failed := func(problem string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		_, err := p.candidate.WaitReport(ctx, id, nil)
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Fatalf("the report: %v, want %q", err, problem)
		}
	}
	failed("failed several times")
	retried(t, shared.env(), exitDone, "is reported", id)
	fromLog := p.report(p.candidate, time.Minute)
	checkClean(t, p.candidate, rehearsal.Result{
		Participants: map[string]client.Stats{"candidate": p.speaker.Stats()},
	}, fromLog)
	retried(t, shared.env(), exitFailed, "nothing to try again", id)

	shared.exec(`DELETE FROM reports`)
	shared.exec(`UPDATE attempts SET state = 'failed', problem = 'It crashed.'`)
	retried(t, shared.env(), exitDone, "is reported", id)
	fromRecording := p.report(p.candidate, time.Minute)
	sameMeasures(t, "the recording", fromRecording.Speakers[0].Analysis.Measures,
		fromLog.Speakers[0].Analysis.Measures, 0)

	shared.exec(`DELETE FROM reports`)
	shared.exec(`UPDATE attempts SET state = 'failed', problem = 'It crashed.'`)
	if err := os.RemoveAll(filepath.Join(shared.dir, "blob", "attempts", id)); err != nil {
		t.Fatal(err)
	}
	retried(t, shared.env(), exitFailed, store.ProblemAudioLost, id)
}

// The command reaches the private cluster of a server that runs.
func TestRetryBesideAServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	const nobody = "0190d2a0-0000-7000-8000-00000000ffff"
	serve(t, data, nil)
	retried(t, nil, exitFailed, "there is no attempt", nobody, "--data", data)
	retried(t, nil, exitUsage, "no id of an attempt", "nonsense", "--data", data)
	alone := t.TempDir() // no server runs
	retried(t, nil, exitFailed, "there is no attempt", nobody, "--data", alone)
}
