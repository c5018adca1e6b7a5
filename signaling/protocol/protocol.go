// Package protocol is the WebSocket language between a room's participants and the signalling hub: JSON objects, one to a message, each
// with a "type". The structs here are the truth; the TypeScript in web/src/lib/gen and the tables of PROTOCOL.md follow them.
package protocol

//go:generate go run ./gen -out ../../web/src/lib/gen/protocol.ts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Version is sent in join. A server refuses a version it does not speak.
const Version = 1

// MaxMessage is the longest message either side accepts, in bytes.
const MaxMessage = 64 << 10

// Errors of Decode, wrapped with what is wrong.
var (
	ErrTooLarge    = fmt.Errorf("the message is longer than %d bytes", MaxMessage)
	ErrMalformed   = errors.New("the message is not a JSON object of this protocol")
	ErrUnknownType = errors.New("unknown message type")
	ErrField       = errors.New("bad field")
)

// ClientMessage is what a participant sends. The interface is sealed: its implementations are the structs of this package.
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

// DecodeClient reads what a participant sent. It is strict: unknown types, unknown fields and missing fields are errors.
func DecodeClient(b []byte) (ClientMessage, error) {
	m, err := decode(b, clientMessages(), true)
	if err != nil {
		return nil, err
	}
	message := m.(ClientMessage)
	if err := message.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", message.clientType(), err)
	}
	return message, nil
}

// DecodeServer reads what the hub sent. Fields that this version does not know are passed over, so that a server may add some.
func DecodeServer(b []byte) (ServerMessage, error) {
	m, err := decode(b, serverMessages(), false)
	if err != nil {
		return nil, err
	}
	return m.(ServerMessage), nil
}

func decode[M any](b []byte, known []M, strict bool) (any, error) {
	if len(b) > MaxMessage {
		return nil, ErrTooLarge
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w (an object was expected)", ErrMalformed)
	}
	var name string
	if err := json.Unmarshal(fields["type"], &name); err != nil {
		return nil, fmt.Errorf("%w (it has no \"type\")", ErrMalformed)
	}
	for _, m := range known {
		if TypeOf(m) == name {
			return fill(b, fields, m, strict)
		}
	}
	return nil, fmt.Errorf("%w %.40q", ErrUnknownType, name)
}

// fill decodes into a new value of m's type.
func fill(b []byte, fields map[string]json.RawMessage, m any, strict bool) (any, error) {
	value := reflect.New(reflect.TypeOf(m))
	if strict {
		delete(fields, "type")
		rest, err := json.Marshal(fields)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		b = rest
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(value.Interface()); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", TypeOf(m), ErrField, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w (something follows the object)", ErrMalformed)
	}
	return value.Elem().Interface(), nil
}
