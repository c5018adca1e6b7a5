package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bedside/speech/patient"
)

// TestConverse talks to a shipped patient by typing: what is hidden is told when it is earned.
func TestConverse(t *testing.T) {
	var out, problems bytes.Buffer
	code := runCommand(t.Context(),
		[]string{"converse", "--json", "--scenario", "nursing-insulin-at-home"},
		&invocation{out: &out, err: &problems, in: strings.NewReader(strings.Join([]string{
			"Good morning, Mr Hale.", "Tell me what happened to your brother.",
			"How do you feel about going home on insulin?", "What do you mean, where does it go?",
			"", "Have you been taking your tablets, and who is at home with you?",
		}, "\n"))})
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, problems.String())
	}
	var reveals, against []string
	last := 0.0
	for line := range strings.Lines(out.String()) {
		var turn typedTurn
		if err := json.Unmarshal([]byte(line), &turn); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if turn.At <= last || turn.Said != "" && turn.Outcome != patient.Answer {
			t.Errorf("after %v s: %s", last, line)
		}
		last = turn.At
		reveals, against = append(reveals, turn.Reveals...), append(against, turn.Against...)
	}
	if !slices.Equal(reveals, []string{"hint", "ray", "karen"}) ||
		!slices.Equal(against, []string{"D3"}) {
		t.Errorf("revealed %v, against %v: %s", reveals, against, out.String())
	}
}

func TestConverseUsage(t *testing.T) {
	text, err := os.ReadFile("store/scenario/testdata/complete.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), "\ndialogue:")
	mute := filepath.Join(t.TempDir(), "mute.yaml")
	before = regexp.MustCompile(`, covered_by: \[.*\]`).ReplaceAllString(before, "")
	if err := os.WriteFile(mute, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"converse"}, exitUsage, "--scenario"},
		{[]string{"converse", "--scenario", "nothing"}, exitFailed, "neither a shipped scenario"},
		{[]string{"converse", "--scenario", mute}, exitFailed, "no dialogue"},
		{[]string{"converse", "--help"}, exitDone, "silence of five seconds"},
		{[]string{"hear", "--scenario", "nursing-insulin-at-home", "nothing.wav"}, exitFailed,
			"nothing.wav"},
	} {
		var out bytes.Buffer
		if code := runCommand(t.Context(), c.args, &invocation{
			in: strings.NewReader(""), out: &out, err: &out,
		}); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: exit %d, %s", c.args, code, out.String())
		}
	}
}

// TestHear speaks questions with a voice that was not used for tuning.
func TestHear(t *testing.T) {
	if _, err := exec.LookPath("flite"); err != nil {
		t.Skip("flite is not installed")
	}
	args := []string{"hear", "--json", "--scenario", "nursing-insulin-at-home"}
	for name, text := range map[string]string{
		"worry": "What worries you most about the injections?",
		"told":  "What have they told you about the insulin?",
		"home":  "Who is at home with you in the evening?",
	} {
		file := filepath.Join(t.TempDir(), name+".wav")
		if out, err := exec.Command("flite", "-voice", "rms", "-t", text, "-o", file).
			CombinedOutput(); err != nil {
			t.Fatalf("flite: %v: %s", err, out)
		}
		args = append(args, file)
	}
	var out, problems bytes.Buffer
	if code := runCommand(t.Context(), args, &invocation{out: &out, err: &problems}); code != 0 {
		t.Fatalf("exit %d: %s", code, problems.String())
	}
	want := map[string]string{"worry": "ask_feeling", "told": "ask_told", "home": "ask_home"}
	right := 0
	for line := range strings.Lines(out.String()) {
		var h heardFile
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		t.Logf("%s: %s, %s %v", filepath.Base(h.File), spell(h.Words), h.Outcome, h.Intents)
		name := strings.TrimSuffix(filepath.Base(h.File), ".wav")
		if h.Outcome == patient.Answer && h.Intents[0] == want[name] {
			right++
		}
	}
	if right < 2 {
		t.Errorf("%d of 3 were understood: %s", right, out.String())
	}
}
