package signaling

import (
	"context"
	"errors"

	"bedside/signaling/protocol"
	"bedside/store"
)

// admit handles a socket's first message: a join with a ticket, or a resume with a resume token.
func (h *Hub) admit(ctx context.Context, c *conn,
	first protocol.ClientMessage) (*participant, error) {
	switch m := first.(type) {
	case protocol.Join:
		return h.joinRoom(ctx, c, m)
	case protocol.Resume:
		return h.resumeSeat(ctx, c, m)
	}
	return nil, fatalError(protocol.CodeBadMessage,
		"the first message must be a join or a resume, not "+protocol.TypeOf(first))
}

// joinRoom uses a ticket to take a seat.
func (h *Hub) joinRoom(ctx context.Context, c *conn, m protocol.Join) (*participant, error) {
	join, err := h.verifier.VerifyTicket(ctx, m.Ticket)
	if err != nil {
		return nil, err
	}
	if join.NodeID != h.env.presence.NodeID() {
		return nil, errOtherNode
	}
	for {
		r, err := h.liveRoom(ctx, join.AttemptID,
			store.Opener{Account: join.UserID, Address: c.address})
		if err != nil {
			return nil, err
		}
		p, err := r.seatNewcomer(ctx, c, join, m.Offer)
		if err == nil {
			h.expelIfSignedOut(ctx, join.SessionID)
		}
		if !errors.Is(err, errRoomGone) {
			return p, err
		}
		select { // look again once the room has stored how it ended
		case <-r.ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// expelIfSignedOut expels the participants of a session that ended between the check of the ticket
// and the seating. If the check fails, the event of the session's end does it later.
func (h *Hub) expelIfSignedOut(ctx context.Context, sessionID string) {
	if err := h.verifier.Check(ctx, sessionID); errors.Is(err, store.ErrUnauthenticated) ||
		errors.Is(err, store.ErrForbidden) {
		h.EndSession(sessionID, "This device was signed out.")
	}
}

// resumeSeat moves a participant to a new socket. It returns errResumeUnknown when the token is
// unknown or its seat was given up.
func (h *Hub) resumeSeat(ctx context.Context, c *conn, m protocol.Resume) (*participant, error) {
	used := hashOf(m.Token)
	p, ok := h.tokens.find(used)
	if !ok {
		return nil, errResumeUnknown
	}
	err := p.room.call(func() error { return p.room.reattach(p, c, used) })
	if errors.Is(err, errRoomGone) {
		return nil, errResumeUnknown
	}
	if err != nil {
		return nil, err
	}
	if m.RestartICE {
		if err := withSocketOpen(p.media.RestartICE(ctx)); err != nil {
			h.sendError(c, err) // queued, so that it comes after the resumed message
		}
	}
	return p, nil
}

// Sessions returns the ids of the sessions that have a participant in a room, each once.
func (h *Hub) Sessions() []string { return h.tokens.sessions() }

// EndSession expels the participants of a session that has ended. Clients receive the reason.
func (h *Hub) EndSession(sessionID, reason string) {
	for _, p := range h.tokens.ofSession(sessionID) {
		p.room.post(func() { p.room.expel(p, fatalError(protocol.CodeSessionEnded, reason)) })
	}
}
