package sfu

import (
	"io"
	"sync"

	"github.com/pion/transport/v5/packetio"
)

const (
	// maxInlets limits the memory that a client can use by sending with many SSRCs. A full room
	// needs two per participant.
	maxInlets = 512
	// maxEarly is the number of packets kept until their track is set up: a second of audio.
	maxEarly = 50
)

// inlets are the buffers into which Pion writes the decrypted packets of one PeerConnection, one
// for each SSRC and kind (RTP or RTCP). An inlet does not queue packets for a reading goroutine
// but passes each on in the goroutine that decrypted it.
type inlets struct {
	mu       sync.Mutex
	open     map[inletKey]*inlet
	overflow func() // called when there are too many; must not block
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
// time. deliver must not keep the packet.
func (in *inlets) attach(kind packetio.BufferPacketType, ssrc uint32, deliver func([]byte)) {
	i := in.get(inletKey{kind, ssrc})
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deliver = deliver
	for _, b := range i.early {
		deliver(b)
	}
	i.early = nil
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

// inlet is a buffer for Pion that stores packets only until attach is called.
type inlet struct {
	in  *inlets
	key inletKey

	mu      sync.Mutex // guards the fields below, and is held during deliver
	deliver func([]byte)
	early   [][]byte
	closed  bool
}

// Write is called by Pion's reading goroutine with one decrypted packet.
func (i *inlet) Write(b []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.closed:
	case i.deliver != nil:
		i.deliver(b)
	case len(i.early) < maxEarly:
		i.early = append(i.early, append([]byte(nil), b...))
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
	i.closed, i.deliver, i.early = true, nil, nil
}
