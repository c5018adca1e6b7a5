//go:build linux

package sphinx_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bedside/speech/asr"
	"bedside/speech/asr/adapt"
	"bedside/speech/asr/asrtest"
	"bedside/speech/asr/sphinx"
)

func TestEveryModelHears(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := recogniser(t)
	if err := r.Adapted(); err != nil {
		t.Fatal(err)
	}
	const sentence = "could you tell me what worries you about it"
	samples := speak(t, "slt", sentence)
	for _, model := range []string{asr.Packaged, asr.Average, asr.Adapted, "unheard of"} {
		s, err := r.Open(t.Context(), asr.Context{
			Texts: []string{sentence}, Speaker: asr.Speaker{Model: model},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := text(listen(t, s, samples)); asrtest.WordErrors(strings.Fields(got),
			strings.Fields(sentence)) > 2 {
			t.Errorf("%s: heard %q", model, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "bedside-sphinx-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files were left: %v, %v", left, err)
	}
}

func TestFitStartsTheMeanAndRefusesOtherWords(t *testing.T) {
	r := recogniser(t)
	const first, second = "could you tell me what worries you about it",
		"how have you been since you came out of hospital"
	spoken := speak(t, "slt", first)
	fit, err := r.Fit(t.Context(), []sphinx.Reading{
		{Text: first, Samples: spoken}, {Text: second, Samples: speak(t, "slt", second)},
	})
	if err != nil || len(fit.Speaker.Mean) != 13 || fit.Frames < 300 {
		t.Fatalf("%+v, %v", fit, err)
	}
	if fit.Speaker.Model == asr.Adapted {
		t.Errorf("an American voice is taken for a learner: %+v", fit)
	}
	for name, samples := range map[string][]float32{
		"another sentence": speak(t, "slt", "the boat was full and nobody saw the old harbour"),
		"silence":          make([]float32, 3*asr.SampleRate),
		"nothing":          nil,
	} {
		_, err := r.Fit(t.Context(), []sphinx.Reading{
			{Text: first, Samples: spoken}, {Text: second, Samples: samples},
		})
		var wrong *sphinx.ReadingError
		if !errors.As(err, &wrong) || wrong.Index != 1 || !errors.Is(err, sphinx.ErrReading) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Fit(t.Context(), nil); !errors.Is(err, sphinx.ErrReading) {
		t.Errorf("no readings: %v", err)
	}
}

// A model of an operator's own is used in place of the one that comes with the program. One that
// cannot be used leaves the packaged model.
func TestOwnAdaptedModel(t *testing.T) {
	m, _ := packaged(t, recogniser(t))
	data, err := adapt.Encode(m, m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "own.model")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := sphinx.New(sphinx.Config{Adapted: path})
	if err != nil {
		t.Fatal(err)
	}
	const sentence = "could you tell me what worries you about it"
	fit, err := r.Fit(t.Context(), []sphinx.Reading{
		{Text: sentence, Samples: speak(t, "slt", sentence)},
	})
	if err != nil || fit.Gain != 0 || fit.Speaker.Model != asr.Average {
		t.Errorf("with a model that is the packaged one: %+v, %v", fit, err)
	}
	if err := os.WriteFile(path, data[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err = sphinx.New(sphinx.Config{Adapted: path}); err != nil {
		t.Fatal(err)
	}
	if r.Adapted() == nil {
		t.Error("a damaged model is not reported")
	}
	s, err := r.Open(t.Context(), asr.Context{Speaker: asr.Speaker{Model: asr.Adapted}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
