package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScenarioLint(t *testing.T) {
	const good = "store/scenario/testdata/complete.yaml"
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	wrong := strings.Replace(string(text), "\ntitle:", "\ntitel:", 1)
	if err := os.WriteFile(bad, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	spelled := strings.Replace(string(text), "not keen", "not keen on the color", 1)
	twins := filepath.Join(t.TempDir(), "twins.yaml")
	if err := os.WriteFile(twins, confused(t, text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		in   string
		code int
		want string
	}{
		{[]string{good}, "", exitDone, ""},
		{[]string{"-"}, spelled, exitDone, "-:29:7: warning: “color”"},
		{[]string{"--strict", "-"}, spelled, exitFailed, "write colour [spelling]"},
		{[]string{good, bad}, "", exitFailed,
			bad + ":3:1: error: titel is not a key of this format; did you mean title?"},
		{[]string{"--intents", twins}, "", exitDone, "are taken for ask_worry"},
		{[]string{"--intents", twins}, "", exitDone, "no dictionary has "},
		{[]string{"nothing.yaml"}, "", exitFailed, "nothing.yaml: no such file"},
		{nil, "", exitUsage, "expected \"<file> ...\""},
		{[]string{"--help"}, "", exitDone, "Exit code: 0 when there are no errors"},
	} {
		var out bytes.Buffer
		code := runCommand(t.Context(), append([]string{"scenario", "lint"}, c.args...),
			&invocation{in: strings.NewReader(c.in), out: &out, err: &out})
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: exit %d, %s", c.args, code, out.String())
		}
	}
	var out bytes.Buffer
	runCommand(t.Context(), []string{"scenario", "lint", "--json", bad},
		&invocation{out: &out, err: &bytes.Buffer{}})
	var found []fileFinding
	if err := json.Unmarshal(out.Bytes(), &found); err != nil || len(found) != 2 ||
		found[1].File != bad || found[1].Line != 3 || found[1].Path != "titel" {
		t.Errorf("%+v, %v: %s", found, err, out.String())
	}
}

// TestShippedScenariosHaveNoErrors is what `make lint` checks too.
func TestShippedScenariosHaveNoErrors(t *testing.T) {
	files, err := filepath.Glob("store/scenario/content/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var out bytes.Buffer
	if code := runCommand(t.Context(), append([]string{"scenario", "lint"}, files...),
		&invocation{out: &out, err: &out}); code != exitDone {
		t.Errorf("exit %d\n%s", code, out.String())
	}
}

// confused returns a scenario with two intents that mean the same.
func confused(t *testing.T, text []byte) []byte {
	t.Helper()
	before, _, ok := bytes.Cut(text, []byte("\ndialogue:"))
	if !ok {
		t.Fatal("the scenario has no dialogue")
	}
	return append(before, `
dialogue:
  patient: {name: Sam Okoro, relation: self}
  intents:
    - id: ask_worry
      act: open_question
      examples: [what worries you about the metformin, what do you worry about, what worries you,
        is there something that worries you, do you worry about it, tell me what worries you,
        are you worried about it, what is your worry]
    - id: ask_fear
      act: open_question
      examples: [what worries you most about the metformin, what do you worry about most,
        what worries you most, is there anything that worries you, do you worry about it much,
        tell me what worries you most, are you worried about it now, what is your biggest worry]
    - {id: tell_how, act: explain, examples: [you give it in the evening, use the pen]}
  facts:
    - {id: needle_fear, layer: 1, on: [ask_worry], say: It's the needles.}
    - {id: mother, layer: 1, on: [ask_fear], say: My mother went blind.}
  repair: ["Sorry, I didn't catch that.", "Say that again?"]
`...)
}
