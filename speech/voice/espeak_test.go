package voice

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bedside/speech/patient"
)

func TestEspeakSpeaksOtherLanguages(t *testing.T) {
	e, err := newEspeak()
	if err != nil {
		t.Skip(err)
	}
	for _, language := range []string{"en", "pl", "pt-br", "zh"} {
		if !e.speaks(language) {
			t.Errorf("%s is not spoken", language)
		}
	}
	for _, language := range []string{"", "xx", "../../etc/passwd", "pl+f3", "--path=/tmp"} {
		if e.speaks(language) {
			t.Errorf("%q is spoken", language)
		}
	}
	raw, err := e.render(t.Context(), "--version; $(id) <speak/> Dzień dobry, jak się pani czuje?",
		style{sex: "female", language: "pl"})
	if err != nil {
		t.Fatal(err)
	}
	if s := float64(len(raw.samples)) / float64(raw.rate); s < 2 || s > 15 {
		t.Errorf("the line lasts %.1f s", s)
	}
}

func TestVoiceByLanguage(t *testing.T) {
	english := &tone{called: "english", level: 0.1}
	e, err := newEspeak()
	if err != nil {
		t.Skip(err)
	}
	v := open(t, nil, english, e)
	for language, engine := range map[string]string{"": "english", "PL": "espeak-ng"} {
		c, err := v.Line(t.Context(), patient.Line{Text: "To nic."},
			patient.Voice{Language: language})
		if err != nil || c.Engine != engine {
			t.Errorf("%q is spoken by %q, %v", language, c.Engine, err)
		}
	}
	if _, err := v.Line(t.Context(), patient.Line{Text: "To nic."},
		patient.Voice{Language: "xx"}); !errors.Is(err, ErrUnspoken) {
		t.Errorf("got %v", err)
	}
}

// stuck returns an engine whose program starts another one and goes on for ever. What it returns
// as well can be read to its end when the other one has ended.
func stuck(t *testing.T, script string) (*espeak, func() *os.File) {
	t.Helper()
	dir := t.TempDir()
	program, fifo := filepath.Join(dir, "espeak-ng"), filepath.Join(dir, "child")
	script = "#!/bin/sh\nPATH=/usr/bin:/bin\n" +
		"(echo started; exec sleep 1000) >" + fifo + " &\n" + script
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	return &espeak{path: program, slot: make(chan struct{}, 1)}, func() *os.File {
		f, err := os.Open(fifo)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, err := f.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		return f
	}
}

func TestEspeakIsKilledWithWhatItStarted(t *testing.T) {
	e, started := stuck(t, "wait\n")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := e.render(ctx, "text", style{language: "en"})
		done <- err
	}()
	child := started()
	stop := errors.New("stop")
	cancel(stop)
	if err := <-done; !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if _, err := io.ReadAll(child); err != nil { // ends with the other program
		t.Error(err)
	}
}

func TestEspeaksOutputIsBounded(t *testing.T) {
	e, started := stuck(t, "exec cat /dev/zero\n")
	done := make(chan error, 1)
	go func() {
		_, err := e.render(t.Context(), "text", style{language: "en"})
		done <- err
	}()
	child := started()
	if err := <-done; !errors.Is(err, errLong) {
		t.Errorf("got %v", err)
	}
	if _, err := io.ReadAll(child); err != nil {
		t.Error(err)
	}
}
