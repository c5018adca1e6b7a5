package sfu

import (
	"fmt"
	"testing"

	"github.com/pion/transport/v5/packetio"
	"github.com/prometheus/client_golang/prometheus"
)

func TestInletDeliversEarlyPacketsFirst(t *testing.T) {
	in := newInlets(func() { t.Error("overflow") })
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
	write(1)
	in.attach(packetio.RTCPBufferPacket, 1, func([]byte) { t.Error("RTP was delivered as RTCP") })
	in.attach(packetio.RTPBufferPacket, 1, func(b []byte) { got = append(got, string(b)) })
	write(2)
	in.detach(packetio.RTPBufferPacket, 1)
	write(3)
	if fmt.Sprint(got) != "[0 1 2]" {
		t.Errorf("delivered %v, want 0 1 2", got)
	}
	for n := range 10 * maxEarly {
		if _, err := in.buffer(packetio.RTPBufferPacket, 2).Write([]byte{byte(n)}); err != nil {
			t.Error(err)
		}
	}
	if kept := len(in.get(inletKey{packetio.RTPBufferPacket, 2}).early); kept != maxEarly {
		t.Errorf("%d packets are kept for a missing track, want %d", kept, maxEarly)
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
