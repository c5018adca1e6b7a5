package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/signaling/client/rehearsal"
	"bedside/store"
	"bedside/store/postgres"
)

// consulted is what a candidate says to the automatic patient of nursing-insulin-at-home, and what
// the patient must take it for.
type consulted struct{ says, means string }

func insulin() []consulted {
	return []consulted{
		{"Good morning. My name is Anna and I am one of the nurses here.", "introduce"},
		{"How do you feel about going home on insulin?", "ask_feeling"},
		{"Do you know anybody who takes insulin?", "ask_brother"},
	}
}

// watcher calls a function when a consultation's progress contains a text.
type watcher struct {
	mu   sync.Mutex
	seen bytes.Buffer      // guarded by mu
	then map[string]func() // what to do, once each; guarded by mu
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.Write(b)
	for text, do := range w.then {
		if strings.Contains(w.seen.String(), text) {
			delete(w.then, text)
			do()
		}
	}
	return len(b), nil
}

// consult says the lines to the automatic patient, and checks that each was heard, understood and
// answered by voice, once.
func consult(t *testing.T, url string, script []consulted,
	progress *watcher) *rehearsal.ConsultationResult {
	t.Helper()
	path := filepath.Join(t.TempDir(), "say.txt")
	var text strings.Builder
	for _, c := range script {
		text.WriteString(c.says + "\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := rehearseCommand{Say: path, Voice: "female"}.lines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tone, err := roomTone()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r, err := rehearsal.Consultation{
		Scenario: "nursing-insulin-at-home", Lines: lines, Room: tone, Progress: progress,
		Candidate: rehearsal.Demo("candidate", "", "", postgres.DemoPassword),
	}.Run(ctx, &rehearsal.Target{URL: url})
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.seen.String())
	}
	var printed bytes.Buffer
	if err := r.Print(&printed); err != nil {
		t.Error(err)
	}
	t.Logf("the consultation:\n%s", printed.String())
	if len(r.Turns) != len(script) {
		t.Fatalf("%d lines were said", len(r.Turns))
	}
	for i, turn := range r.Turns {
		checkTurn(t, turn, script[i])
	}
	return r
}

// checkTurn checks that a line was heard once and answered once, in words and in sound.
func checkTurn(t *testing.T, turn rehearsal.Turn, want consulted) {
	t.Helper()
	if turn.ResponseS == nil {
		t.Errorf("%q: the candidate heard no answer", turn.Said)
	}
	if turn.CutIn {
		t.Errorf("%q: the patient cut in", turn.Said)
	}
	var heard, answered int
	for _, u := range turn.Heard {
		switch {
		case u.Speaker == store.SpeakerPatient:
			answered++
			if u.Cut {
				t.Errorf("%q: the answer was cut", turn.Said)
			}
		case u.Understood == nil || len(u.Understood.Intents) == 0 ||
			u.Understood.Outcome != "answer" || u.Understood.Intents[0].ID != want.means:
			t.Errorf("%q was heard as %q and taken for %+v", turn.Said, u.Text, u.Understood)
			fallthrough
		default:
			heard++
		}
	}
	if heard != 1 || answered != 1 {
		t.Errorf("%q was heard %d times and answered %d times", turn.Said, heard, answered)
	}
}

// A candidate alone speaks to the automatic patient, who hears, understands and answers by voice.
func TestAutomaticPatientAnswersByVoice(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), nil)
	r := consult(t, p.url, insulin(), &watcher{})
	if want := []string{"hint", "ray"}; !slices.Equal(r.Revealed, want) {
		t.Errorf("revealed %v, want %v", r.Revealed, want)
	}
}

// The worker that plays the patient is killed in mid-dialogue: another one goes on in the same
// state, hears what was said meanwhile, and repeats nothing.
func TestAnotherWorkerGoesOnWithThePatient(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	first := serve(t, t.TempDir(), shared.env(), "--role", "speech")
	listens, done := make(chan struct{}), make(chan struct{})
	go func() { // while the candidate greets the patient
		defer close(done)
		<-listens
		serve(t, t.TempDir(), shared.env(), "--role", "speech")
	}()
	script := insulin()
	var killed time.Time
	r := consult(t, front.url, script, &watcher{then: map[string]func(){
		"the patient is listening": func() { close(listens) },
		script[1].says: func() {
			<-done
			first.kill()
			killed = time.Now()
		},
	}})
	if killed.IsZero() {
		t.Error("the worker was not killed")
	}
	if want := []string{"hint", "ray"}; !slices.Equal(r.Revealed, want) {
		t.Errorf("revealed %v, want %v", r.Revealed, want)
	}
	if n := strings.Count(front.text(), "an actor plays the patient"); n != 2 {
		t.Errorf("%d actors played", n)
	}
	if s := r.Turns[2].ResponseS; s != nil {
		t.Logf("the question asked while nobody listened was answered after %.2f s", *s)
	}
}
