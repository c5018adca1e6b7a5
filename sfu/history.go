package sfu

import "sync"

// historySize is the number of packets of a track that can be sent again: 2.5 s of audio. It is a
// power of two.
const historySize = 128

// history keeps copies of a track's last packets, once for all subscribers. Slots are reused, so
// it allocates only until each has grown to the size of the packets. It is safe for concurrent
// use.
type history struct {
	mu    sync.Mutex
	slots [historySize]Packet
	used  [historySize]bool
}

// put stores a copy of a packet.
func (h *history) put(p *Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := p.Sequence % historySize
	slot := &h.slots[i]
	payload := append(slot.Payload[:0], p.Payload...)
	*slot = *p
	slot.Payload, h.used[i] = payload, true
}

// get returns a copy of a packet, with its payload in scratch; false if the packet is not there
// any more.
func (h *history) get(seq uint16, scratch []byte) (Packet, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := seq % historySize
	if !h.used[i] || h.slots[i].Sequence != seq {
		return Packet{}, false
	}
	p := h.slots[i]
	p.Payload = append(scratch[:0], p.Payload...)
	return p, true
}
