// Package protocol defines the WebSocket messages between a room's participants and the signaling
// hub: one JSON object per message, with a "type". The structs here are authoritative; the
// TypeScript in web/src/lib/gen is generated from them, and a test compares PROTOCOL.md with them.
package protocol

//go:generate go run ./gen -out ../../web/src/lib/gen/protocol.ts

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Version is the protocol version that Join contains. A server refuses every other version.
const Version = 1

// MaxMessage is the maximum size of a message in either direction, in bytes.
const MaxMessage = 64 << 10

// Errors of decoding. They are wrapped with details.
var (
	// ErrTooLarge is returned for a message longer than MaxMessage.
	ErrTooLarge = fmt.Errorf("the message is longer than %d bytes", MaxMessage)
	// ErrMalformed is returned for anything other than one JSON object with a "type".
	ErrMalformed = errors.New("the message is not a JSON object of this protocol")
	// ErrUnknownType is returned for a "type" that the protocol does not have in this direction.
	ErrUnknownType = errors.New("unknown message type")
	// ErrField is returned for a field that is missing, unknown, of the wrong type or too long.
	ErrField = errors.New("bad field")
)

// ClientMessage is a message from a participant. The interface is sealed: only structs of this
// package implement it.
type ClientMessage interface {
	clientType() string
	// check returns ErrField if a field is missing or out of bounds.
	check() error
}

// ServerMessage is a message from the hub. The interface is sealed.
type ServerMessage interface{ serverType() string }

// TypeOf returns a message's "type", or "" for any other value.
func TypeOf(m any) string {
	switch m := m.(type) {
	case ClientMessage:
		return m.clientType()
	case ServerMessage:
		return m.serverType()
	}
	return ""
}

// Encode returns a message as JSON, with its type first. It returns ErrUnknownType for a value
// that is no message.
func Encode(m any) ([]byte, error) {
	name := TypeOf(m)
	if name == "" {
		return nil, fmt.Errorf("%T: %w", m, ErrUnknownType)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", name, err)
	}
	out := fmt.Appendf(nil, `{"type":%q`, name)
	if len(body) > 2 {
		out = append(out, ',')
	}
	return append(out, body[1:]...), nil
}
