package protocol

import "fmt"

// Join is the first message of a new participant. Only Join and Resume are accepted as a first
// message.
type Join struct {
	// Version is the protocol version of the client.
	Version int `json:"version"`
	// Ticket is from POST /api/attempts/{id}/ticket. It works once, within a minute.
	Ticket string `json:"ticket"`
	// Offer is the SDP of the client's PeerConnection, with one audio section that sends, or for
	// an observer one that only receives.
	Offer string `json:"offer"`
}

// Resume is the first message on a new socket of a participant whose old socket was lost. It takes
// the same seat again; the media is not affected.
type Resume struct {
	// Token is the resume token of joined, or of the last resumed.
	Token string `json:"token"`
	// RestartICE requests an offer with an ICE restart, for a client whose network has changed.
	RestartICE bool `json:"restart_ice,omitempty"`
}

// Answer answers an Offer.
type Answer struct {
	// OfferID is the id of the offer.
	OfferID uint64 `json:"offer_id"`
	// SDP is the answer.
	SDP string `json:"sdp"`
}

// Candidate is an additional ICE candidate of the client. Those in the SDP need not be repeated.
type Candidate struct {
	// Candidate is the line without "a="; empty at the end of candidates.
	Candidate string `json:"candidate"`
	// SDPMid identifies the section that the candidate belongs to.
	SDPMid *string `json:"sdp_mid,omitempty"`
	// SDPMLineIndex is the index of that section.
	SDPMLineIndex *uint16 `json:"sdp_m_line_index,omitempty"`
}

// RestartICE requests an offer with an ICE restart, for a client whose media connection fails.
type RestartICE struct{}

// Mute informs the others that the sender has muted or unmuted the microphone.
type Mute struct {
	// Muted is the new state.
	Muted bool `json:"muted"`
}

// Hidden tells that the sender's page went to the background, where a browser may stop its
// microphone, or came back.
type Hidden struct {
	// Hidden is the new state.
	Hidden bool `json:"hidden"`
}

// Sent tells how many packets the sender has sent on one RTP stream of this play. After a lost
// connection the count tells what was lost with it. It may be sent again.
type Sent struct {
	// SSRC identifies the stream: that of this connection or of an earlier one.
	SSRC uint32 `json:"ssrc"`
	// Packets counts from the beginning of the stream, without retransmissions.
	Packets int `json:"packets"`
}

// Start ends the preparation and begins the play. Only the candidate may send it.
type Start struct{}

// Finish ends the play. The candidate and the patient may send it.
type Finish struct{}

// Leave gives up the seat, which then cannot be resumed.
type Leave struct{}

// Ping requests a Pong, so that a browser can tell a slow socket from a dead one.
type Ping struct {
	// ID is repeated in the pong.
	ID uint64 `json:"id"`
}

func (Join) clientType() string       { return "join" }
func (Resume) clientType() string     { return "resume" }
func (Answer) clientType() string     { return "answer" }
func (Candidate) clientType() string  { return "candidate" }
func (RestartICE) clientType() string { return "restart_ice" }
func (Mute) clientType() string       { return "mute" }
func (Hidden) clientType() string     { return "hidden" }
func (Sent) clientType() string       { return "sent" }
func (Start) clientType() string      { return "start" }
func (Finish) clientType() string     { return "finish" }
func (Leave) clientType() string      { return "leave" }
func (Ping) clientType() string       { return "ping" }

// Maximum lengths of text fields, in bytes. SDPs are limited by MaxMessage.
const (
	maxTicket    = 4096
	maxToken     = 128
	maxCandidate = 1024
	maxMid       = 256
)

// maxSent is the largest count of a Sent: more than two hours of the shortest Opus packets.
const maxSent = 5_000_000

func (m Join) check() error {
	if m.Version != Version {
		return fmt.Errorf("%w: version %d is not supported, only %d", ErrField, m.Version, Version)
	}
	if err := present("ticket", m.Ticket, maxTicket); err != nil {
		return err
	}
	return present("offer", m.Offer, MaxMessage)
}

func (m Resume) check() error { return present("token", m.Token, maxToken) }

func (m Answer) check() error {
	if m.OfferID == 0 {
		return fmt.Errorf("%w: offer_id is missing", ErrField)
	}
	return present("sdp", m.SDP, MaxMessage)
}

func (m Candidate) check() error {
	if len(m.Candidate) > maxCandidate {
		return fmt.Errorf("%w: candidate is longer than %d bytes", ErrField, maxCandidate)
	}
	if m.SDPMid != nil && len(*m.SDPMid) > maxMid {
		return fmt.Errorf("%w: sdp_mid is longer than %d bytes", ErrField, maxMid)
	}
	return nil
}

func (m Sent) check() error {
	if m.Packets < 0 || m.Packets > maxSent {
		return fmt.Errorf("%w: packets must be from 0 to %d", ErrField, maxSent)
	}
	return nil
}

func (RestartICE) check() error { return nil }
func (Mute) check() error       { return nil }
func (Hidden) check() error     { return nil }
func (Start) check() error      { return nil }
func (Finish) check() error     { return nil }
func (Leave) check() error      { return nil }
func (Ping) check() error       { return nil }

// present checks that a text field is set and not longer than limit.
func present(name, value string, limit int) error {
	if value == "" {
		return fmt.Errorf("%w: %s is missing", ErrField, name)
	}
	if len(value) > limit {
		return fmt.Errorf("%w: %s is longer than %d bytes", ErrField, name, limit)
	}
	return nil
}

// clientMessages returns one value of every message that clients send, in the order of
// PROTOCOL.md.
func clientMessages() []ClientMessage {
	return []ClientMessage{
		Join{}, Resume{}, Answer{}, Candidate{}, RestartICE{}, Mute{}, Hidden{}, Sent{}, Start{},
		Finish{}, Leave{}, Ping{},
	}
}
