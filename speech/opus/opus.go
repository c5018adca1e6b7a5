// Package opus turns Opus packets into samples and back: it orders and repairs what came over the
// network (Assembler), decodes and encodes (Decoder, Encoder), reads and writes Ogg Opus and
// reads WAV (OggWriter, OggReader, AudioReader), and feeds headless speakers (PacketSource). It
// calls libopus through cgo.
//
// One sequence of Packets stands for one voice on its time line. The recording holds exactly that
// sequence and both the live path and the recording go through the same Decoder, so both give the
// same samples. For the same reason our recordings have a pre-skip of 0: the first sample of a
// recording is the first sample of the time line.
package opus

import "errors"

const (
	// SampleRate is what a Decoder gives, and what analysis works on.
	SampleRate = 16000
	// ClockRate is the rate of RTP timestamps, granule positions and Packet.Start, and what an
	// Encoder takes.
	ClockRate = 48000

	frame20ms   = ClockRate / 50
	maxDuration = 120 * ClockRate / 1000 // of a packet, RFC 6716 section 3.2.5
	// 2.5 ms: the shortest frame; durations and places are multiples of it
	tick = ClockRate / 400
)

// Packet is one slot of a voice's time line. Slots follow one another without a hole; where
// nothing came, a filler takes the slot: a packet of a TOC byte alone, which every Opus decoder
// takes as "nothing was received here".
type Packet struct {
	Payload []byte
	Start   int64 // on the time line, at 48 kHz
	Samples int   // duration at 48 kHz
	Filler  bool  // made here, not received
	Lost    int   // sequence numbers that never came and whose place this is
}

// Counts says what became of a voice's frames. Assembler and Decoder each count what they see;
// the sum of both is the whole, and then Received = Analysed + Duplicated + Late + Corrupt and
// Lost = Recovered + Concealed.
type Counts struct {
	Received   int // frames that were pushed
	Analysed   int // decoded
	Lost       int // sequence numbers that never came in time
	Recovered  int // of the lost, rebuilt from the next packet's in-band FEC
	Concealed  int // of the lost, concealed
	Duplicated int
	Late       int // came after their place had been given away
	Corrupt    int // malformed, undecodable, or claiming an impossible time
}

// Add gives the sum of two counts.
func (c Counts) Add(o Counts) Counts {
	return Counts{
		Received: c.Received + o.Received, Analysed: c.Analysed + o.Analysed, Lost: c.Lost +
			o.Lost,
		Recovered: c.Recovered + o.Recovered, Concealed: c.Concealed + o.Concealed,
		Duplicated: c.Duplicated + o.Duplicated, Late: c.Late + o.Late, Corrupt: c.Corrupt +
			o.Corrupt,
	}
}

// What can be wrong with audio. Each is wrapped in a message that says what was found and what to
// do about it.
var (
	ErrMalformed   = errors.New("malformed Opus packet")
	ErrNotAudio    = errors.New("not audio")
	ErrTruncated   = errors.New("audio ends too early")
	ErrDamaged     = errors.New("audio is damaged")
	ErrUnsupported = errors.New("audio format is not supported")
	ErrTooLong     = errors.New("audio is too long")
)
