//go:build linux

package voice

import (
	"math"
	"testing"

	"bedside/speech/patient"
)

func TestFliteSpeaks(t *testing.T) {
	f, err := newFlite()
	if err != nil {
		t.Fatal(err)
	}
	const text = "I don't see the point of all this. I'm feeling fine now."
	length := map[string]float64{}
	for name, s := range map[string]style{
		"woman": {sex: "female"}, "man": {sex: "male", age: 30}, "old man": {sex: "male", age: 70},
		"anxious": {sex: "female", emotion: patient.Anxious}, "slow": {sex: "female", pace: 0.8},
	} {
		raw, err := f.render(t.Context(), text, s)
		if err != nil {
			t.Fatal(err)
		}
		power := 0.0
		for _, x := range raw.samples {
			power += float64(x) * float64(x)
		}
		length[name] = float64(len(raw.samples)) / float64(raw.rate)
		level := 10 * math.Log10(power/float64(len(raw.samples)))
		if length[name] < 2 || length[name] > 8 || level < -40 || level > -5 {
			t.Errorf("%s: %.1f s at %.0f dB", name, length[name], level)
		}
	}
	if length["slow"] < 1.15*length["woman"] || length["anxious"] > 0.97*length["woman"] {
		t.Errorf("lengths in seconds: %v", length)
	}
}
