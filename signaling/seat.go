package signaling

import (
	"context"
	"fmt"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

// seat is a participant's place in a room: it outlives the socket for the grace. Its fields belong to the room's loop, but for those
// that never change after the join, and token, which the hub's mu guards.
type seat struct {
	id    string // participant id
	room  *room
	join  store.Join
	media *sfu.Participant
	token tokenHash

	conn      *conn // nil while the socket is lost
	connected bool  // media
	muted     bool
	away      *time.Timer // runs while the socket is lost
	replaced  bool        // its media was replaced by a new join
	gone      bool
}

func (s *seat) peer() protocol.Peer {
	return protocol.Peer{ParticipantID: s.id, Name: s.join.Name, Role: protocol.Role(s.join.Role), Muted: s.muted, Connected: s.connected}
}

// tell sends a message if there is a socket; a resume tells all that matters again.
func (s *seat) tell(m protocol.ServerMessage) {
	if s.conn != nil {
		s.conn.send(m)
	}
}

// seatID is also the speaker's name for the analysis, so candidate and patient are called just that.
func seatID(role store.ParticipantRole) string {
	if role == store.ParticipantObserver {
		return "observer-" + uuid.NewString()[:8]
	}
	return string(role)
}

// admit answers a socket's first message: a join with a ticket, or a resume.
func (h *Hub) admit(ctx context.Context, c *conn, first protocol.ClientMessage) (*seat, error) {
	switch m := first.(type) {
	case protocol.Join:
		return h.admitNew(ctx, c, m)
	case protocol.Resume:
		return h.admitAgain(ctx, c, m)
	}
	return nil, fatal(protocol.CodeBadMessage, fmt.Sprintf("the first message must be a join or a resume, not %s", protocol.TypeOf(first)))
}

func (h *Hub) admitNew(ctx context.Context, c *conn, m protocol.Join) (*seat, error) {
	join, err := h.verifier.VerifyTicket(ctx, m.Ticket)
	if err != nil {
		if r := refusalOf(err); r.Code == protocol.CodeTicketExpired || r.Code == protocol.CodeTicketUsed || isAway(err) {
			return nil, err
		}
		return nil, fatal(protocol.CodeTicketInvalid, "this is not a ticket of this server; get a new one")
	}
	for {
		r, err := h.room(ctx, join.AttemptID)
		if err != nil {
			return nil, err
		}
		s, err := r.admit(ctx, c, join, m.Offer)
		if err == errRoomGone { // it ended between the look-up and the join
			continue
		}
		return s, err
	}
}

// admitAgain gives a lost participant its place back on a new socket.
func (h *Hub) admitAgain(ctx context.Context, c *conn, m protocol.Resume) (*seat, error) {
	unknown := fatal(protocol.CodeResumeUnknown, "the place is gone; join again with a new ticket")
	s, ok := h.seat(m.Token)
	if !ok {
		return nil, unknown
	}
	if err := s.room.ask(ctx, func() error { return s.room.resume(s, c) }); err != nil {
		return nil, unknown
	}
	h.metrics.resumed.Inc()
	// Re-sends the offer that is outstanding, now to the new socket.
	if err := s.media.SetHandler(&ears{room: s.room, seat: s}); err != nil {
		return nil, unknown
	}
	if m.RestartICE {
		if err := s.media.RestartICE(ctx); err != nil {
			return nil, unknown
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

// handle carries out a message of a seated participant. What concerns the media alone goes to the media node; the rest to the room.
func (r *room) handle(ctx context.Context, s *seat, c *conn, m protocol.ClientMessage) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	switch m := m.(type) {
	case protocol.Answer:
		return softened(s.media.Answer(ctx, m.OfferID, m.SDP))
	case protocol.Candidate:
		return softened(s.media.AddCandidate(ctx, webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex}))
	case protocol.RestartICE:
		return softened(s.media.RestartICE(ctx))
	case protocol.Ping:
		c.send(protocol.Pong{ID: m.ID})
		return nil
	case protocol.Mute:
		return r.ask(ctx, func() error { return r.mute(s, m.Muted) })
	case protocol.Start:
		return r.ask(ctx, func() error { return r.start(s) })
	case protocol.Finish:
		return r.ask(ctx, func() error { return r.finish(s) })
	case protocol.Leave:
		return r.ask(ctx, func() error { return r.leave(s) })
	}
	return mild(protocol.CodeWrongState, fmt.Sprintf("%s is for a new socket only", protocol.TypeOf(m)))
}

// softened makes a media node's answer one that the socket survives.
func softened(err error) error {
	if err == nil {
		return nil
	}
	r := *refusalOf(err)
	r.Fatal = false
	return &r
}
