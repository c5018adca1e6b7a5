package sfu

import "time"

// Packet is a received RTP packet. It is lent: it and its Payload are valid only during the call
// that passes it.
type Packet struct {
	SSRC        uint32
	Sequence    uint16
	Timestamp   uint32
	Marker      bool
	PayloadType uint8
	Payload     []byte // without padding
	Arrival     time.Time

	// From the audio level header extension (RFC 6464), when HasLevel.
	HasLevel   bool
	AudioLevel uint8 // 0 is the loudest, 127 silence: -dBov
	Voice      bool  // the sender's own voice activity detection
}

// Sink takes the packets of one track. WriteRTP is called by one goroutine at a time, in order of
// arrival; it must neither block nor keep the packet or its payload. Close is called once, after
// the last WriteRTP, when the track ends or the sink is taken off it; it must not block either:
// the room may be locked.
type Sink interface {
	WriteRTP(p *Packet)
	Close()
}

// Tap makes the sinks that Room.StartTap adds to published tracks. Sink is called once for each
// track; a nil Sink means that the track is not tapped. It is called with the room locked: it
// must not block nor call back into the room.
type Tap interface {
	Sink(room, participant string) Sink
}
