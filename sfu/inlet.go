package sfu

import (
	"io"
	"sync"
	"time"

	"github.com/pion/transport/v5/packetio"
)

const (
	// maxInlets limits the memory that a client can use by sending with many SSRCs. A full room
	// needs two per participant.
	maxInlets = 512
	// maxEarly is the number of packets of a connection that are kept until their tracks are set
	// up: five seconds of audio, which a server that has just started may take.
	maxEarly = 250
)

// inlets are the buffers into which Pion writes the decrypted packets of one PeerConnection, one
// for each SSRC and kind (RTP or RTCP). An inlet does not queue packets for a reading goroutine
// but passes each on in the goroutine that decrypted it.
type inlets struct {
	overflow func() // called when there are too many; must not block

	mu    sync.Mutex // guards the fields below
	open  map[inletKey]*inlet
	early int // packets that wait in all inlets
}

type inletKey struct {
	kind packetio.BufferPacketType
	ssrc uint32
}

func newInlets(overflow func()) *inlets {
	return &inlets{open: map[inletKey]*inlet{}, overflow: overflow}
}

// buffer implements Pion's BufferFactory.
func (in *inlets) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	return in.get(inletKey{kind, ssrc})
}

func (in *inlets) get(key inletKey) *inlet {
	in.mu.Lock()
	defer in.mu.Unlock()
	if i, ok := in.open[key]; ok {
		return i
	}
	i := &inlet{in: in, key: key}
	if len(in.open) >= maxInlets {
		i.closed = true
		in.overflow()
		return i
	}
	in.open[key] = i
	return i
}

// attach makes the inlet call deliver for each packet, early ones first, by one goroutine at a
// time, with the time of its arrival. deliver must not keep the packet.
func (in *inlets) attach(kind packetio.BufferPacketType, ssrc uint32, deliver deliverFunc) {
	i := in.get(inletKey{kind, ssrc})
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deliver = deliver
	for _, p := range i.early {
		deliver(p.data, p.at)
	}
	i.dropEarly()
}

// reserve makes room for one early packet, and reports whether there is any.
func (in *inlets) reserve() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.early >= maxEarly {
		return false
	}
	in.early++
	return true
}

// detach ends delivery: after it has returned, deliver is not running and not called again.
func (in *inlets) detach(kind packetio.BufferPacketType, ssrc uint32) {
	in.mu.Lock()
	i, ok := in.open[inletKey{kind, ssrc}]
	in.mu.Unlock()
	if ok {
		i.stop()
	}
}

// deliverFunc takes a packet and the time of its arrival.
type deliverFunc func(packet []byte, at time.Time)

// inlet is a buffer for Pion that stores packets only until attach is called.
type inlet struct {
	in  *inlets
	key inletKey

	mu      sync.Mutex // guards the fields below, and is held during deliver; before inlets.mu
	deliver deliverFunc
	early   []earlyPacket
	closed  bool
}

// earlyPacket is a packet that came before its track was set up.
type earlyPacket struct {
	data []byte
	at   time.Time
}

// Write is called by Pion's reading goroutine with one decrypted packet.
func (i *inlet) Write(b []byte) (int, error) {
	now := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.closed:
	case i.deliver != nil:
		i.deliver(b, now)
	case i.in.reserve():
		i.early = append(i.early, earlyPacket{append([]byte(nil), b...), now})
	}
	return len(b), nil
}

// Read returns io.EOF. Only Pion reads from an inlet, when it probes an undeclared SSRC.
func (i *inlet) Read([]byte) (int, error) { return 0, io.EOF }

// Close is called by Pion when the stream ends.
func (i *inlet) Close() error {
	i.stop()
	i.in.mu.Lock()
	defer i.in.mu.Unlock()
	if i.in.open[i.key] == i {
		delete(i.in.open, i.key)
	}
	return nil
}

func (i *inlet) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed, i.deliver = true, nil
	i.dropEarly()
}

// dropEarly forgets the early packets. mu is held.
func (i *inlet) dropEarly() {
	i.in.mu.Lock()
	defer i.in.mu.Unlock()
	i.in.early -= len(i.early)
	i.early = nil
}
