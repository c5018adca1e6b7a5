package actor

import (
	"math"
	"strings"
	"testing"

	"bedside/speech/asr"
	"bedside/speech/patient"
)

// What words mean is looked up once, not for every frame of the silence after them.
func TestWordsAreUnderstoodOnce(t *testing.T) {
	hears := &ears{text: strings.Fields("the pen is blue")}
	stream, err := hears.Open(t.Context(), asr.Context{})
	if err != nil {
		t.Fatal(err)
	}
	guesses := 0
	e := &ear{stream: stream, guess: func([]string) patient.Act {
		guesses++
		return ""
	}}
	at := 0.0
	hear := func(level float64, seconds float64) (over bool) {
		for range int(seconds / frameSeconds) {
			at += frameSeconds
			f := make([]float32, asr.SoundFrame)
			for i := range f {
				f[i] = float32(level * math.Sin(float64(i)))
			}
			if err := e.hear(f, at); err != nil {
				t.Fatal(err)
			}
			over = over || e.over()
		}
		return over
	}
	hear(0, 1)
	hear(0.3, 1.5)
	if !hear(0, 2) {
		t.Error("the turn is not over")
	}
	if guesses == 0 || guesses > 5 {
		t.Errorf("%d guesses for four words", guesses)
	}
}
