package dsp

import (
	"math"
	"testing"
)

// tone is a part of a test signal: a sine of a level in dBFS for some seconds.
type tone struct{ db, seconds float64 }

// stereo returns sines of 1 kHz in both channels, one after another.
func stereo(tones ...tone) []float32 {
	var out []float32
	at := 0
	for _, t := range tones {
		amplitude := math.Pow(10, t.db/20)
		for range int(t.seconds * LoudnessRate) {
			x := float32(amplitude * math.Sin(2*math.Pi*1000*float64(at)/LoudnessRate))
			out = append(out, x, x)
			at++
		}
	}
	return out
}

// TestLoudnessOfEBUSignals measures the test signals 1 to 5 of EBU Tech 3341, which permits an
// error of 0.1 LU.
func TestLoudnessOfEBUSignals(t *testing.T) {
	for name, c := range map[string]struct {
		signal []float32
		want   float64
	}{
		"1": {stereo(tone{-23, 20}), -23},
		"2": {stereo(tone{-33, 20}), -33},
		"3": {stereo(tone{-36, 10}, tone{-23, 60}, tone{-36, 10}), -23},
		"4": {
			stereo(tone{-72, 10}, tone{-36, 10}, tone{-23, 60}, tone{-36, 10}, tone{-72, 10}), -23,
		},
		"5": {stereo(tone{-26, 20}, tone{-20, 20.1}, tone{-26, 20}), -23},
	} {
		l := NewLoudness(2)
		l.Add(c.signal)
		if got := l.Integrated(); math.Abs(got-c.want) > 0.1 {
			t.Errorf("signal %s: %.2f LUFS, want %.1f", name, got, c.want)
		}
	}
}

// TestTruePeakOfEBUSignals measures the test signals 15 to 19 of EBU Tech 3341, which permits an
// error of +0.2 and -0.4 dB.
func TestTruePeakOfEBUSignals(t *testing.T) {
	for name, c := range map[string]struct{ amplitude, divisor, degrees, want float64 }{
		"15": {0.5, 4, 0, -6}, "16": {0.5, 4, 45, -6}, "17": {0.5, 6, 60, -6},
		"18": {0.5, 8, 67.5, -6}, "19": {1.41, 4, 45, 3},
	} {
		var signal []float32
		for i := range LoudnessRate {
			// Faded in and out, as the signals are, since a sudden start would ring.
			fade := min(1, float64(i)/480, float64(LoudnessRate-i)/480)
			x := c.amplitude * fade *
				math.Sin(2*math.Pi*float64(i)/c.divisor+c.degrees*math.Pi/180)
			signal = append(signal, float32(x))
		}
		l := NewLoudness(1)
		l.Add(signal)
		if got := l.TruePeak() - c.want; got > 0.2 || got < -0.4 {
			t.Errorf("signal %s: %.2f dBTP, want %.1f", name, l.TruePeak(), c.want)
		}
	}
}

func TestLoudnessOfOneChannelAndOfLittle(t *testing.T) {
	mono := NewLoudness(1)
	for i, x := range stereo(tone{0, 3}) {
		if i%2 == 0 {
			mono.Add([]float32{x})
		}
	}
	if got := mono.Integrated(); math.Abs(got+3.01) > 0.05 {
		t.Errorf("a sine of 0 dBFS in one channel: %.2f LUFS, want -3.01", got)
	}
	short := NewLoudness(2)
	short.Add(stereo(tone{-23, 0.15}))
	if got := short.Integrated(); math.Abs(got+23) > 0.5 {
		t.Errorf("0.15 s: %.2f LUFS", got)
	}
	for _, name := range []string{"nothing", "silence"} {
		l := NewLoudness(1)
		if name == "silence" {
			l.Add(make([]float32, LoudnessRate))
		}
		if l.Integrated() != silenceLoudness || l.TruePeak() != silenceLoudness {
			t.Errorf("%s: %.2f LUFS, %.2f dBTP", name, l.Integrated(), l.TruePeak())
		}
	}
}
