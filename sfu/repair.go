package sfu

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// repair requests the missing packets of a track from its publisher, and reports once a second
// how the stream arrives. A timer requests packets when no other packet arrives, as in the pauses
// of a voice that is sent discontinuously. The track owns it; close stops the timer. Safe for
// concurrent use: RTP, RTCP and the timer run in goroutines of their own.
type repair struct {
	ssrc     uint32 // of the stream
	reporter uint32 // SSRC of our reports
	nack     bool   // the publisher negotiated NACK; otherwise gaps are only counted
	send     func(rtcp.Packet)
	metrics  *metrics

	mu        sync.Mutex // guards the fields below
	gaps      gaps
	reception reception
	timer     *time.Timer // runs out when the next request is due; nil until a packet is missing
	requested int         // packets, as often as they were requested
	closed    bool
}

func newRepair(ssrc, reporter, clockRate uint32, nack bool, send func(rtcp.Packet),
	m *metrics) *repair {
	return &repair{
		ssrc: ssrc, reporter: reporter, nack: nack, send: send, metrics: m,
		reception: reception{ssrc: ssrc, clockRate: float64(clockRate)},
	}
}

// received records the arrival of a packet.
func (r *repair) received(p *Packet, now time.Time) {
	r.mu.Lock()
	r.gaps.add(p.Sequence, now)
	request := r.request(now)
	r.reception.add(p.Sequence, p.Timestamp, now)
	var report rtcp.Packet
	if r.reception.due(now) {
		report = &rtcp.ReceiverReport{
			SSRC: r.reporter, Reports: []rtcp.ReceptionReport{r.reception.report(now)},
		}
	}
	r.mu.Unlock()
	// Not while mu is held: a full socket blocks.
	if request != nil {
		r.send(request)
	}
	if report != nil {
		r.send(report)
	}
}

// senderReport records what the publisher's sender report says. It returns how many packets the
// publisher has sent at least; ok is false for a report on another stream.
//
// Browsers count retransmissions in sender reports. How many there were is not known, since they
// may be lost too, but there was at most one for each request.
func (r *repair) senderReport(sr *rtcp.SenderReport, now time.Time) (sent int, ok bool) {
	if sr.SSRC != r.ssrc {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reception.gotSenderReport(sr.NTPTime, now)
	return max(int(sr.PacketCount)-r.requested, 0), true
}

// request returns the NACK that is due, or nil, and sets the timer for the next one. mu is held.
func (r *repair) request(now time.Time) rtcp.Packet {
	ask, again := r.gaps.due(now)
	r.count()
	if again > 0 && !r.closed {
		if r.timer == nil {
			r.timer = time.AfterFunc(again, r.timedOut)
		} else {
			r.timer.Reset(again)
		}
	}
	if !r.nack || len(ask) == 0 {
		return nil
	}
	r.requested += len(ask)
	r.metrics.nacksSent.Add(float64(len(ask)))
	return &rtcp.TransportLayerNack{
		SenderSSRC: r.reporter, MediaSSRC: r.ssrc,
		Nacks: rtcp.NackPairsFromSequenceNumbers(ask),
	}
}

// count adds what gaps has counted to the metrics. mu is held.
func (r *repair) count() {
	repaired, lost := r.gaps.take()
	if repaired > 0 {
		r.metrics.repaired.Add(float64(repaired))
	}
	for cause, n := range lost {
		if n > 0 {
			r.metrics.lost[cause].Add(float64(n))
		}
	}
}

func (r *repair) timedOut() {
	r.mu.Lock()
	var request rtcp.Packet
	if !r.closed {
		request = r.request(time.Now())
	}
	r.mu.Unlock()
	if request != nil {
		r.send(request)
	}
}

// close stops the timer. Nothing is requested afterwards.
func (r *repair) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
}
