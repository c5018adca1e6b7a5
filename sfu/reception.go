package sfu

import (
	"time"

	"github.com/pion/rtcp"
)

// reportEvery is the interval of receiver reports to a publisher.
const reportEvery = time.Second

// reception counts one received stream for the receiver reports of RFC 3550 (sections 6.4, A.3 and
// A.8). Its owner guards it.
type reception struct {
	ssrc      uint32
	clockRate float64

	started       bool
	base          uint32 // first extended sequence number
	highest       uint32 // highest extended sequence number
	received      uint32
	expectedPrior uint32
	receivedPrior uint32
	transit       float64 // of the last packet, in clock units
	origin        time.Time
	jitter        float64

	senderReport   uint32 // middle 32 bits of the last sender report's NTP time
	senderReportAt time.Time
	reportedAt     time.Time
}

func (r *reception) add(seq uint16, timestamp uint32, now time.Time) {
	transit := now.Sub(r.origin).Seconds()*r.clockRate - float64(timestamp)
	if !r.started {
		r.started, r.origin, r.reportedAt = true, now, now
		r.base, r.highest, r.received = uint32(seq), uint32(seq), 1
		r.transit = -float64(timestamp)
		return
	}
	if ahead := int16(seq - uint16(r.highest)); ahead > 0 {
		r.highest += uint32(ahead)
	}
	r.received++
	d := transit - r.transit
	r.transit = transit
	if d < 0 {
		d = -d
	}
	// A timestamp that wraps or jumps is not jitter.
	if d < 10*r.clockRate {
		r.jitter += (d - r.jitter) / 16
	}
}

func (r *reception) gotSenderReport(ntp uint64, now time.Time) {
	r.senderReport, r.senderReportAt = uint32(ntp>>16), now
}

// due reports whether it is time for the next report.
func (r *reception) due(now time.Time) bool {
	return r.started && now.Sub(r.reportedAt) >= reportEvery
}

// report returns the report of the time since the last one.
func (r *reception) report(now time.Time) rtcp.ReceptionReport {
	r.reportedAt = now
	expected := r.highest - r.base + 1
	interval, got := expected-r.expectedPrior, r.received-r.receivedPrior
	r.expectedPrior, r.receivedPrior = expected, r.received
	rep := rtcp.ReceptionReport{
		SSRC: r.ssrc, LastSequenceNumber: r.highest, Jitter: uint32(r.jitter),
	}
	if interval > got {
		rep.FractionLost = uint8(min((interval-got)*256/interval, 255))
	}
	if expected > r.received {
		rep.TotalLost = min(expected-r.received, 1<<23-1)
	}
	if !r.senderReportAt.IsZero() {
		rep.LastSenderReport = r.senderReport
		rep.Delay = uint32(now.Sub(r.senderReportAt).Seconds() * 65536)
	}
	return rep
}
