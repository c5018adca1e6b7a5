package opus

import (
	"math"
	"slices"
)

// SyntheticVoice returns ten seconds of an artificial voice in packets of 20 ms: a tone of 120 Hz
// with harmonics in syllables at 4 Hz, then two seconds of silence.
func SyntheticVoice() ([][]byte, error) {
	pcm := make([]float32, 10*ClockRate)
	for i := range pcm[:8*ClockRate] {
		t := float64(i) / ClockRate
		var buzz float64
		for h := 1.0; h <= 20; h++ {
			buzz += math.Sin(2*math.Pi*120*h*t) / h
		}
		pcm[i] = float32(0.15 * buzz * (0.55 - 0.45*math.Cos(2*math.Pi*4*t)))
	}
	return encodeAll(pcm)
}

// encodeAll encodes samples at ClockRate. Silence fills the last packet.
func encodeAll(pcm []float32) ([][]byte, error) {
	encoder, err := NewEncoder(EncoderConfig{})
	if err != nil {
		return nil, err
	}
	var packets [][]byte
	for frame := range slices.Chunk(pcm, FrameSamples) {
		if len(frame) < FrameSamples {
			frame = append(slices.Clone(frame), make([]float32, FrameSamples-len(frame))...)
		}
		p, err := encoder.Encode(frame)
		if err != nil {
			return nil, err
		}
		packets = append(packets, slices.Clone(p))
	}
	return packets, nil
}
