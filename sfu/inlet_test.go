package sfu

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/packetio"
	"github.com/prometheus/client_golang/prometheus"
)

func TestInletDeliversEarlyPacketsFirst(t *testing.T) {
	synctest.Test(t, testEarlyPackets)
}

func testEarlyPackets(t *testing.T) {
	in := newInlets(func() { t.Error("overflow") })
	began := time.Now()
	buffer := in.buffer(packetio.RTPBufferPacket, 1)
	write := func(n int) {
		b := []byte(fmt.Sprint(n))
		if _, err := buffer.Write(b); err != nil {
			t.Error(err)
		}
		clear(b) // Pion reuses its buffer
	}
	var got []string
	write(0)
	time.Sleep(time.Second)
	write(1)
	time.Sleep(time.Second) // the track is being set up
	in.attach(packetio.RTCPBufferPacket, 1, func([]byte, time.Time) {
		t.Error("RTP was delivered as RTCP")
	})
	in.attach(packetio.RTPBufferPacket, 1, func(b []byte, at time.Time) {
		got = append(got, fmt.Sprintf("%s at %v", b, at.Sub(began)))
	})
	write(2)
	in.detach(packetio.RTPBufferPacket, 1)
	write(3)
	if fmt.Sprint(got) != "[0 at 0s 1 at 1s 2 at 2s]" {
		t.Errorf("delivered %v, want 0 1 2 when they arrived", got)
	}
	// The limit is for all streams of a connection.
	for n := range 10 * maxEarly {
		b := in.buffer(packetio.RTPBufferPacket, 2+uint32(n%3))
		if _, err := b.Write([]byte{byte(n)}); err != nil {
			t.Error(err)
		}
	}
	if in.early != maxEarly {
		t.Errorf("%d packets are kept for missing tracks, want %d", in.early, maxEarly)
	}
	must(t, in.buffer(packetio.RTPBufferPacket, 2).Close())
	in.detach(packetio.RTPBufferPacket, 3)
	in.attach(packetio.RTPBufferPacket, 4, func([]byte, time.Time) {})
	if in.early != 0 {
		t.Errorf("%d packets are kept after the end", in.early)
	}
}

func TestNumberOfInletsIsLimited(t *testing.T) {
	overflows := 0
	in := newInlets(func() { overflows++ })
	first := in.buffer(packetio.RTPBufferPacket, 0)
	for ssrc := range uint32(maxInlets + 10) {
		in.buffer(packetio.RTPBufferPacket, ssrc)
	}
	if len(in.open) != maxInlets || overflows != 10 {
		t.Errorf("%d inlets and %d overflows", len(in.open), overflows)
	}
	must(t, first.Close())
	if len(in.open) != maxInlets-1 {
		t.Error("a closed inlet is still kept")
	}
}

func TestMetricsAreUnregistered(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		n, err := NewNode(Config{}, quiet(), registry)
		must(t, err)
		if _, err := NewNode(Config{}, quiet(), registry); err == nil {
			t.Error("two nodes registered the same metrics")
		}
		families, err := registry.Gather()
		must(t, err)
		if len(families) < 7 {
			t.Errorf("%d metrics", len(families))
		}
		closeNode(t, n)
		closeNode(t, n) // closing again does nothing
	}
}
