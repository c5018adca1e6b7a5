package dsp_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"bedside/speech/dsp"
)

// voice returns a vowel-like sound: pulses at f0(t), filtered by three resonances and faded in and
// out over 10 ms. Its peak is about amplitude.
func voice(seconds float64, amplitude float64, f0 func(t float64) float64) []float32 {
	n := int(seconds * dsp.SampleRate)
	x := make([]float64, n)
	phase := 0.0
	for i := range x {
		t := float64(i) / dsp.SampleRate
		before := phase
		phase += f0(t) / dsp.SampleRate
		if math.Floor(phase) > math.Floor(before) {
			// The pulse falls between two samples. Dividing it between them makes the periods
			// exact on average and each of them nearly exact.
			late := (phase - math.Floor(phase)) * dsp.SampleRate / f0(t)
			x[i] += 1 - late
			if i > 0 {
				x[i-1] += late
			}
		}
	}
	for _, formant := range [][2]float64{{700, 90}, {1200, 110}, {2500, 160}} {
		resonate(x, formant[0], formant[1])
	}
	return scaled(x, amplitude)
}

func resonate(x []float64, hz, bandwidth float64) {
	r := math.Exp(-math.Pi * bandwidth / dsp.SampleRate)
	a, b := 2*r*math.Cos(2*math.Pi*hz/dsp.SampleRate), -r*r
	y1, y2 := 0.0, 0.0
	for i := range x {
		y := x[i] + a*y1 + b*y2
		x[i], y1, y2 = y, y, y1
	}
}

func scaled(x []float64, amplitude float64) []float32 {
	const fade = dsp.SampleRate / 100
	peak := 0.0
	for _, v := range x {
		peak = max(peak, math.Abs(v))
	}
	out := make([]float32, len(x))
	for i, v := range x {
		gain := min(1, float64(i)/fade, float64(len(x)-1-i)/fade)
		out[i] = float32(v / peak * amplitude * gain)
	}
	return out
}

func steady(hz float64) func(float64) float64 { return func(float64) float64 { return hz } }

func silence(seconds float64) []float32 { return make([]float32, int(seconds*dsp.SampleRate)) }

func tone(seconds, hz, amplitude float64) []float32 {
	x := make([]float32, int(seconds*dsp.SampleRate))
	for i := range x {
		x[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/dsp.SampleRate))
	}
	return x
}

func concat(parts ...[]float32) []float32 {
	var x []float32
	for _, p := range parts {
		x = append(x, p...)
	}
	return x
}

// noisy adds white noise of a level in dB re full scale.
func noisy(x []float32, db float64) []float32 {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v + float32(math.Pow(10, db/20)*random.NormFloat64())
	}
	return out
}

func gained(x []float32, db float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v * float32(math.Pow(10, db/20))
	}
	return out
}

// talk returns three phrases of syllables with pauses of 0.6 and 0.4 s between them.
func talk() []float32 {
	syllable := func(hz float64) []float32 {
		return concat(voice(0.18, 0.5, steady(hz)), silence(0.07))
	}
	phrase := func(hz ...float64) []float32 {
		var x []float32
		for _, f := range hz {
			x = append(x, syllable(f)...)
		}
		return x[:len(x)-int(0.07*dsp.SampleRate)]
	}
	return concat(silence(0.5), phrase(120, 125, 130, 118), silence(0.6), phrase(122, 140, 115),
		silence(0.4), phrase(110, 112, 114, 116, 118, 120), silence(0.5))
}

func analyse(t testing.TB, x []float32) dsp.Result {
	t.Helper()
	a := dsp.NewAnalyzer()
	if err := a.Write(x); err != nil {
		t.Fatal(err)
	}
	return a.Finish()
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.4f, want %.4f ± %.4f", what, got, want, tolerance)
	}
}

func addTone(x []float32, hz, amplitude float64) []float32 {
	out := tone(float64(len(x))/dsp.SampleRate, hz, amplitude)
	for i := range out {
		out[i] += x[i]
	}
	return out
}

func addDC(x []float32, dc float32) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v + dc
	}
	return out
}

func clipped(x []float32) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = min(1, max(-1, v))
	}
	return out
}

// clicked adds a click of 3 ms at each time.
func clicked(x []float32, at ...float64) []float32 {
	out := append([]float32(nil), x...)
	for _, t := range at {
		for k := range 48 {
			decay, phase := math.Exp(-float64(k)/12), math.Cos(float64(k*k))
			out[int(t*dsp.SampleRate)+k] += float32(0.9 * decay * phase)
		}
	}
	return out
}

// gapped returns x with digital silence from one time to another.
func gapped(x []float32, from, to float64) []float32 {
	out := append([]float32(nil), x...)
	clear(out[int(from*dsp.SampleRate):int(to*dsp.SampleRate)])
	return out
}
