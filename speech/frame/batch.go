package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A batch is a version byte, a uvarint of frames dropped before it, and the frames one after the
// other: epoch, sequence and timestamp big-endian, arrival as a zigzag varint, length as a
// uvarint, payload.
const (
	batchVersion = 1
	fixed        = 2 + 2 + 4

	// MaxPayload is the longest Opus packet taken, in bytes; an RTP packet carries no more.
	MaxPayload = 1500
	// MaxFrames is how many frames a batch may hold.
	MaxFrames = 256
	// MaxBatch is the longest batch that ParseBatch reads, in bytes.
	MaxBatch = MaxFrames * (MaxPayload + 24)
)

// ErrMalformed is the cause of every error of ParseBatch.
var ErrMalformed = errors.New("malformed audio batch")

// Batch is what one message of the log holds: frames in order of arrival, and how many were
// dropped before them because the log did not keep up. No frames and no drops make a heartbeat.
type Batch struct {
	Dropped int
	Frames  []Frame
}

// Append adds b's binary form to dst. Frames over MaxPayload or MaxFrames are the caller's
// mistake and make ParseBatch fail.
func (b Batch) Append(dst []byte) []byte {
	dst = append(dst, batchVersion)
	dst = binary.AppendUvarint(dst, uint64(max(b.Dropped, 0)))
	for i := range b.Frames {
		f := &b.Frames[i]
		dst = binary.BigEndian.AppendUint16(dst, f.Epoch)
		dst = binary.BigEndian.AppendUint16(dst, f.Sequence)
		dst = binary.BigEndian.AppendUint32(dst, f.Timestamp)
		dst = binary.AppendVarint(dst, f.Arrival)
		dst = binary.AppendUvarint(dst, uint64(len(f.Payload)))
		dst = append(dst, f.Payload...)
	}
	return dst
}

// ParseBatch reads a batch. Payloads are parts of data. Whatever data holds, it neither panics
// nor allocates more than data warrants.
func ParseBatch(data []byte) (Batch, error) {
	if len(data) == 0 || len(data) > MaxBatch {
		return Batch{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	if data[0] != batchVersion {
		return Batch{}, fmt.Errorf("%w: version %d", ErrMalformed, data[0])
	}
	rest := data[1:]
	dropped, n := binary.Uvarint(rest)
	if n <= 0 || dropped > 1<<31 {
		return Batch{}, fmt.Errorf("%w: count of drops", ErrMalformed)
	}
	rest = rest[n:]
	b := Batch{Dropped: int(dropped)}
	for len(rest) > 0 {
		f, after, err := parseFrame(rest)
		if err != nil {
			return Batch{}, err
		}
		if len(b.Frames) == MaxFrames {
			return Batch{}, fmt.Errorf("%w: more than %d frames", ErrMalformed, MaxFrames)
		}
		b.Frames, rest = append(b.Frames, f), after
	}
	return b, nil
}

func parseFrame(b []byte) (f Frame, rest []byte, err error) {
	if len(b) < fixed {
		return f, nil, fmt.Errorf("%w: a frame is cut off", ErrMalformed)
	}
	f.Epoch, f.Sequence, f.Timestamp = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	b = b[fixed:]
	arrival, n := binary.Varint(b)
	if n <= 0 {
		return f, nil, fmt.Errorf("%w: arrival", ErrMalformed)
	}
	f.Arrival, b = arrival, b[n:]
	length, n := binary.Uvarint(b)
	if n <= 0 || length > MaxPayload || length > uint64(len(b)-n) {
		return f, nil, fmt.Errorf("%w: length of a payload", ErrMalformed)
	}
	b = b[n:]
	f.Payload = b[:length:length]
	return f, b[length:], nil
}
