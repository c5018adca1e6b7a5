package dsp

import "math"

const (
	block         = SampleRate / 1000 // samples in a block
	blocksPerHop  = hop / block
	intensityHalf = 64 // half the window of the intensity contour in blocks: 3.2/50 s
	levelHalf     = 16 // half the window of the level for voice activity, in blocks
	silenceDB     = -120
)

// power holds the sums over one block, which is 1 ms. n is its number of samples; only the last
// block may have fewer than block.
type power struct {
	n, sum, squares float64
	low, high       float64 // squares without rumble and hum, and without vowels
}

// meter computes levels in dB at the boundaries between blocks.
type meter struct {
	kaiser []float64 // window of the intensity contour
	hann   []float64 // window of the level for voice activity
}

func newMeter() *meter {
	m := &meter{}
	// The Kaiser-20 window that Praat's manual names: I0(b sqrt(1-x²)), b = 2π²+0.5.
	beta := 2*math.Pi*math.Pi + 0.5
	for k := range 2 * intensityHalf {
		x := (float64(k) + 0.5 - intensityHalf) / intensityHalf
		m.kaiser = append(m.kaiser, bessel(beta*math.Sqrt(1-x*x)))
	}
	for k := range 2 * levelHalf {
		m.hann = append(m.hann, 0.5-0.5*math.Cos(math.Pi*(float64(k)+0.5)/levelHalf))
	}
	return m
}

// bessel returns the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / (2 * k) * x / (2 * k)
		sum += term
	}
	return sum
}

// intensity returns the level of 2*intensityHalf blocks without DC.
func (m *meter) intensity(blocks []power) float64 {
	var n, sum, squares float64
	for k, w := range m.kaiser {
		b := &blocks[k]
		n += w * b.n
		sum += w * b.sum
		squares += w * b.squares
	}
	if n == 0 {
		return silenceDB
	}
	return decibel(squares/n - sum/n*sum/n)
}

// bands returns the level of 2*levelHalf blocks without rumble and hum, and without vowels.
func (m *meter) bands(blocks []power) (low, high float64) {
	var n, l, h float64
	for k, w := range m.hann {
		b := &blocks[k]
		n += w * b.n
		l += w * b.low
		h += w * b.high
	}
	if n == 0 {
		return silenceDB, silenceDB
	}
	return decibel(l / n), decibel(h / n)
}

// decibel converts a mean power to dB, at least silenceDB.
func decibel(power float64) float64 {
	if power <= 1e-12 {
		return silenceDB
	}
	return 10 * math.Log10(power)
}

// highPass is a second-order Butterworth filter (transposed direct form II).
type highPass struct {
	b0, b1, b2, a1, a2 float64
	s1, s2             float64
}

func newHighPass(hz float64) highPass {
	k := math.Tan(math.Pi * hz / SampleRate)
	norm := 1 / (1 + math.Sqrt2*k + k*k)
	return highPass{
		b0: norm, b1: -2 * norm, b2: norm, a1: 2 * (k*k - 1) * norm,
		a2: (1 - math.Sqrt2*k + k*k) * norm,
	}
}

func (f *highPass) next(x float64) float64 {
	y := f.b0*x + f.s1
	f.s1 = f.b1*x - f.a1*y + f.s2
	f.s2 = f.b2*x - f.a2*y
	return y
}

// flushDenormals sets tiny state to zero. In silence it would decay to denormal numbers, which are
// slow.
func (f *highPass) flushDenormals() {
	const nothing = 1e-30
	if math.Abs(f.s1) < nothing {
		f.s1 = 0
	}
	if math.Abs(f.s2) < nothing {
		f.s2 = 0
	}
}
