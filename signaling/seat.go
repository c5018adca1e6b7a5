package signaling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/pion/webrtc/v4"
)

// seat is a participant's place in a room: it outlives the socket for the grace. Its fields
// belong to the room's loop, but for those that never change after the join, and tokens, which
// the hub's mu guards.
type seat struct {
	id     string // participant id
	room   *room
	join   store.Join
	media  media        // set before it is seated
	tokens [2]tokenHash // the newest, and the one it was given for

	conn      *conn // nil while the socket is lost
	connected bool  // media
	muted     bool
	away      *time.Timer // runs while the socket is lost
	gone      bool
}

func (s *seat) peer() protocol.Peer {
	return protocol.Peer{
		ParticipantID: s.id, Name: s.join.Name, Role: protocol.Role(s.join.Role), Muted: s.muted,
		Connected: s.connected,
	}
}

// tell sends a message if there is a socket; a resume tells all that matters again.
func (s *seat) tell(m protocol.ServerMessage) {
	if s.conn != nil {
		s.conn.send(m)
	}
}

// admit answers a socket's first message: a join with a ticket, or a resume.
func (h *Hub) admit(ctx context.Context, c *conn, first protocol.ClientMessage) (*seat, error) {
	switch m := first.(type) {
	case protocol.Join:
		return h.admitNew(ctx, c, m)
	case protocol.Resume:
		return h.admitAgain(ctx, c, m)
	}
	return nil, fatal(protocol.CodeBadMessage,
		fmt.Sprintf("the first message must be a join or a resume, not %s", protocol.TypeOf(first)))
}

func (h *Hub) admitNew(ctx context.Context, c *conn, m protocol.Join) (*seat, error) {
	join, err := h.verifier.VerifyTicket(ctx, m.Ticket)
	if err != nil {
		return nil, err
	}
	for {
		r, err := h.room(ctx, join.AttemptID)
		if err != nil {
			return nil, err
		}
		s, err := r.admit(ctx, c, join, m.Offer)
		if err == nil {
			h.recheck(ctx, join.SessionID)
		}
		if !errors.Is(err, errRoomGone) {
			return s, err
		}
		select { // once it has written everything down, look again
		case <-r.ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// recheck closes a place whose session ended before there was a place to close. When it cannot be
// known, the end of the session will be heard of.
func (h *Hub) recheck(ctx context.Context, sessionID string) {
	if err := h.verifier.Check(ctx, sessionID); errors.Is(err, store.ErrUnauthenticated) ||
		errors.Is(err, store.ErrForbidden) {
		h.EndSession(sessionID, "This device was signed out.")
	}
}

// admitAgain gives a lost participant its place back on a new socket.
func (h *Hub) admitAgain(ctx context.Context, c *conn, m protocol.Resume) (*seat, error) {
	used := hashOf(m.Token)
	s, ok := h.seat(used)
	if !ok {
		return nil, errResumeUnknown
	}
	err := s.room.ask(func() error { return s.room.resume(s, c, used) })
	if errors.Is(err, errRoomGone) {
		return nil, errResumeUnknown
	}
	if err != nil {
		return nil, err
	}
	if m.RestartICE {
		if err := softened(s.media.RestartICE(ctx)); err != nil {
			h.dismiss(c, err) // in the queue, so that it comes after resumed
		}
	}
	return s, nil
}

// ears pass what the media node says of a participant to the room's loop.
type ears struct {
	room *room
	seat *seat
}

func (e *ears) Offer(id uint64, sdp string) {
	e.room.post(func() { e.seat.tell(protocol.Offer{OfferID: id, SDP: sdp}) })
}
func (e *ears) Connected()    { e.room.post(func() { e.room.connection(e.seat, true) }) }
func (e *ears) Disconnected() { e.room.post(func() { e.room.connection(e.seat, false) }) }
func (e *ears) Gone(reason error) {
	e.room.post(func() { e.room.remove(e.seat, reason) })
}

// handle carries out a message of a seated participant. What concerns the media alone goes to the
// media node; the rest to the room.
func (r *room) handle(ctx context.Context, s *seat, c *conn, m protocol.ClientMessage) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	switch m := m.(type) {
	case protocol.Answer:
		return softened(s.media.Answer(ctx, m.OfferID, m.SDP))
	case protocol.Candidate:
		return softened(s.media.AddCandidate(ctx,
			webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex}))
	case protocol.RestartICE:
		return softened(s.media.RestartICE(ctx))
	case protocol.Ping:
		c.answer(protocol.Pong(m))
		return nil
	case protocol.Mute:
		return r.ask(func() error { return r.mute(s, m.Muted) })
	case protocol.Start:
		return r.ask(func() error { return r.start(s) })
	case protocol.Finish:
		return r.ask(func() error { return r.finish(s) })
	case protocol.Leave:
		return r.ask(func() error { return r.leave(s) })
	}
	return mild(protocol.CodeWrongState,
		fmt.Sprintf("%s is for a new socket only", protocol.TypeOf(m)))
}

// softened makes a media node's answer one that the socket survives, unless the place is gone.
func softened(err error) error {
	if err == nil {
		return nil
	}
	r := *refusalOf(err)
	r.Fatal = r.Code == protocol.CodeResumeUnknown
	return &r
}
