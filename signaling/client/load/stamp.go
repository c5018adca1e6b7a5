package load

import (
	"encoding/binary"
	"time"
)

const (
	stampLength = 16         // bytes of padding: mark, number, time
	stampMark   = 0xBED51DE0 // distinguishes a stamp from an encoder's padding
)

// stampable returns an Opus packet with space for a stamp in its padding (RFC 6716, 3.2.5: code 3,
// constant bit rate, one frame), which decoders skip. It returns false if the packet does not have
// exactly one frame.
func stampable(packet []byte) ([]byte, bool) {
	if len(packet) < 2 || packet[0]&3 != 0 {
		return nil, false
	}
	const oneFrameWithPadding = 0x41
	p := make([]byte, 0, len(packet)+2+stampLength)
	p = append(p, packet[0]|3, oneFrameWithPadding, stampLength)
	p = append(p, packet[1:]...)
	return append(p, make([]byte, stampLength)...), true
}

// stamp writes the packet's number and the time of sending into its padding.
func stamp(packet []byte, number uint32, at time.Duration) {
	pad := packet[len(packet)-stampLength:]
	binary.BigEndian.PutUint32(pad, stampMark)
	binary.BigEndian.PutUint32(pad[4:], number)
	binary.BigEndian.PutUint64(pad[8:], uint64(at))
}

// stamped reads a stamp. It returns false if the packet has none.
func stamped(packet []byte) (number uint32, at time.Duration, ok bool) {
	if len(packet) < 3+stampLength || packet[0]&3 != 3 || packet[1] != 0x41 ||
		packet[2] != stampLength {
		return 0, 0, false
	}
	pad := packet[len(packet)-stampLength:]
	if binary.BigEndian.Uint32(pad) != stampMark {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(pad[4:]), time.Duration(binary.BigEndian.Uint64(pad[8:])), true
}
