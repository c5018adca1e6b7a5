package dsp_test

import (
	"testing"
	"time"

	"bedside/speech/dsp"
)

// minutes returns n minutes of talk in noise.
func minutes(n int) []float32 {
	unit := noisy(talk(), -55)
	var x []float32
	for len(x) < n*60*dsp.SampleRate {
		x = append(x, unit...)
	}
	return x[:n*60*dsp.SampleRate]
}

// BenchmarkAnalyzer writes five minutes of audio, 20 ms at a time, and reports the time for each
// second of audio and for Finish.
func BenchmarkAnalyzer(b *testing.B) {
	x := minutes(5)
	var finish time.Duration
	b.ReportAllocs()
	for b.Loop() {
		a := dsp.NewAnalyzer()
		for rest := x; len(rest) > 0; rest = rest[320:] {
			if err := a.Write(rest[:320]); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		a.Finish()
		finish += time.Since(start)
	}
	seconds := float64(len(x)) / dsp.SampleRate * float64(b.N)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/seconds, "us/s-of-audio")
	b.ReportMetric(float64(finish.Milliseconds())/float64(b.N), "ms/finish")
}
