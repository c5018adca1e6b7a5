package bus

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkPublish publishes one speaker's stream of 20 ms packets, five to a message, from the
// ring to the log of a server in this process. One operation is one frame. cpu-us/frame is the
// CPU time of the whole process, including the server.
func BenchmarkPublish(b *testing.B) {
	// With this batch time only the benchmark publishes.
	bus := open(b, Config{Dir: b.TempDir(), BatchTime: time.Hour})
	began := time.Now()
	w, err := bus.Writer("attempt", "candidate", began)
	if err != nil {
		b.Fatal(err)
	}
	t := bus.tap("attempt", began)
	payload := make([]byte, 80)
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime(b)
	for i := range b.N {
		w.Write(uint16(i), uint32(i*960), began.Add(time.Duration(i)*20*time.Millisecond), payload)
		if i%5 == 4 {
			if err := t.flush(false); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/1000/float64(b.N), "cpu-us/frame")
}

// BenchmarkWrite measures the tap's cost to the media path: one copy into the ring.
func BenchmarkWrite(b *testing.B) {
	r := newRing("candidate")
	w := &Writer{ring: r, epoch: 1}
	payload, out, at := make([]byte, 80), []byte(nil), time.Now()
	b.ReportAllocs()
	for i := range b.N {
		w.Write(uint16(i), uint32(i*960), at, payload)
		if i%5 == 4 {
			out, _, _ = r.take(out[:0], batchFrames)
		}
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
