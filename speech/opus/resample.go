package opus

import (
	"math"
	"slices"
)

const (
	// The filter passes frequencies up to 0.9 of half the lower rate within 0.01 dB, and
	// attenuates aliases by 80 dB: a Kaiser window with 50 samples of the lower rate on each
	// side, and its edge in the middle of the transition band.
	sincReach  = 50
	sincEdge   = 0.95
	sincKaiser = 7.857

	// maxPhases limits the filter's table. Ratios of rates that need more phases interpolate
	// between neighbouring ones.
	maxPhases = 640
)

// Resampler converts the rate of mono sound with a windowed sinc filter. Output sample n is at
// time n/to exactly: there is no delay, and the sound keeps its duration. The output does not
// depend on how the input was divided into calls. Not safe for concurrent use.
type Resampler struct {
	up, down int // to/from in lowest terms
	reach    int // input samples on each side of an output sample
	phases   int
	table    []float32 // phases+1 rows of 2*reach weights
	buf      []float32 // input from index base on, with reach zeros before the first sample
	base     int
	in, out  int // samples read and written
	done     bool
	res      []float32
}

// NewResampler returns a resampler from one rate to another, in Hz.
func NewResampler(from, to int) *Resampler {
	g := gcd(from, to)
	r := &Resampler{up: to / g, down: from / g}
	scale := min(1, float64(to)/float64(from))
	r.reach = int(math.Ceil(sincReach / scale))
	r.phases = min(r.up, maxPhases)
	r.base = 1 - r.reach
	r.buf = make([]float32, r.reach-1)
	r.table = make([]float32, (r.phases+1)*2*r.reach)
	for p := range r.phases + 1 {
		sincRow(r.table[p*2*r.reach:(p+1)*2*r.reach], float64(p)/float64(r.phases), scale*sincEdge)
	}
	return r
}

// sincRow sets the weights of the inputs around an output that is frac of an input sample behind
// the row's middle. Their sum is one.
func sincRow(row []float32, frac, edge float64) {
	reach := len(row) / 2
	weights := make([]float64, len(row))
	sum := 0.0
	for k := range weights {
		t := float64(k-reach+1) - frac
		w := sinc(edge*t) * kaiser(t/float64(reach))
		weights[k] = w
		sum += w
	}
	for k, w := range weights {
		row[k] = float32(w / sum)
	}
}

// Resample returns mono sound at another rate, in Hz. The sound keeps its duration, and begins
// without a delay.
func Resample(samples []float32, from, to int) []float32 {
	r := NewResampler(from, to)
	out := slices.Clone(r.Write(samples))
	return append(out, r.Flush()...)
}

// Write adds input and returns the output that can be computed, valid until the next call.
func (r *Resampler) Write(in []float32) []float32 {
	r.in += len(in)
	r.buf = append(r.buf, in...)
	return r.run(math.MaxInt)
}

// Flush returns the rest of the output.
func (r *Resampler) Flush() []float32 {
	if r.done {
		return nil
	}
	r.done = true
	r.buf = append(r.buf, make([]float32, r.reach+1)...)
	return r.run((r.in*r.up + r.down - 1) / r.down)
}

// run computes the output up to sample end, or as far as the input reaches, and drops the input
// that is no longer needed.
func (r *Resampler) run(end int) []float32 {
	r.res = r.res[:0]
	width := 2 * r.reach
	for ; r.out < end; r.out++ {
		at := r.out * r.down
		left := at/r.up - r.reach + 1 - r.base
		if left+width > len(r.buf) {
			break
		}
		window := r.buf[left : left+width]
		// The phase is exact unless the ratio needs more phases than the table has.
		scaled := at % r.up * r.phases
		p, rest := scaled/r.up, scaled%r.up
		y := dot(window, r.table[p*width:(p+1)*width])
		if rest != 0 {
			part := float32(rest) / float32(r.up)
			y += part * (dot(window, r.table[(p+1)*width:(p+2)*width]) - y)
		}
		r.res = append(r.res, y)
	}
	if drop := min(len(r.buf), r.out*r.down/r.up-r.reach+1-r.base); drop > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[drop:])]
		r.base += drop
	}
	return r.res
}

// dot returns the scalar product of a and b. It adds in a fixed order, in four lanes, so that the
// result is the same on every machine.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + (s2 + s3)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser returns the Kaiser window at x, from -1 to 1.
func kaiser(x float64) float64 {
	if x*x >= 1 {
		return 0
	}
	return bessel(sincKaiser*math.Sqrt(1-x*x)) / bessel(sincKaiser)
}

// bessel returns the modified Bessel function of the first kind and order zero.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-17; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
