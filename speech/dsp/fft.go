package dsp

import "math"

// transform is a complex Fourier transform whose size is a power of two. It works in place on
// separate real and imaginary parts. forward leaves the spectrum in digit-reversed order and back
// expects that order, which saves two permutations: an autocorrelation only needs |X|² between.
// A transform is immutable; several goroutines may use it.
//
// The package has its own transform because two real frames packed into one complex transform cost
// a quarter of gonum's real transform of both.
type transform struct {
	n int
	// stages holds, for each radix-4 stage from the widest, cos and sin of the three twiddle
	// factors of each butterfly.
	stages [][]float64
	pos    []int // position of bin k in the digit-reversed order
}

func newTransform(n int) *transform {
	t := &transform{n: n, pos: make([]int, n)}
	width := n
	for ; width >= 4; width /= 4 {
		q := width / 4
		tw := make([]float64, 0, 6*q)
		for j := range q {
			for k := 1; k <= 3; k++ {
				s, c := math.Sincos(-2 * math.Pi * float64(j*k) / float64(width))
				tw = append(tw, c, s)
			}
		}
		t.stages = append(t.stages, tw)
	}
	for k := range n {
		// A radix-4 stage puts the bins with k mod 4 = d into its block d; the bin inside the
		// block is k div 4.
		p, rest, block := 0, k, n
		for ; block >= 4; block /= 4 {
			p += rest % 4 * (block / 4)
			rest /= 4
		}
		// A block of one or two bins is left; a radix-2 stage handles a block of two.
		t.pos[k] = p + rest
	}
	return t
}

// forward transforms re + i im; the result is in digit-reversed order.
func (t *transform) forward(re, im []float64) {
	re, im = re[:t.n], im[:t.n]
	width := t.n
	for _, tw := range t.stages {
		q := width / 4
		for o := 0; o < t.n; o += width {
			r0, r1, r2, r3 := quarters(re[o:o+width], q)
			i0, i1, i2, i3 := quarters(im[o:o+width], q)
			for j := range r0 {
				w := tw[6*j : 6*j+6 : 6*j+6]
				ar, ai := r0[j]+r2[j], i0[j]+i2[j]
				br, bi := r0[j]-r2[j], i0[j]-i2[j]
				cr, ci := r1[j]+r3[j], i1[j]+i3[j]
				dr, di := r1[j]-r3[j], i1[j]-i3[j]
				r0[j], i0[j] = ar+cr, ai+ci
				xr, xi := br+di, bi-dr
				r1[j], i1[j] = xr*w[0]-xi*w[1], xr*w[1]+xi*w[0]
				xr, xi = ar-cr, ai-ci
				r2[j], i2[j] = xr*w[2]-xi*w[3], xr*w[3]+xi*w[2]
				xr, xi = br-di, bi+dr
				r3[j], i3[j] = xr*w[4]-xi*w[5], xr*w[5]+xi*w[4]
			}
		}
		width = q
	}
	if width == 2 {
		pairs(re, im)
	}
}

// back is the inverse of forward, unscaled: the result is n times the original.
func (t *transform) back(re, im []float64) {
	re, im = re[:t.n], im[:t.n]
	width := 1
	if t.n>>(2*len(t.stages)) == 2 {
		pairs(re, im)
		width = 2
	}
	for s := len(t.stages) - 1; s >= 0; s-- {
		q, tw := width, t.stages[s]
		width *= 4
		for o := 0; o < t.n; o += width {
			r0, r1, r2, r3 := quarters(re[o:o+width], q)
			i0, i1, i2, i3 := quarters(im[o:o+width], q)
			for j := range r0 {
				w := tw[6*j : 6*j+6 : 6*j+6]
				ar, ai := r0[j], i0[j]
				br, bi := r1[j]*w[0]+i1[j]*w[1], i1[j]*w[0]-r1[j]*w[1]
				cr, ci := r2[j]*w[2]+i2[j]*w[3], i2[j]*w[2]-r2[j]*w[3]
				dr, di := r3[j]*w[4]+i3[j]*w[5], i3[j]*w[4]-r3[j]*w[5]
				sr, si := ar+cr, ai+ci
				tr, ti := ar-cr, ai-ci
				ur, ui := br+dr, bi+di
				vr, vi := br-dr, bi-di
				r0[j], i0[j] = sr+ur, si+ui
				r1[j], i1[j] = tr-vi, ti+vr
				r2[j], i2[j] = sr-ur, si-ui
				r3[j], i3[j] = tr+vi, ti-vr
			}
		}
	}
}

// quarters divides s into four parts of q values. The compiler can see that their lengths are
// equal and so omits bounds checks.
func quarters(s []float64, q int) (a, b, c, d []float64) {
	a = s[:q]
	return a, s[q:][:len(a)], s[2*q:][:len(a)], s[3*q:][:len(a)]
}

func pairs(re, im []float64) {
	for j := 0; j+1 < len(re); j += 2 {
		re[j], re[j+1] = re[j]+re[j+1], re[j]-re[j+1]
		im[j], im[j+1] = im[j]+im[j+1], im[j]-im[j+1]
	}
}

// autocorrelate replaces two real signals by their circular autocorrelations, scaled by 4n.
func (t *transform) autocorrelate(x, y []float64) {
	x, y = x[:t.n], y[:t.n]
	t.forward(x, y)
	for k := 0; k <= t.n/2; k++ {
		p, q := t.pos[k], t.pos[(t.n-k)%t.n]
		a, b, c, d := x[p], y[p], x[q], y[q]
		// Of the packed spectrum, the even part belongs to x and the odd part to y.
		px := (a+c)*(a+c) + (b-d)*(b-d)
		py := (b+d)*(b+d) + (c-a)*(c-a)
		x[p], y[p], x[q], y[q] = px, py, px, py
	}
	t.back(x, y)
}
