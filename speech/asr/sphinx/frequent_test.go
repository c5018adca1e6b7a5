//go:build linux

package sphinx

import (
	"testing"

	"bedside/speech/asr"
)

func TestLearnersAreHeardWithFewerWords(t *testing.T) {
	r := &Recogniser{frequent: make([]string, 5500)}
	for model, want := range map[string]int{
		asr.Packaged: 5500, asr.Average: 5500, "": 5500, asr.Adapted: learnersVocabulary,
	} {
		if got := len(r.frequentFor(asr.Speaker{Model: model})); got != want {
			t.Errorf("%q: %d frequent words, want %d", model, got, want)
		}
	}
	r.frequent = r.frequent[:10]
	if got := len(r.frequentFor(asr.Speaker{Model: asr.Adapted})); got != 10 {
		t.Errorf("of 10 words: %d", got)
	}
}
