package protocol

import "fmt"

// Join is the first message of a participant who is new to the room. Nothing else is accepted
// before it, or before Resume.
type Join struct {
	// Version of the protocol that the client speaks.
	Version int `json:"version"`
	// Ticket from POST /api/attempts/{id}/ticket; it works once, within a minute.
	Ticket string `json:"ticket"`
	// Offer is the SDP of the client's PeerConnection: one audio section to send on; an
	// observer's receives only.
	Offer string `json:"offer"`
}

// Resume is the first message on a new socket of a participant whose old socket was lost: same
// place, media untouched.
type Resume struct {
	// Token from joined, or from the last resumed.
	Token string `json:"token"`
	// RestartICE asks for an offer with an ICE restart, for a client whose network has changed.
	RestartICE bool `json:"restart_ice,omitempty"`
}

// Answer answers a server's offer.
type Answer struct {
	// OfferID of the offer that this answers.
	OfferID uint64 `json:"offer_id"`
	// SDP of the answer.
	SDP string `json:"sdp"`
}

// Candidate is a further ICE candidate of the client. Those in the SDP need not be repeated.
type Candidate struct {
	// Candidate line, without "a="; empty when there are no more.
	Candidate string `json:"candidate"`
	// SDPMid of the section it belongs to.
	SDPMid *string `json:"sdp_mid,omitempty"`
	// SDPMLineIndex of the section it belongs to.
	SDPMLineIndex *uint16 `json:"sdp_m_line_index,omitempty"`
}

// RestartICE asks for an offer with an ICE restart, when the client sees its connection fail.
type RestartICE struct{}

// Mute tells the others that the sender has muted the microphone, or no longer.
type Mute struct {
	// Muted is the state from now on.
	Muted bool `json:"muted"`
}

// Start ends the preparation and begins the play. The candidate's alone.
type Start struct{}

// Finish ends the play. The candidate's or the patient's.
type Finish struct{}

// Leave gives the place up: there is no resuming after it.
type Leave struct{}

// Ping asks for a pong, so that a browser can tell a slow socket from a dead one.
type Ping struct {
	// ID comes back in the pong.
	ID uint64 `json:"id"`
}

func (Join) clientType() string       { return "join" }
func (Resume) clientType() string     { return "resume" }
func (Answer) clientType() string     { return "answer" }
func (Candidate) clientType() string  { return "candidate" }
func (RestartICE) clientType() string { return "restart_ice" }
func (Mute) clientType() string       { return "mute" }
func (Start) clientType() string      { return "start" }
func (Finish) clientType() string     { return "finish" }
func (Leave) clientType() string      { return "leave" }
func (Ping) clientType() string       { return "ping" }

// Bounds of text fields, in bytes; SDPs are bounded by the message.
const (
	maxTicket    = 4096
	maxToken     = 128
	maxCandidate = 1024
	maxMid       = 256
)

func (m Join) check() error {
	if m.Version != Version {
		return fmt.Errorf("%w: version %d is not spoken here, %d is", ErrField, m.Version, Version)
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

func (RestartICE) check() error { return nil }
func (Mute) check() error       { return nil }
func (Start) check() error      { return nil }
func (Finish) check() error     { return nil }
func (Leave) check() error      { return nil }
func (Ping) check() error       { return nil }

func present(name, value string, limit int) error {
	if value == "" {
		return fmt.Errorf("%w: %s is missing", ErrField, name)
	}
	if len(value) > limit {
		return fmt.Errorf("%w: %s is longer than %d bytes", ErrField, name, limit)
	}
	return nil
}

// clientMessages is the registry: one value of every message that a client may send, in the order
// of PROTOCOL.md.
func clientMessages() []ClientMessage {
	return []ClientMessage{
		Join{}, Resume{}, Answer{}, Candidate{}, RestartICE{}, Mute{}, Start{}, Finish{}, Leave{},
		Ping{},
	}
}
