package load

import (
	"math/bits"
	"time"
)

const (
	steps  = 64 // slots for each power of two, for a precision of 1.6 %
	octave = 6  // log2 of steps
	widest = 34 // powers of two of microseconds: five hours
)

// histogram counts durations in constant memory, with a precision of 1 µs below 64 µs and of
// 1.6 % above. The zero value is empty. It is not safe for concurrent use.
type histogram struct {
	counts [(widest - octave + 1) * steps]uint32
	n      uint64
	max    time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.counts[slot(uint64(max(d, 0).Microseconds()))]++
	h.n++
	h.max = max(h.max, d)
}

func (h *histogram) merge(o *histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

// quantile returns the value that a fraction q of the values do not exceed; 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.n))
	if rank >= h.n {
		return h.max
	}
	var seen uint64
	for i, c := range h.counts {
		if seen += uint64(c); c > 0 && seen >= max(rank, 1) {
			return min(time.Duration(top(i))*time.Microsecond, h.max)
		}
	}
	return h.max
}

// slot returns the index for a number of microseconds. Slots are linear within each power of two.
func slot(us uint64) int {
	if us < steps {
		return int(us)
	}
	shift := bits.Len64(us) - octave - 1
	return min((shift+1)*steps+int(us>>shift)-steps, len(histogram{}.counts)-1)
}

// top returns the greatest number of microseconds of a slot.
func top(i int) uint64 {
	if i < steps {
		return uint64(i)
	}
	shift := i/steps - 1
	return (uint64(i%steps)+steps+1)<<shift - 1
}
