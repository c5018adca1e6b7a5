//go:build linux

package voice

import (
	"log/slog"
	"strconv"
	"testing"

	"bedside/speech/patient"
)

// BenchmarkLine renders a line of 13 words, from text to packets.
func BenchmarkLine(b *testing.B) {
	f, err := newFlite()
	if err != nil {
		b.Fatal(err)
	}
	v, err := newVoices(Config{}.withDefaults(), []engine{f}, nil, nil, slog.Default(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	seconds := 0.0
	for i := range b.N {
		clip, err := v.Line(b.Context(), patient.Line{
			Text: "I can't even look when they take blood, so how would I do it " + strconv.Itoa(i),
		}, patient.Voice{Sex: "male", Age: 63})
		if err != nil {
			b.Fatal(err)
		}
		seconds += clip.Duration().Seconds()
	}
	b.ReportMetric(seconds/float64(b.N), "s/line")
}

func BenchmarkFlite(b *testing.B) {
	f, err := newFlite()
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		if _, err := f.render(b.Context(),
			"I can't even look when they take blood, so how would I do it "+strconv.Itoa(i),
			style{sex: "male", age: 63}); err != nil {
			b.Fatal(err)
		}
	}
}
