// Package opus converts Opus packets to samples and back. It calls libopus through cgo.
//
// Opus (RFC 6716) codes speech in packets, usually of 20 ms. Over a network, packets arrive late,
// out of order, twice or never. The package repairs that in two steps:
//
//   - An Assembler puts the frames of one speaker in order and places them on the attempt's time
//     line, which begins when the play begins. It fills gaps with fillers, so that its packets
//     follow one another without a hole.
//   - A Decoder decodes these packets. For a lost packet it uses the copy that the next packet may
//     carry (in-band forward error correction, FEC). Without one it conceals the loss: libopus
//     continues the sound before it, and fades it out.
//
// The rest reads and writes files: OggWriter and OggReader for Ogg Opus, AudioReader for Ogg Opus
// and WAV, and PacketSource for a file that a headless participant sends. An Encoder encodes.
//
// A recording holds exactly the packets of its Assembler, and goes through the same Decoder when
// it is read. So an analysis of the recording measures the same samples as the live analysis did.
// For the same reason recordings have a pre-skip of 0: the first sample of a recording is the
// first sample of the time line.
package opus

import "errors"

const (
	// SampleRate is the rate of decoded samples in Hz, as the analysis takes them.
	SampleRate = 16000
	// ClockRate is the rate of RTP timestamps, granule positions, Packet.Start and an Encoder's
	// input, in Hz.
	ClockRate = 48000

	frame20ms   = ClockRate / 50
	maxDuration = 120 * ClockRate / 1000 // of a packet, RFC 6716 section 3.2.5
	// tick is 2.5 ms, the shortest frame. All durations and positions are multiples of it.
	tick = ClockRate / 400
)

// Packet is one stretch of a voice's time line. Packets follow one another without a hole. Where
// nothing was received there is a filler: a packet that consists of its first byte only (the TOC,
// which names coding and duration). Every Opus decoder treats such a packet as a lost one.
type Packet struct {
	Payload []byte
	Start   int64 // on the time line, at 48 kHz
	Samples int   // duration at 48 kHz
	Filler  bool  // inserted by the Assembler, not received
	Lost    int   // number of lost frames that it stands for
}

// Counts counts what happened to a voice's frames. Assembler and Decoder each count a part; in the
// sum of both, Received = Analysed + Duplicated + Late + Corrupt and Lost = Recovered + Concealed.
type Counts struct {
	Received   int // frames pushed
	Analysed   int // frames decoded
	Lost       int // sequence numbers that did not arrive in time
	Recovered  int // of the lost: rebuilt from the next packet's FEC
	Concealed  int // of the lost: concealed
	Duplicated int // frames that had arrived before
	Late       int // frames that arrived after packets behind their position were returned
	Unplaced   int // of the late: never counted as lost, since they precede all of their stream
	Corrupt    int // malformed or undecodable frames, and frames with an impossible time
}

// Add returns the sum of two counts.
func (c Counts) Add(o Counts) Counts {
	return Counts{
		Received: c.Received + o.Received, Analysed: c.Analysed + o.Analysed,
		Lost: c.Lost + o.Lost, Recovered: c.Recovered + o.Recovered,
		Concealed: c.Concealed + o.Concealed, Duplicated: c.Duplicated + o.Duplicated,
		Late: c.Late + o.Late, Unplaced: c.Unplaced + o.Unplaced, Corrupt: c.Corrupt + o.Corrupt,
	}
}

// Errors of audio. Each is returned wrapped in a message that says what was found and what to do
// about it.
var (
	// ErrMalformed is returned for an Opus packet that breaks the framing rules of RFC 6716.
	ErrMalformed = errors.New("malformed Opus packet")
	// ErrNotAudio is returned for a file that is neither WAV, Ogg Opus nor MP3, or has no sound
	// in it.
	ErrNotAudio = errors.New("not audio")
	// ErrTruncated is returned when a file ends before its sound does.
	ErrTruncated = errors.New("audio ends too early")
	// ErrDamaged is returned when the content of a file contradicts itself.
	ErrDamaged = errors.New("audio is damaged")
	// ErrUnsupported is returned for audio in a format that the package does not read.
	ErrUnsupported = errors.New("audio format is not supported")
	// ErrTooLong is returned when a file holds more sound than the caller allows.
	ErrTooLong = errors.New("audio is too long")
)
