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

// refusal is an error that a client is told.
type refusal protocol.Error

func (r *refusal) Error() string { return string(r.Code) + ": " + r.Message }

func fatal(code protocol.ErrorCode, message string) *refusal {
	return &refusal{Code: code, Message: message, Fatal: true}
}

func mild(code protocol.ErrorCode, message string) *refusal {
	return &refusal{Code: code, Message: message}
}

var (
	errRoomClosed    = fatal(protocol.CodeRoomClosed, "this role play has ended; start a new one")
	errResumeUnknown = fatal(protocol.CodeResumeUnknown,
		"the place is gone; join again with a new ticket")
)

// refusalOf is the one table from errors to what a client is told. Unknown errors are ours: the
// client learns only that it may try again.
func refusalOf(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
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
			"whoever got the ticket has signed out; sign in and get a new one",
		},
		{store.ErrNotFound, protocol.CodeRoomClosed, "there is no such role play"},
		{errRoomGone, protocol.CodeRoomClosed, "this role play has ended; start a new one"},
		{
			sfu.ErrGone, protocol.CodeResumeUnknown,
			"the place is gone; join again with a new ticket",
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
			"this server holds as many rooms as it may; try again later",
		},
		{
			sfu.ErrDraining, protocol.CodeUnavailable,
			"this server is shutting down; try again in a moment",
		},
		{sfu.ErrReplaced, protocol.CodeReplaced, "you joined this room from somewhere else"},
		{
			store.ErrUnavailable, protocol.CodeUnavailable,
			"a part of the server is away; try again in a moment",
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
			return fatal(row.code, message)
		}
	}
	return fatal(protocol.CodeUnavailable,
		"something went wrong on the server; try again in a moment")
}

// closeCode of a fatal error, as PROTOCOL.md lists them.
func closeCode(code protocol.ErrorCode) websocket.StatusCode {
	return websocket.StatusCode(protocol.CloseCode(code))
}

// shorten cuts text to so many bytes.
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
