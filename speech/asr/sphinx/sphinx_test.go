//go:build linux

package sphinx_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bedside/speech/asr"
	"bedside/speech/asr/asrtest"
	"bedside/speech/asr/sphinx"
)

// speak returns a text as spoken by a voice of flite, as samples at asr.SampleRate.
func speak(t testing.TB, voice, text string) []float32 {
	t.Helper()
	if _, err := exec.LookPath("flite"); err != nil {
		t.Skip("flite is not installed")
	}
	wav := filepath.Join(t.TempDir(), "line.wav")
	if out, err := exec.Command("flite", "-voice", voice, "-t", text, "-o", wav).
		CombinedOutput(); err != nil {
		t.Fatalf("flite: %v: %s", err, out)
	}
	data, err := os.ReadFile(wav)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, (len(data)-44)/2) // flite writes 16 kHz mono
	if err := binary.Read(bytes.NewReader(data[44:]), binary.LittleEndian, pcm); err != nil {
		t.Fatal(err)
	}
	samples := make([]float32, len(pcm), len(pcm)+asr.SampleRate/2)
	for i, v := range pcm {
		samples[i] = float32(v) / 32768
	}
	return samples[:cap(samples)]
}

func open(t testing.TB, c asr.Context) asr.Stream {
	t.Helper()
	r, err := sphinx.New(sphinx.Config{})
	if err != nil {
		t.Skip(err)
	}
	return asrtest.Open(t, r, c)
}

// listen writes samples in frames of 20 ms and ends the utterance.
func listen(t testing.TB, s asr.Stream, samples []float32) asr.Result {
	t.Helper()
	for frame := range slices.Chunk(samples, asr.SampleRate/50) {
		if err := s.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	result, err := s.End()
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func text(r asr.Result) string {
	var words []string
	for _, w := range r.Words {
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}

func TestStreamHearsUtterancesInTurn(t *testing.T) {
	sentences := []string{
		"how do you feel about starting insulin", "could you tell me what worries you",
		"have you been taking your metformin", "is there anybody at home in the evening",
	}
	s := open(t, asr.Context{
		Texts: sentences, Say: map[string]string{"metformin": "M EH T F AO R M AH N"},
	})
	began, words, wrong := 0.0, 0, 0
	for _, sentence := range sentences {
		samples := speak(t, "slt", sentence)
		result := listen(t, s, samples)
		t.Logf("heard %q", text(result))
		words += len(strings.Fields(sentence))
		wrong += asrtest.WordErrors(strings.Fields(text(result)), strings.Fields(sentence))
		if len(result.Best) == 0 || strings.Join(result.Best[0], " ") != text(result) {
			t.Errorf("best: %q", result.Best)
		}
		last := began
		for _, w := range result.Words {
			if w.From < last-1e-9 || w.To <= w.From || w.Confidence <= 0 || w.Confidence > 1 {
				t.Errorf("word %+v after %.2f s", w, last)
			}
			last = w.To
		}
		began += float64(len(samples)) / asr.SampleRate
		if last > began {
			t.Errorf("the last word ends at %.2f s, the audio at %.2f s", last, began)
		}
	}
	if wrong > words/5 {
		t.Errorf("%d of %d words are wrong", wrong, words)
	}
}

func TestPartialWordsGrow(t *testing.T) {
	const sentence = "could you tell me what worries you most about it"
	s := open(t, asr.Context{Texts: []string{sentence}})
	longest, changes := 0, 0
	for frame := range slices.Chunk(speak(t, "rms", sentence), asr.SampleRate/50) {
		if err := s.Write(frame); err != nil {
			t.Fatal(err)
		}
		if n := len(s.Partial().Words); n > longest {
			longest, changes = n, changes+1
		}
	}
	if longest < 8 || changes < 4 {
		t.Errorf("%d words at the end, after %d changes", longest, changes)
	}
	if _, err := s.End(); err != nil {
		t.Fatal(err)
	}
	if words := s.Partial().Words; len(words) != 0 {
		t.Errorf("an utterance that has not begun has the words %v", words)
	}
}

func TestSilenceHasNoWords(t *testing.T) {
	s := open(t, asr.Context{})
	for range 2 {
		if result := listen(t, s, make([]float32, asr.SampleRate)); len(result.Words) > 0 {
			t.Errorf("silence is heard as %q", text(result))
		}
		if result, err := s.End(); err != nil || len(result.Words) > 0 {
			t.Errorf("an utterance without audio is %+v, %v", result, err)
		}
	}
}

func TestUnknownWords(t *testing.T) {
	r, err := sphinx.New(sphinx.Config{})
	if err != nil {
		t.Skip(err)
	}
	got, err := r.Unknown([]string{"Take the metformin with the salbutamol, Mr Xyzzq’s"},
		map[string]string{"metformin": "M EH T F AO R M AH N"})
	if err != nil || !slices.Equal(got, []string{"salbutamol", "xyzzq's"}) {
		t.Errorf("unknown: %q, %v", got, err)
	}
}

func TestModelThatIsNotThere(t *testing.T) {
	if _, err := sphinx.New(sphinx.Config{Model: t.TempDir()}); err == nil ||
		!strings.Contains(err.Error(), "pocketsphinx-en-us") {
		t.Errorf("got %v", err)
	}
}
