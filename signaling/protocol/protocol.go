// Package protocol is the WebSocket language between a room's participants and the signalling
// hub: JSON objects, one to a message, each with a "type". The structs here are the truth; the
// TypeScript in web/src/lib/gen and the tables of PROTOCOL.md follow them.
package protocol

//go:generate go run ./gen -out ../../web/src/lib/gen/protocol.ts

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Version is sent in join. A server refuses a version it does not speak.
const Version = 1

// MaxMessage is the longest message either side accepts, in bytes.
const MaxMessage = 64 << 10

// Errors of decoding, wrapped with what is wrong.
var (
	ErrTooLarge    = fmt.Errorf("the message is longer than %d bytes", MaxMessage)
	ErrMalformed   = errors.New("the message is not a JSON object of this protocol")
	ErrUnknownType = errors.New("unknown message type")
	ErrField       = errors.New("bad field")
)

// ClientMessage is what a participant sends. The interface is sealed: its implementations are the
// structs of this package.
type ClientMessage interface {
	clientType() string
	// check reports a field that is missing or out of bounds.
	check() error
}

// ServerMessage is what the hub sends. The interface is sealed.
type ServerMessage interface{ serverType() string }

// TypeOf gives a message's "type".
func TypeOf(m any) string {
	switch m := m.(type) {
	case ClientMessage:
		return m.clientType()
	case ServerMessage:
		return m.serverType()
	}
	return ""
}

// Encode writes a message with its type in front.
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
