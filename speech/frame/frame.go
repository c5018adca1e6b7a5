// Package frame is an Opus packet in transit: its binary form, several to a message, and the
// names of the subjects it travels on.
package frame

// Frame is one RTP packet's payload with what is needed to place it in time. Arrival is the SFU's
// clock in microseconds since the Unix epoch. Epoch numbers the tracks of one speaker: it rises
// by one when the speaker's RTP stream starts anew (a new SSRC), since sequence numbers and
// timestamps of two streams cannot be compared.
type Frame struct {
	Epoch     uint16
	Sequence  uint16
	Timestamp uint32 // RTP, 48 kHz
	Arrival   int64
	Payload   []byte
}
