package protocol

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

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

// CallPatient asks for the automatic patient, after a person who played the patient has left. Only
// the candidate may send it.
type CallPatient struct{}

// Typed says something to the automatic patient by typing. Only the candidate may send it, and not
// in exam mode.
type Typed struct {
	// Text is what the candidate says: 1 to 500 characters.
	Text string `json:"text"`
}

// Talk tells that the candidate holds the button to talk down, or has let it go. Only the
// candidate may send it, to an automatic patient.
type Talk struct {
	// On is the new state.
	On bool `json:"on"`
}

// Heard tells what the browser's own recogniser has heard of the candidate. Only the candidate may
// send it, to an automatic patient.
type Heard struct {
	// Words are at most 100.
	Words []HeardWord `json:"words"`
	// Final is true when the recogniser does not change these words any more.
	Final bool `json:"final"`
}

// HeardWord is a word that the browser's recogniser has heard.
type HeardWord struct {
	// Text is the word: at most 100 bytes.
	Text string `json:"text"`
	// FromMS is when the word began, in milliseconds of the play.
	FromMS int64 `json:"from_ms"`
	// ToMS is when the word ended.
	ToMS int64 `json:"to_ms"`
	// Confidence is from 0 to 1.
	Confidence float64 `json:"confidence"`
}

// Control changes the course of a play with the automatic patient. Only the candidate may send it,
// and not in exam mode.
type Control struct {
	// Action is what to do.
	Action ControlAction `json:"action"`
}

// Leave gives up the seat, which then cannot be resumed.
type Leave struct{}

// Ping requests a Pong, so that a browser can tell a slow socket from a dead one.
type Ping struct {
	// ID is repeated in the pong.
	ID uint64 `json:"id"`
}

func (Join) clientType() string        { return "join" }
func (Resume) clientType() string      { return "resume" }
func (Answer) clientType() string      { return "answer" }
func (Candidate) clientType() string   { return "candidate" }
func (RestartICE) clientType() string  { return "restart_ice" }
func (Mute) clientType() string        { return "mute" }
func (Hidden) clientType() string      { return "hidden" }
func (Sent) clientType() string        { return "sent" }
func (Start) clientType() string       { return "start" }
func (Finish) clientType() string      { return "finish" }
func (CallPatient) clientType() string { return "call_patient" }
func (Typed) clientType() string       { return "typed" }
func (Talk) clientType() string        { return "talk" }
func (Heard) clientType() string       { return "heard" }
func (Control) clientType() string     { return "control" }
func (Leave) clientType() string       { return "leave" }
func (Ping) clientType() string        { return "ping" }

// Maximum lengths of text fields, in bytes. SDPs are limited by MaxMessage.
const (
	maxTicket    = 4096
	maxToken     = 128
	maxCandidate = 1024
	maxMid       = 256
	maxWord      = 100
)

// MaxTyped is the largest number of characters in a Typed.
const MaxTyped = 500

// MaxHeardWords is the largest number of words in a Heard.
const MaxHeardWords = 100

// maxPlayMS is the latest time in a play that a Heard may name: two hours.
const maxPlayMS = 2 * 60 * 60 * 1000

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

func (m Typed) check() error {
	if strings.TrimSpace(m.Text) == "" {
		return fmt.Errorf("%w: text is missing", ErrField)
	}
	if utf8.RuneCountInString(m.Text) > MaxTyped {
		return fmt.Errorf("%w: text is longer than %d characters", ErrField, MaxTyped)
	}
	return nil
}

func (m Heard) check() error {
	if len(m.Words) == 0 || len(m.Words) > MaxHeardWords {
		return fmt.Errorf("%w: words must be from 1 to %d", ErrField, MaxHeardWords)
	}
	for _, w := range m.Words {
		switch {
		case w.Text == "" || len(w.Text) > maxWord:
			return fmt.Errorf("%w: a word must have 1 to %d bytes", ErrField, maxWord)
		case w.FromMS < 0 || w.ToMS < w.FromMS || w.ToMS > maxPlayMS:
			return fmt.Errorf("%w: from_ms and to_ms must be times of the play, in order",
				ErrField)
		case !(w.Confidence >= 0 && w.Confidence <= 1):
			return fmt.Errorf("%w: confidence must be from 0 to 1", ErrField)
		}
	}
	return nil
}

func (m Control) check() error {
	switch m.Action {
	case ControlPause, ControlResume, ControlAgain, ControlHint, ControlRestart:
		return nil
	}
	return fmt.Errorf("%w: action must be pause, resume, again, hint or restart", ErrField)
}

func (RestartICE) check() error  { return nil }
func (Mute) check() error        { return nil }
func (Hidden) check() error      { return nil }
func (Start) check() error       { return nil }
func (Finish) check() error      { return nil }
func (CallPatient) check() error { return nil }
func (Talk) check() error        { return nil }
func (Leave) check() error       { return nil }
func (Ping) check() error        { return nil }

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
		Finish{}, CallPatient{}, Typed{}, Talk{}, Heard{}, Control{}, Leave{}, Ping{},
	}
}
