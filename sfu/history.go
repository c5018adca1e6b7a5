package sfu

import "sync"

// historySize is how many packets of a track can be sent again: 2.5 s of audio. A power of two.
const historySize = 128

// history keeps the last packets of a track, once for all its subscribers. Slots are used again,
// so it allocates only until each has grown to the size of the packets. Safe for concurrent use.
type history struct {
	mu    sync.Mutex
	slots [historySize]Packet
	used  [historySize]bool
}

// put keeps a copy of the packet.
func (h *history) put(p *Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := p.Sequence % historySize
	slot := &h.slots[i]
	payload := append(slot.Payload[:0], p.Payload...)
	*slot = *p
	slot.Payload, h.used[i] = payload, true
}

// get copies a packet out; its payload uses scratch. It reports whether the packet is still there.
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
