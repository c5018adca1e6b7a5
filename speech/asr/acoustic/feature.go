package acoustic

// Features are those of a frame: the cepstra, their changes, and the changes of those.
type Features [Streams * Size]float32

// NewFeatures returns the features of an utterance's cepstra: their mean is subtracted, so that
// microphone and room matter less, and the edges are repeated. A nil mean is that of the
// utterance.
func NewFeatures(cepstra [][Size]float64, mean []float64) []Features {
	if mean == nil {
		m := Mean(cepstra)
		mean = m[:]
	}
	n := len(cepstra)
	at := func(t int) *[Size]float64 { return &cepstra[max(0, min(t, n-1))] }
	out := make([]Features, n)
	for t := range out {
		for i := range Size {
			out[t][i] = float32(at(t)[i] - mean[i])
			out[t][Size+i] = float32(at(t + 2)[i] - at(t - 2)[i])
			out[t][2*Size+i] = float32(at(t + 3)[i] - at(t - 1)[i] - at(t + 1)[i] + at(t - 3)[i])
		}
	}
	return out
}

// Mean returns the mean of an utterance's cepstra. As in the decoder, frames without energy, such
// as digital silence, do not count.
func Mean(cepstra [][Size]float64) (mean [Size]float64) {
	n := 0.0
	for _, c := range cepstra {
		if c[0] < 0 {
			continue
		}
		n++
		for i, v := range c {
			mean[i] += v
		}
	}
	for i := range mean {
		mean[i] /= max(1, n)
	}
	return mean
}
