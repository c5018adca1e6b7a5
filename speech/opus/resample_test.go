package opus

import (
	"math"
	"testing"
)

func tone(hz float64, rate, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.Sin(2 * math.Pi * hz * float64(i) / float64(rate)))
	}
	return out
}

// resample converts a whole sound, piece samples at a time.
func resample(pcm []float32, from, to, piece int) []float32 {
	r := NewResampler(from, to)
	var out []float32
	for len(pcm) > 0 {
		n := min(piece, len(pcm))
		out = append(out, r.Write(pcm[:n])...)
		pcm = pcm[n:]
	}
	return append(out, r.Flush()...)
}

func TestResamplerKeepsTonesInTime(t *testing.T) {
	for _, from := range []int{
		8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000,
		44056,
	} {
		for _, to := range []int{16000, 48000} {
			worst := math.Inf(1)
			for _, part := range []float64{0.01, 0.3, 0.6, 0.89} {
				hz := part * float64(min(from, to)) / 2
				n := from / 6
				got := resample(tone(hz, from, n), from, to, 1000)
				want := tone(hz, to, (n*to+from-1)/from)
				if len(got) != len(want) {
					t.Fatalf("%d to %d Hz: %d samples, want %d", from, to, len(got), len(want))
				}
				worst = min(worst, snr(want[to/20:to/8], got[to/20:to/8]))
			}
			if worst < 65 {
				t.Errorf("%d to %d Hz: a tone has an SNR of %.1f dB", from, to, worst)
			}
		}
	}
}

func TestResamplerSuppressesAliases(t *testing.T) {
	for _, from := range []int{22050, 24000, 32000, 44100, 48000, 96000, 192000} {
		worst := math.Inf(-1)
		for hz := 8050.0; hz < float64(from)/2; hz += 1170 {
			got := resample(tone(hz, from, from/8), from, SampleRate, 4096)
			worst = max(worst, 10*math.Log10(2*power(got[500:1500])))
		}
		if worst > -75 {
			t.Errorf("%d Hz: tones above 8 kHz are left at %.1f dB", from, worst)
		}
	}
}

func TestResamplerDoesNotDependOnPieces(t *testing.T) {
	pcm := voice(0.3, 44100)
	want := resample(pcm, 44100, 16000, len(pcm))
	for _, piece := range []int{1, 7, 441, 5000} {
		equalSamples(t, want, resample(pcm, 44100, 16000, piece))
	}
}

func TestResamplerWithShortSound(t *testing.T) {
	for n := range 5 {
		if got := resample(make([]float32, n), 48000, 16000, 1); len(got) != (n+2)/3 {
			t.Errorf("%d samples become %d", n, len(got))
		}
	}
	ones := make([]float32, 4000)
	for i := range ones {
		ones[i] = 1
	}
	for i, v := range resample(ones, 44100, 16000, 4000)[100:1300] {
		if math.Abs(float64(v)-1) > 1e-5 {
			t.Fatalf("a constant of 1 becomes %g at sample %d", v, i)
		}
	}
}
