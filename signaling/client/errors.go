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
	// ErrClosed is returned after the participant has left or the role play is over.
	ErrClosed = errors.New("the participant has left the room")
	// ErrLost is returned when the connection was not restored within the grace period.
	ErrLost = errors.New("the connection to the room is lost")
	// ErrServerClosing is returned when the server has announced that it is closing the socket,
	// for example because the room moves to another server.
	ErrServerClosing = errors.New("the server is closing")
)

// Refusal is an error message from the server.
type Refusal protocol.Error

// Error returns the message and the code.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the server refused: %s (%s)", r.Message, r.Code)
}

// errCut is returned when the socket is lost and the seat may be resumed.
var errCut = errors.New("the socket was lost")

// errProtocol is returned for a message from the server that cannot be decoded.
var errProtocol = errors.New("the server uses another protocol")

// resumable returns the codes of the fatal errors that leave the seat in the room, so that it can
// be resumed.
func resumable() []protocol.ErrorCode {
	return []protocol.ErrorCode{protocol.CodeSlow, protocol.CodeUnavailable, protocol.CodeRate}
}

// endOfSocket returns what the end of a socket means: errCut if the seat may be resumed, else why
// not. last is the last message on the socket.
func endOfSocket(why error, last protocol.ServerMessage) error {
	switch m := last.(type) {
	case protocol.Error:
		if m.Fatal && !slices.Contains(resumable(), m.Code) {
			r := Refusal(m)
			return &r
		}
	case protocol.Closing:
		return fmt.Errorf("%w: %s", ErrServerClosing, m.Reason)
	case protocol.Moving:
		return fmt.Errorf("%w: %s", ErrServerClosing, m.Reason)
	}
	code, reason, closed := closeFrame(why)
	switch {
	case errors.Is(why, errProtocol):
		return why
	case closed && code == websocket.StatusNormalClosure:
		return fmt.Errorf("%w: %s", ErrClosed, reason)
	case closed && code == websocket.StatusServiceRestart:
		return fmt.Errorf("%w: %s", ErrServerClosing, reason)
	case closed && code >= 4000 && !resumableClose(code):
		return fmt.Errorf("the server has closed the socket: %s (%d)", reason, code)
	}
	return fmt.Errorf("%w: %w", errCut, why)
}

// resumableClose reports whether a close code is that of a resumable error.
func resumableClose(code websocket.StatusCode) bool {
	return slices.ContainsFunc(resumable(), func(c protocol.ErrorCode) bool {
		return protocol.CloseCode(c) == int(code)
	})
}

// isFinal reports whether an attempt to resume has failed for good.
func isFinal(err error) bool {
	var r *Refusal
	if errors.As(err, &r) {
		return !slices.Contains(resumable(), r.Code)
	}
	return errors.Is(err, ErrClosed) || errors.Is(err, ErrServerClosing) ||
		errors.Is(err, errProtocol)
}
