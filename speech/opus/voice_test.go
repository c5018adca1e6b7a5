package opus

import (
	"math"
	"math/rand/v2"
	"testing"
)

// voice synthesises sound that codecs treat as speech: pulses with a gliding pitch, filtered by
// the resonances of changing vowels, in syllables, with a pause of 0.5 s every 3 s.
func voice(seconds float64, rate int) []float32 {
	noise := rand.New(rand.NewPCG(1, 2))
	out := make([]float32, int(seconds*float64(rate)))
	vowels := [][3]float64{
		{730, 1090, 2440}, {270, 2290, 3010}, {570, 840, 2410}, {530, 1840, 2480},
	}
	var y1, y2 [3]float64
	phase := 0.0
	for i := range out {
		t := float64(i) / float64(rate)
		phase += (130 + 25*math.Sin(2*math.Pi*0.4*t)) / float64(rate)
		x := 0.002 * noise.NormFloat64()
		if phase >= 1 {
			phase--
			x++
		}
		if math.Mod(t, 3) > 2.5 {
			x = 0.0005 * noise.NormFloat64()
		}
		sum := 0.0
		for k, f := range vowels[int(t*4)%len(vowels)] {
			r := math.Exp(-math.Pi * 90 / float64(rate))
			y := (1-r)*x*8 + 2*r*math.Cos(2*math.Pi*f/float64(rate))*y1[k] - r*r*y2[k]
			y2[k], y1[k] = y1[k], y
			sum += y
		}
		out[i] = float32(0.6 * sum * (0.15 + 0.85*math.Pow(math.Sin(math.Pi*4*t), 2)))
	}
	peak := 0.0
	for _, v := range out {
		peak = max(peak, math.Abs(float64(v)))
	}
	for i := range out {
		out[i] *= float32(0.5 / peak)
	}
	return out
}

// encode encodes a sound at 48 kHz.
func encode(t testing.TB, pcm []float32, cfg EncoderConfig) [][]byte {
	t.Helper()
	enc, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for len(pcm) >= FrameSamples {
		p, err := enc.Encode(pcm[:FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, append([]byte(nil), p...))
		pcm = pcm[FrameSamples:]
	}
	return packets
}

// decode decodes packets with a new Decoder.
func decode(t testing.TB, packets []Packet) ([]float32, Counts) {
	t.Helper()
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	for _, p := range packets {
		out = append(out, dec.Decode(p)...)
	}
	return append(out, dec.Flush()...), dec.Counts()
}

// slots returns a gapless sequence of 20 ms packets. A nil payload becomes a filler for a lost
// frame.
func slots(payloads [][]byte) []Packet {
	packets := make([]Packet, len(payloads))
	for i, p := range payloads {
		packets[i] = Packet{Payload: p, Start: int64(i) * frame20ms, Samples: frame20ms}
		if p == nil {
			packets[i].Payload, packets[i].Filler, packets[i].Lost = []byte{9 << 3}, true, 1
		}
	}
	return packets
}

// snr returns the signal-to-noise ratio of a sound in dB, compared with the one expected.
func snr(want, got []float32) float64 {
	var signal, noise float64
	for i, w := range want {
		d := float64(w - got[i])
		signal += float64(w) * float64(w)
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}

func power(pcm []float32) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(max(1, len(pcm)))
}

func equalSamples(t *testing.T, want, got []float32) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("sample %d is %g, want %g", i, got[i], want[i])
		}
	}
}
