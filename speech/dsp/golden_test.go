package dsp_test

import (
	"fmt"
	"math"
	"testing"

	"bedside/speech/dsp"
	"bedside/store"
)

func TestIntensityOfKnownSignals(t *testing.T) {
	square := make([]float32, dsp.SampleRate)
	offset := tone(1, 1000, 0.1)
	for i := range square {
		square[i] = float32(1 - 2*(i/8%2))
		offset[i] += 0.3
	}
	for _, c := range []struct {
		name string
		x    []float32
		db   float64
	}{
		{"full-scale square wave", square, 0},
		{"full-scale tone", tone(1, 1000, 1), -3.01},
		{"tone at -40 dB", tone(1, 440, 0.01), -43.01},
		{"tone on DC", offset, -23.01},
		{"silence", silence(1), -120},
		{"noise", noisy(silence(1), -50), -50},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := analyse(t, c.x)
			if len(r.Intensity) != 100 {
				t.Fatalf("%d points in a second", len(r.Intensity))
			}
			tolerance := 0.02
			if c.name == "noise" {
				tolerance = 1 // it varies
			}
			for i, p := range r.Intensity {
				near(t, "time", p.TS, 0.005+0.01*float64(i), 1e-9)
				near(t, fmt.Sprintf("level at %.3f s", p.TS), p.DB, c.db, tolerance)
			}
		})
	}
}

func TestPitchOfKnownVoices(t *testing.T) {
	for _, hz := range []float64{70, 85, 100, 120, 153.7, 180, 220, 300, 400, 480} {
		t.Run(fmt.Sprintf("%g Hz", hz), func(t *testing.T) {
			r := analyse(t, concat(silence(0.3), voice(1, 0.5, steady(hz)), silence(0.3)))
			if len(r.Pitch) < 95 || len(r.Pitch) > 106 {
				t.Errorf("%d voiced frames of 100", len(r.Pitch))
			}
			for _, p := range r.Pitch {
				if p.TS > 0.35 && p.TS < 1.25 {
					near(t, fmt.Sprintf("F0 at %.3f s", p.TS), p.Hz, hz, 0.003*hz)
				}
			}
			m := r.Measures
			near(t, "median", *m.F0MedianHz, hz, 0.002*hz)
			near(t, "range", *m.F0RangeSemitones, 0, 0.1)
			near(t, "SD", *m.F0SDSemitones, 0, 0.3)
		})
	}
}

func TestPitchOfAGlide(t *testing.T) {
	// An octave in two seconds, along a straight line of semitones.
	f0 := func(t float64) float64 { return 110 * math.Pow(2, t/2) }
	r := analyse(t, concat(silence(0.5), voice(2, 0.5, f0), silence(0.5)))
	for _, p := range r.Pitch {
		if p.TS > 0.55 && p.TS < 2.45 {
			near(t, fmt.Sprintf("F0 at %.3f s", p.TS), p.Hz, f0(p.TS-0.5), 0.01*p.Hz)
		}
	}
	m := r.Measures
	near(t, "10th percentile", *m.F0Q10Hz, f0(0.2), 2)
	near(t, "median", *m.F0MedianHz, f0(1), 2)
	near(t, "90th percentile", *m.F0Q90Hz, f0(1.8), 2)
	near(t, "range", *m.F0RangeSemitones, 9.6, 0.25)
	near(t, "SD", *m.F0SDSemitones, 12/math.Sqrt(12), 0.1)
}

func TestUnvoicedSoundHasNoPitch(t *testing.T) {
	// A fricative between two vowels: 0.15 s of noise.
	x := concat(silence(0.3), voice(0.4, 0.5, steady(130)), noisy(silence(0.15), -25),
		voice(0.4, 0.5, steady(130)), silence(0.3))
	r := analyse(t, x)
	if len(r.Speech) != 1 {
		t.Fatalf("speech %v", r.Speech)
	}
	for _, p := range r.Pitch {
		if p.TS > 0.73 && p.TS < 0.82 {
			t.Errorf("F0 %.1f Hz at %.3f s, in the fricative", p.Hz, p.TS)
		}
	}
	near(t, "voiced ratio", *r.Measures.VoicedRatio, 0.80/0.95, 0.04)
}

// talkTruth compares the result for talk() with the known values.
func talkTruth(t *testing.T, r dsp.Result, tolerance float64) {
	t.Helper()
	want := []store.Span{
		{StartS: 0.5, EndS: 1.43}, {StartS: 2.03, EndS: 2.71}, {StartS: 3.11, EndS: 4.54},
	}
	if len(r.Speech) != len(want) || len(r.Pauses) != len(want)-1 {
		t.Fatalf("speech %v, pauses %v", r.Speech, r.Pauses)
	}
	for i, w := range want {
		near(t, "start", r.Speech[i].StartS, w.StartS, tolerance)
		near(t, "end", r.Speech[i].EndS, w.EndS, tolerance)
		if i > 0 &&
			(r.Pauses[i-1] != store.Span{StartS: r.Speech[i-1].EndS, EndS: r.Speech[i].StartS}) {
			t.Errorf("pause %v between %v", r.Pauses[i-1], r.Speech)
		}
	}
	if len(r.Syllables) != 13 {
		t.Fatalf("%d syllables at %v, want 13", len(r.Syllables), r.Syllables)
	}
	at := 0
	for i, n := range []int{4, 3, 6} {
		for k := range n {
			near(t, "nucleus", r.Syllables[at], want[i].StartS+0.09+0.25*float64(k), 0.05)
			at++
		}
	}
	m := r.Measures
	const phonation, duration = 0.93 + 0.68 + 1.43, 4.04
	near(t, "speech duration", m.SpeechDurationS, duration, 2*tolerance)
	near(t, "phonation", m.PhonationTimeS, phonation, 6*tolerance)
	near(t, "phonation ratio", *m.PhonationTimeRatio, m.PhonationTimeS/m.SpeechDurationS, 1e-9)
	near(t, "speech rate", *m.SpeechRateSyllPerS, 13/m.SpeechDurationS, 1e-9)
	near(t, "articulation rate", *m.ArticulationRateSyllPerS, 13/m.PhonationTimeS, 1e-9)
	near(t, "length of run", *m.MeanLengthOfRunSyll, 13.0/3, 1e-9)
	near(t, "duration of run", *m.MeanLengthOfRunS, m.PhonationTimeS/3, 1e-9)
	near(t, "pauses", float64(m.PauseCount), 2, 0)
	near(t, "pause total", m.PauseTotalS, duration-phonation, 4*tolerance)
	near(t, "pause mean", *m.PauseMeanS, m.PauseTotalS/2, 1e-9)
	near(t, "longest pause", *m.PauseMaxS, 0.6, 2*tolerance)
	near(t, "pauses a minute", *m.PausesPerMin, 120/m.SpeechDurationS, 1e-9)
	near(t, "F0 median", *m.F0MedianHz, 118, 1)
}

func TestMeasuresOfKnownTalk(t *testing.T) {
	x := talk()
	for _, c := range []struct {
		name      string
		x         []float32
		tolerance float64
	}{
		{"clean", x, 0.025},
		{"in noise at -60 dB", noisy(x, -60), 0.025},
		{"quiet", gained(x, -45), 0.025},
		{"quiet in noise", gained(noisy(x, -60), -35), 0.025},
		{"15 dB over noise", noisy(x, -35), 0.04},
		{"over a hum", noisy(addTone(x, 50, 0.02), -60), 0.03},
		{"on DC", addDC(x, 0.3), 0.025},
		{"clipped", clipped(gained(x, 12)), 0.03},
		{"with clicks in the pauses", clicked(noisy(x, -60), 0.2, 1.7, 1.88, 2.9, 4.9), 0.025},
		{
			"quiet, with loud clicks",
			clicked(gained(noisy(x, -60), -35), 0.2, 1.7, 1.88, 2.9, 4.9), 0.03,
		},
		{"with a digital gap in noise", gapped(noisy(x, -50), 1.6, 1.9), 0.03},
	} {
		t.Run(c.name, func(t *testing.T) { talkTruth(t, analyse(t, c.x), c.tolerance) })
	}
}

func TestSpeechAtTheEndsOfTheAudio(t *testing.T) {
	x := talk()
	x = x[int(0.5*dsp.SampleRate) : len(x)-int(0.5*dsp.SampleRate)]
	for name, x := range map[string][]float32{"clean": x, "in noise": noisy(x, -50)} {
		r := analyse(t, x)
		if n := len(r.Speech); n != 3 || r.Speech[0].StartS > 0.02 ||
			r.Speech[2].EndS < r.DurationS-0.02 || r.Speech[2].EndS > r.DurationS {
			t.Errorf("%s: speech %v in %.2f s", name, r.Speech, r.DurationS)
		}
		if r.Measures.SyllableCount != 13 {
			t.Errorf("%s: %d syllables", name, r.Measures.SyllableCount)
		}
	}
}

func TestNoiseFloor(t *testing.T) {
	near(t, "noise floor", *analyse(t, noisy(talk(), -50)).Measures.NoiseFloorDB, -50, 0.7)
	if db := analyse(t, talk()).Measures.NoiseFloorDB; db != nil {
		t.Errorf("noise floor of digital silence around speech: %g dB, want none", *db)
	}
}

func TestPeaks(t *testing.T) {
	x := silence(0.12)
	x[10], x[900], x[1700], x[len(x)-1] = -0.5, 0.25, 0.125, -0.75
	r := analyse(t, x)
	if want := []float32{0.5, 0.25, 0.75}; fmt.Sprint(r.Peaks) != fmt.Sprint(want) {
		t.Errorf("peaks %v, want %v", r.Peaks, want)
	}
}
