package signaling

import (
	"context"
	"errors"
	"unicode/utf8"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

// clientError is an error in the form in which it is sent to a client.
type clientError protocol.Error

func (e *clientError) Error() string { return string(e.Code) + ": " + e.Message }

// fatalError returns an error after which the socket is closed.
func fatalError(code protocol.ErrorCode, message string) *clientError {
	return &clientError{Code: code, Message: message, Fatal: true}
}

// recoverableError returns an error after which the socket stays open.
func recoverableError(code protocol.ErrorCode, message string) *clientError {
	return &clientError{Code: code, Message: message}
}

// withSocketOpen turns an error of the media node into one that leaves the socket open, unless the
// participant's seat is gone.
func withSocketOpen(err error) error {
	if err == nil {
		return nil
	}
	e := *clientErrorFor(err)
	e.Fatal = e.Code == protocol.CodeResumeUnknown
	return &e
}

var (
	// errRoomClosed is returned for a join to an attempt that has ended.
	errRoomClosed = fatalError(protocol.CodeRoomClosed,
		"this role play has ended; start a new one")
	// errOtherNode is returned for a join to a room that another node holds or shall open, and
	// sent to the participants of a room that another node has taken.
	errOtherNode = fatalError(protocol.CodeOtherNode,
		"another server holds this role play; join again with a new ticket")
	// errResumeUnknown is returned for a resume token that is unknown or whose seat was given up.
	errResumeUnknown = fatalError(protocol.CodeResumeUnknown,
		"the seat is gone; join again with a new ticket")
)

// clientErrorFor is the one table from errors to what clients receive. For an error that is not in
// it, the client receives only that it may try again.
func clientErrorFor(err error) *clientError {
	var e *clientError
	if errors.As(err, &e) {
		return e
	}
	for _, row := range []struct {
		err     error
		code    protocol.ErrorCode
		message string
	}{
		{protocol.ErrTooLarge, protocol.CodeTooLarge, ""},
		{protocol.ErrMalformed, protocol.CodeBadMessage, ""},
		{protocol.ErrUnknownType, protocol.CodeBadMessage, ""},
		{protocol.ErrField, protocol.CodeBadMessage, ""},
		{store.ErrExpired, protocol.CodeTicketExpired, "the ticket has expired; get a new one"},
		{store.ErrReused, protocol.CodeTicketUsed, "the ticket was used before; get a new one"},
		{
			store.ErrUnauthenticated, protocol.CodeTicketInvalid,
			"this is not a ticket of this server; get a new one",
		},
		{
			store.ErrForbidden, protocol.CodeTicketInvalid,
			"the ticket's owner has signed out; sign in and get a new one",
		},
		{store.ErrNotFound, protocol.CodeRoomClosed, "there is no such role play"},
		{errRoomGone, protocol.CodeRoomClosed, "this role play has ended; start a new one"},
		{
			sfu.ErrGone, protocol.CodeResumeUnknown,
			"the seat is gone; join again with a new ticket",
		},
		{
			sfu.ErrGraceExpired, protocol.CodeResumeUnknown,
			"the connection was lost for too long; join again with a new ticket",
		},
		{
			sfu.ErrClosedByClient, protocol.CodeResumeUnknown,
			"the connection was closed by the browser; join again with a new ticket",
		},
		{sfu.ErrTooManyStreams, protocol.CodeBadSDP, ""},
		{sfu.ErrBadSDP, protocol.CodeBadSDP, ""},
		{sfu.ErrBadCandidate, protocol.CodeBadSDP, ""},
		{sfu.ErrTooManyCandidates, protocol.CodeBadSDP, ""},
		{sfu.ErrStaleAnswer, protocol.CodeBadSDP, ""},
		{sfu.ErrTooManyParticipants, protocol.CodeRoomFull, "the room is full"},
		{
			sfu.ErrTooManyRooms, protocol.CodeUnavailable,
			"this server has reached its limit of rooms; try again later",
		},
		{
			sfu.ErrDraining, protocol.CodeOtherNode,
			"this server is being stopped; join again with a new ticket",
		},
		{sfu.ErrReplaced, protocol.CodeReplaced, "you joined this room from somewhere else"},
		{
			store.ErrUnavailable, protocol.CodeUnavailable,
			"a part of the server is unavailable; try again in a moment",
		},
		{
			context.DeadlineExceeded, protocol.CodeUnavailable,
			"the server took too long; try again in a moment",
		},
	} {
		if errors.Is(err, row.err) {
			message := row.message
			if message == "" {
				message = shorten(err.Error(), 500)
			}
			return fatalError(row.code, message)
		}
	}
	return fatalError(protocol.CodeUnavailable,
		"something went wrong on the server; try again in a moment")
}

// closeCode returns the WebSocket close code of a fatal error. PROTOCOL.md lists them.
func closeCode(code protocol.ErrorCode) websocket.StatusCode {
	return websocket.StatusCode(protocol.CloseCode(code))
}

// shorten cuts text to at most limit bytes, between characters.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for i := limit; ; i-- {
		if utf8.RuneStart(text[i]) {
			return text[:i]
		}
	}
}
