package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"bedside/signaling/client/rehearsal"
)

func TestScriptsAreRead(t *testing.T) {
	got, err := readScript(strings.NewReader("# greeting\n\n Hello, Mrs Ford. \nquestion.WAV\n"))
	want := []string{"Hello, Mrs Ford.", "question.WAV"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if !isAudio("question.WAV") || isAudio("Did you take it?") {
		t.Error("a line to say is taken for a file, or the other way round")
	}
	for name, script := range map[string]string{
		"comments only": "# nothing\n", "too many": strings.Repeat("Hello.\n", maxSaid+1),
	} {
		if _, err := readScript(strings.NewReader(script)); !errors.Is(err, rehearsal.ErrUsage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSayNeedsAScenarioAndNoOtherAudio(t *testing.T) {
	for _, c := range []rehearseCommand{
		{}, {Say: "x.txt"}, {Say: "x.txt", Scenario: "s", Audio: "y.wav"},
		{Say: "x.txt", Scenario: "s", Partner: "y.wav"},
	} {
		if err := c.Run(t.Context(), &invocation{}); !errors.Is(err, rehearsal.ErrUsage) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestLinesAreSpoken(t *testing.T) {
	path := t.TempDir() + "/say.txt"
	script := []byte("How are you feeling today?\n! Wait.\n")
	if err := os.WriteFile(path, script, 0o644); err != nil {
		t.Fatal(err)
	}
	lines, err := rehearseCommand{Say: path, Voice: "female"}.lines(t.Context())
	if err != nil || len(lines) != 2 || len(lines[0].Packets) < 40 {
		t.Fatalf("got %d lines, %v", len(lines), err)
	}
	if lines[0].Interrupts || !lines[1].Interrupts || lines[1].Name != "Wait." {
		t.Errorf("got %q, which interrupts: %v", lines[1].Name, lines[1].Interrupts)
	}
	loud := 0
	for _, p := range lines[0].Packets {
		if p.Level < 50 {
			loud++
		}
	}
	if loud < 30 {
		t.Errorf("%d of %d packets are audible", loud, len(lines[0].Packets))
	}
}
