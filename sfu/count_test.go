package sfu

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
)

// counter is a sink that keeps the publisher's counts.
type counter struct {
	recorder
	ssrcs  []uint32
	counts []int
}

func (c *counter) WriteCount(ssrc uint32, packets int) {
	c.ssrcs = append(c.ssrcs, ssrc)
	c.counts = append(c.counts, packets)
}

// report passes a sender report of a stream to the publisher's track.
func (p *publisher) report(ssrc, packets uint32) {
	raw, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: ssrc, PacketCount: packets}})
	must(p.t, err)
	p.track.receiveRTCP(raw, time.Now())
}

func TestSenderReportsReachTheSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		sink := &counter{}
		p.track.add(sink)
		p.send(10, 80, 20*time.Millisecond)
		p.report(1, 12)
		p.report(2, 99) // of another stream
		p.sent += 2     // two packets are lost, and requested a few times
		p.send(1, 80, 500*time.Millisecond)
		p.report(1, 20)
		if n := p.nacks.Load(); n < 2 {
			t.Fatalf("%d requests", n)
		}
		// Each request may have been answered by a retransmission that the report counts.
		requested := p.track.repair.requested
		want := []int{12, 20 - requested}
		if !slices.Equal(sink.counts, want) || !slices.Equal(sink.ssrcs, []uint32{1, 1}) ||
			requested < 2*int(p.nacks.Load()) {
			t.Errorf("counts %v of %v, want %v after %d requests", sink.counts, sink.ssrcs, want,
				requested)
		}
		p.report(1, 1)
		if n := sink.counts[2]; n != 0 {
			t.Errorf("%d packets after more requests than packets", n)
		}
		p.track.end()
	})
}

// A real publisher's sender reports reach the tap through Pion.
func TestSenderReportsOfAPublisherReachTheTap(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		sink := &counter{}
		r := testRoom(t, w.node, "room")
		r.StartTap(tapFunc(func(_, _ string) Sink { return sink }))
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "connection", a.connected)
		synctest.Wait()
		for seq := range uint16(100) {
			a.speak(seq, 30, "a")
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		r.StopTap()
		if n := len(sink.counts); n == 0 || sink.counts[n-1] != 100 {
			t.Errorf("counts %v, want 100 at the end", sink.counts)
		}
		a.close()
	})
}
