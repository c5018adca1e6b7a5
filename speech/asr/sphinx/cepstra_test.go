//go:build linux

package sphinx_test

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"bedside/speech/asr"
	"bedside/speech/asr/acoustic"
	"bedside/speech/asr/sphinx"
)

func recogniser(t testing.TB) *sphinx.Recogniser {
	t.Helper()
	r, err := sphinx.New(sphinx.Config{})
	if err != nil {
		t.Skip(err)
	}
	return r
}

// packaged returns the packaged acoustic model and dictionary.
func packaged(t testing.TB, r *sphinx.Recogniser) (*acoustic.Model, acoustic.Dictionary) {
	t.Helper()
	folder, path := r.Acoustic()
	m, err := acoustic.Read(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := acoustic.Dictionary{}
	if err := d.ReadDictionary(f); err != nil {
		t.Fatal(err)
	}
	return m, d
}

func cepstra(t testing.TB, r *sphinx.Recogniser, samples []float32) [][acoustic.Size]float64 {
	t.Helper()
	c, err := r.Cepstra(samples)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The mean of a speaker's sentences starts the decoder's own. So both must mean the same.
func TestCepstraAreThoseOfTheDecoder(t *testing.T) {
	r := recogniser(t)
	samples := speak(t, "rms", "how have you been since you came out of hospital last week")
	c := cepstra(t, r, samples)
	if want := len(samples) * 100 / asr.SampleRate; math.Abs(float64(len(c)-want)) > 5 {
		t.Errorf("%d frames of %d samples", len(c), len(samples))
	}
	mean := acoustic.Mean(c)
	s, err := r.Open(t.Context(), asr.Context{Speaker: asr.Speaker{Mean: mean[:]}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	listen(t, s, samples)
	for i, v := range s.(*sphinx.Stream).Mean() {
		if math.Abs(v-mean[i]) > 1 {
			t.Errorf("coefficient %d: %.2f, by the decoder %.2f", i, mean[i], v)
		}
	}
	if c := cepstra(t, r, nil); len(c) != 0 {
		t.Errorf("no audio has %d frames", len(c))
	}
}

func TestKnownTextIsAligned(t *testing.T) {
	r := recogniser(t)
	m, d := packaged(t, r)
	scorer := acoustic.NewScorer(m)
	const text = "could you tell me what worries you most about it"
	features := acoustic.NewFeatures(cepstra(t, r, speak(t, "slt", text)), nil)
	words := strings.Fields(text)
	a, err := scorer.Align(features, words, d)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Senones) != len(features) {
		t.Fatalf("%d frames of %d are aligned", len(a.Senones), len(features))
	}
	next := 0
	for _, p := range a.Phones {
		if p.Word >= next {
			if p.Word != next {
				t.Fatalf("word %d follows word %d", p.Word, next-1)
			}
			next++
		}
	}
	if next != len(words) {
		t.Errorf("%d of %d words are aligned", next, len(words))
	}
	// speak adds half a second of silence.
	quiet := 0
	for i := len(a.Senones) - 1; i >= 0 && m.Definition.Phones[m.Definition.Codebook(
		a.Senones[i])] == acoustic.Silence; i-- {
		quiet++
	}
	if quiet < 40 || quiet > 90 {
		t.Errorf("%d frames of silence at the end", quiet)
	}
	again, err := scorer.Realign(features, a.Phones)
	if err != nil || math.Abs(again.Score-a.Score) > 1e-6 {
		t.Errorf("aligned again: %.3f after %.3f, %v", again.Score, a.Score, err)
	}
	wrong, err := scorer.Align(features, strings.Fields("we went home by the river yesterday"), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f nats a frame, with another text %.1f", a.Score, wrong.Score)
	if wrong.Score > a.Score-2 {
		t.Errorf("another text fits as well: %.1f after %.1f", wrong.Score, a.Score)
	}
	for name, words := range map[string][]string{
		"an unknown word": {"xyzzq"}, "more than there is time for": strings.Fields(
			strings.Repeat(text+" ", 12)),
	} {
		if _, err := scorer.Align(features, words, d); !errors.Is(err, acoustic.ErrAlign) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
