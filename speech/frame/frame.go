// Package frame defines the messages that carry audio from the media server to its analysis: their
// binary form and the NATS subjects they are published on.
//
// A frame is the payload of one RTP packet: one Opus packet, usually 20 ms of sound, or nothing
// (IsPadding). Frames are published in batches, several to a message. The messages of one attempt
// form its log:
//
//	audio.<attempt>.candidate   batches of the candidate's frames
//	audio.<attempt>.patient     batches of the patient's frames
//	audio.<attempt>.events      what happened meanwhile, see package event
//	audio.<attempt>.clock       the play's clock has started or stopped
//	audio.<attempt>.alive       heartbeats: the media server runs, even if nobody speaks
//	audio.<attempt>.end         the end marker: nothing follows
//
// An epoch is one RTP stream of a speaker. A client that reconnects sends a new stream, with a
// sequence number and a timestamp that start at random values, so positions can be compared within
// an epoch only. Later epochs have higher numbers.
//
// A job, on jobs.<attempt>, asks for the analysis of an attempt.
package frame

// Frame is the payload of one RTP packet, with what is needed to place it in time.
type Frame struct {
	Epoch     uint16 // the speaker's RTP stream
	Sequence  uint16
	Timestamp uint32 // RTP, 48 kHz
	Arrival   int64  // at the SFU, in microseconds since 1970
	Payload   []byte
}

// IsPadding reports whether the RTP packet had no payload, only padding, as a browser sends to
// measure the network. It has a sequence number, so it is in the log, but it is no sound.
func (f Frame) IsPadding() bool { return len(f.Payload) == 0 }
