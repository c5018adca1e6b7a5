package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bedside/speech/asr/sphinx"
)

// sayFile makes a WAV file of a text as spoken by a voice of flite.
func sayFile(t *testing.T, voice, text string) string {
	t.Helper()
	if _, err := exec.LookPath("flite"); err != nil {
		t.Skip("flite is not installed")
	}
	file := filepath.Join(t.TempDir(), "line.wav")
	if out, err := exec.Command("flite", "-voice", voice, "-t", text, "-o", file).
		CombinedOutput(); err != nil {
		t.Fatalf("flite: %v: %s", err, out)
	}
	return file
}

func TestTrainRecogniser(t *testing.T) {
	folder := t.TempDir()
	table := filepath.Join(folder, "table.tsv")
	rows := []string{"audio\tspeaker\ttext\tremark"}
	for voice, speaker := range map[string]string{"slt": "1", "rms": "2", "awb": "5"} {
		texts := []string{"How do you feel today?", "Where is the pain now?"}
		if speaker == "5" { // is held out, and so are the texts
			texts = []string{"Please sit down here.", "Is it better?"}
		}
		for _, text := range texts {
			rows = append(rows, sayFile(t, voice, text)+"\t"+speaker+"\t"+text+"\tnone")
		}
	}
	rows = append(rows, "missing.wav\t1\tHello there.\tnone",
		sayFile(t, "slt", "Good morning.")+"\t1\tXyzzq.\tnone")
	if err := os.WriteFile(table, []byte(strings.Join(rows, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(folder, "own.model")
	var out, problems bytes.Buffer
	code := runCommand(t.Context(), []string{"train", "recogniser", table, "--out", model},
		&invocation{out: &out, err: &problems})
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, problems.String())
	}
	for _, want := range []string{
		"aligned 8 of 8", "iteration 3 of 3", "speakers who were held out: ",
		"left out: " + filepath.Join(folder, "missing.wav"), "the text cannot be aligned",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q: %s", want, out.String())
		}
	}
	r, err := sphinx.New(sphinx.Config{Adapted: model})
	if err == nil {
		err = r.Adapted()
	}
	if err != nil {
		t.Errorf("the model cannot be used: %v", err)
	}
}

func TestTrainRecogniserUsage(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, exitDone, "Every fifth speaker is held out"},
		{[]string{"x.tsv"}, exitUsage, "--out"},
		{[]string{"x.tsv", "--out", "x"}, exitFailed, "x.tsv"},
		{[]string{write("a", ""), "--out", "x"}, exitFailed, "must name the columns"},
		{[]string{write("b", "audio\ttext\n"), "--out", "x"}, exitFailed, `no column "speaker"`},
		{
			[]string{write("c", "audio\tspeaker\ttext\n"), "--out", "x"}, exitFailed,
			"no recordings",
		},
		{
			[]string{write("d", "audio\tspeaker\ttext\nno.wav\t1\thello\n"), "--out", "x"},
			exitFailed, "no recording fits its text",
		},
		{[]string{"x.tsv", "--out", "x", "--workers", "0"}, exitFailed, "--workers"},
	} {
		var out bytes.Buffer
		code := runCommand(t.Context(), append([]string{"train", "recogniser"}, c.args...),
			&invocation{out: &out, err: &out})
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: exit %d: %s", c.args, code, out.String())
		}
	}
}
