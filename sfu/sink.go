package sfu

import "time"

// Packet is a received RTP packet. It and its Payload are valid only during the call that passes
// it.
type Packet struct {
	SSRC        uint32
	Index       int // of the packet in its stream: 0 for the first that arrived
	Sequence    uint16
	Timestamp   uint32
	Marker      bool
	PayloadType uint8
	Payload     []byte // without padding
	Arrival     time.Time

	// From the audio level header extension (RFC 6464), when HasLevel.
	HasLevel   bool
	AudioLevel uint8 // in -dBov: 0 is the loudest, 127 is silence
	Voice      bool  // the sender's voice activity detection
}

// Sink receives the packets of one track. WriteRTP is called by one goroutine at a time, in order
// of arrival; it must not block or keep the packet or its payload. Close is called once, after
// the last WriteRTP, when the track ends or the sink is removed. It must not block either,
// because the room may be locked.
type Sink interface {
	WriteRTP(p *Packet)
	Close()
}

// CountingSink is a Sink that also receives how many packets the publisher has sent.
type CountingSink interface {
	Sink
	// WriteCount passes how many packets of the stream ssrc the publisher has sent at least, since
	// the stream began and each once, as its sender report says. It is called like WriteRTP.
	WriteCount(ssrc uint32, packets int)
}

// Tap makes the sinks that Room.StartTap adds to published tracks. Sink is called once for each
// track; if it returns nil, the track is not tapped. The room is locked during the call, which
// must not block or call the room.
type Tap interface {
	Sink(room, participant string) Sink
}
