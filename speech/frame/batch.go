package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The binary form of a batch is a version byte, the number of frames dropped before it (uvarint),
// and its frames one after the other: epoch, sequence and timestamp (big-endian), arrival (zigzag
// varint), length of the payload (uvarint), payload.
const (
	batchVersion = 1
	fixedBytes   = 2 + 2 + 4 // epoch, sequence and timestamp

	// MaxPayload is the length of the longest Opus packet accepted, in bytes. An RTP packet
	// carries no more.
	MaxPayload = 1500
	// MaxFrames is the largest number of frames in a batch.
	MaxFrames = 256
	// MaxBatch is the length of the longest batch that ParseBatch reads, in bytes.
	MaxBatch = MaxFrames * (MaxPayload + 24)
)

// ErrMalformed is returned by ParseBatch for data that is not a batch, or one over a limit.
var ErrMalformed = errors.New("malformed audio batch")

// Batch is the content of one message of the log: frames in order of arrival, and the number of
// frames dropped before them because the log did not keep up.
type Batch struct {
	Dropped int
	Frames  []Frame
}

// Append appends b's binary form to dst and returns the result. The caller must respect MaxPayload
// and MaxFrames; otherwise ParseBatch fails.
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

// ParseBatch reads a batch. The payloads are slices of data. Any data is safe to pass: memory is
// bounded by its length. The error is ErrMalformed.
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
		return Batch{}, fmt.Errorf("%w: number of dropped frames", ErrMalformed)
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
	if len(b) < fixedBytes {
		return f, nil, fmt.Errorf("%w: truncated frame", ErrMalformed)
	}
	f.Epoch = binary.BigEndian.Uint16(b)
	f.Sequence = binary.BigEndian.Uint16(b[2:])
	f.Timestamp = binary.BigEndian.Uint32(b[4:])
	b = b[fixedBytes:]
	arrival, n := binary.Varint(b)
	if n <= 0 {
		return f, nil, fmt.Errorf("%w: arrival time", ErrMalformed)
	}
	f.Arrival, b = arrival, b[n:]
	length, n := binary.Uvarint(b)
	if n <= 0 || length > MaxPayload || length > uint64(len(b)-n) {
		return f, nil, fmt.Errorf("%w: payload length", ErrMalformed)
	}
	b = b[n:]
	f.Payload = b[:length:length]
	return f, b[length:], nil
}
