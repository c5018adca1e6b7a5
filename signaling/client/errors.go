package client

import (
	"errors"
	"fmt"
	"slices"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
)

// Errors of a participant.
var (
	// ErrClosed means that the participant has left, or that the room has ended as it should.
	ErrClosed = errors.New("the participant has left the room")
	// ErrLost means that the connection could not be mended within the server's grace.
	ErrLost = errors.New("the connection to the room is lost")
	// ErrServerClosing means that the server is shutting down.
	ErrServerClosing = errors.New("the server is closing")
)

// Refusal is an error that the server has told.
type Refusal protocol.Error

// Error tells code and message.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the server refused: %s (%s)", r.Message, r.Code)
}

// errCut means that the socket is lost and may be mended.
var errCut = errors.New("the socket is cut")

// errProtocol means that the server says what this client does not understand.
var errProtocol = errors.New("the server speaks another protocol")

// mendable are the fatal errors that leave the place in the room, so that resuming makes sense.
func mendable() []protocol.ErrorCode {
	return []protocol.ErrorCode{protocol.CodeSlow, protocol.CodeUnavailable, protocol.CodeRate}
}

// verdict says what the end of a socket means: errCut, or why there is no way back.
func verdict(why error, last protocol.ServerMessage) error {
	switch m := last.(type) {
	case protocol.Error:
		if m.Fatal && !slices.Contains(mendable(), m.Code) {
			r := Refusal(m)
			return &r
		}
	case protocol.Closing:
		return fmt.Errorf("%w: %s", ErrServerClosing, m.Reason)
	}
	code, reason, told := closure(why)
	switch {
	case errors.Is(why, errProtocol):
		return why
	case told && code == websocket.StatusNormalClosure:
		return fmt.Errorf("%w: %s", ErrClosed, reason)
	case told && code >= 4000 && !slices.ContainsFunc(mendable(), func(c protocol.ErrorCode) bool {
		return protocol.CloseCode(c) == int(code)
	}):
		return fmt.Errorf("the server has closed the socket: %s (%d)", reason, code)
	}
	return fmt.Errorf("%w: %w", errCut, why)
}

// lost tells whether an attempt to resume has failed for good.
func lost(err error) bool {
	var r *Refusal
	if errors.As(err, &r) {
		return !slices.Contains(mendable(), r.Code)
	}
	return errors.Is(err, ErrClosed) || errors.Is(err, ErrServerClosing) ||
		errors.Is(err, errProtocol)
}
