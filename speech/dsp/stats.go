package dsp

import (
	"math"
	"slices"
)

// quantile returns a quantile of unsorted values by linear interpolation between the two nearest.
// It returns 0 if there are no values.
func quantile(values []float64, q float64) float64 {
	return sortedQuantile(slices.Sorted(slices.Values(values)), q)
}

func sortedQuantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// meanAndSD returns the mean and the standard deviation (of the population) of at least one value.
func meanAndSD(values []float64) (mean, sd float64) {
	mean = average(values)
	for _, v := range values {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / float64(len(values)))
}

// levels is a histogram of levels in steps of a quarter of a dB, for quantiles over a sliding
// window.
type levels struct {
	count [(maxDB - silenceDB) * levelSteps]int32
	total int
}

const (
	levelSteps = 4  // bins per dB
	maxDB      = 60 // more than MaxSample can reach
)

func (l *levels) add(db float32, n int32) {
	bin := min(max(int((db-silenceDB)*levelSteps), 0), len(l.count)-1)
	l.count[bin] += n
	l.total += int(n)
}

// quantile returns the middle of the bin that holds the quantile.
func (l *levels) quantile(q float64) float64 {
	left := q * float64(l.total)
	for bin, n := range l.count {
		if left -= float64(n); left < 0 {
			return (float64(bin)+0.5)/levelSteps + silenceDB
		}
	}
	return silenceDB
}
