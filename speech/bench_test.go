package speech

import (
	"syscall"
	"testing"
	"time"

	"bedside/speech/frame"
	"bedside/store"
)

// BenchmarkConversation analyses a minute of one speaker, from the frames of the log to measures
// and recording. cpu-us/s-of-audio is the CPU time of the process for each second of audio.
func BenchmarkConversation(b *testing.B) {
	const seconds = 60
	log := speech(b, store.SpeakerCandidate, seconds)
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime(b)
	for range b.N {
		c, err := newConversation(frame.Job{AttemptID: "attempt", StartedAt: start}, b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range log {
			if err := c.add(d); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := c.report(); err != nil {
			b.Fatal(err)
		}
		if err := c.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/1000/seconds/float64(b.N),
		"cpu-us/s-of-audio")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
