package signaling

import (
	"context"
	"errors"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

// seatNewcomer takes a seat for a verified ticket and joins the media room. It returns a
// clientError when the ticket's role cannot be taken, errRoomGone when the room has just ended,
// and the media room's errors.
//
// All of it runs in the loop, so that two joins for one role cannot interleave. A join takes
// milliseconds, and only its own room waits for it.
func (r *room) seatNewcomer(ctx context.Context, c *conn, join store.Join,
	offer string) (p *participant, err error) {
	err = r.call(func() error {
		s, err := r.assignSeat(join)
		if err != nil {
			return err
		}
		p = &participant{room: r, seat: s}
		var answer string
		p.media, answer, err = r.media.Join(ctx,
			sfu.Identity{ID: s.id, Name: join.Name, Publish: s.publishes()},
			offer, &mediaEvents{r, p})
		if err != nil {
			return err
		}
		r.takeSeat(p, c, answer)
		return nil
	})
	return p, err
}

// assignSeat returns the seat that a ticket allows now.
func (r *room) assignSeat(join store.Join) (*seat, error) {
	switch {
	case r.closing:
		return nil, sfu.ErrDraining
	case r.lost:
		return nil, errOtherNode
	case r.stage.name == protocol.PhaseEnded:
		return nil, errRoomClosed
	}
	return r.seats.assign(join)
}

// takeSeat puts a participant, who has joined the media room, into its seat.
func (r *room) takeSeat(p *participant, c *conn, answer string) {
	now := time.Now()
	p.conn = c
	// The new participant is there before the old one is expelled, so that the role is never
	// vacant.
	old := r.participants[p.seat.id]
	r.participants[p.seat.id] = p
	if replaced := r.seats.occupy(p.seat); replaced != nil && replaced.automatic {
		r.automatic.leave("a person plays the patient")
	} else if replaced != nil {
		r.expel(old, clientErrorFor(sfu.ErrReplaced))
	}
	c.send(protocol.Joined{
		ParticipantID: p.seat.id, RoomID: r.id, Role: protocol.Role(p.seat.join.Role),
		Answer: answer, ResumeToken: r.env.tokens.issue(p, tokenHash{}),
		GraceMS: r.env.cfg.Grace.Milliseconds(),
		Phase:   r.stage.phase(now), Peers: r.seats.peers(p.seat),
	})
	r.broadcastExcept(p, protocol.PeerJoined{Peer: p.seat.peer()})
	if p.seat.join.Role == store.ParticipantCandidate {
		r.recordPreparation(now)
		r.automatic.enter()
	}
	r.automatic.welcome(p)
	r.applySeats()
	r.publishPresence(now)
}

// reattach moves a participant to a new socket and closes the old one, if it is still open. used
// is the token that the client sent.
func (r *room) reattach(p *participant, c *conn, used tokenHash) error {
	if p.seat.left {
		return errResumeUnknown
	}
	p.closeSocket(closeCode(protocol.CodeReplaced), "resumed on another socket")
	if p.grace != nil {
		p.grace.Stop()
	}
	p.conn = c
	r.env.metrics.resumed.Inc()
	c.send(protocol.Resumed{
		ResumeToken: r.env.tokens.issue(p, used), Phase: r.stage.phase(time.Now()),
		Peers: r.seats.peers(p.seat),
	})
	r.automatic.welcome(p)
	return p.media.SetHandler(&mediaEvents{r, p}) // sends an outstanding offer again
}

// socketLost starts the grace period of a participant whose socket c has ended. The seat and the
// media stay until it is over.
func (r *room) socketLost(p *participant, c *conn) {
	if p.conn != c || p.seat.left {
		return
	}
	p.conn = nil
	p.grace = time.AfterFunc(r.env.cfg.Grace, func() { p.media.Leave(sfu.ErrGraceExpired) })
}

// mediaConnected follows the connection of a participant's media.
func (r *room) mediaConnected(p *participant, connected bool) {
	if !r.seats.setConnected(p.seat, connected) {
		return
	}
	r.used = r.used || connected
	r.broadcastExcept(p, protocol.PeerUpdated{Peer: p.seat.peer()})
	r.applySeats()
	r.publishPresence(time.Now())
}

// mediaGone removes a participant that the media node has dropped for good.
func (r *room) mediaGone(p *participant, reason error) {
	if p.seat.left {
		return
	}
	r.vacate(p, reason.Error())
	if r.stage.name == protocol.PhaseEnded || errors.Is(reason, sfu.ErrLeft) {
		p.closeSocket(websocket.StatusNormalClosure, roleplayOver)
		return
	}
	if p.conn != nil {
		r.env.sendError(p.conn, clientErrorFor(reason))
	}
}

// expel removes a participant and sends them the reason.
func (r *room) expel(p *participant, reason *clientError) {
	if p.seat.left {
		return
	}
	r.vacate(p, reason.Message)
	if p.conn != nil {
		r.env.sendError(p.conn, reason)
	}
	p.media.Leave(nil)
}

// vacate releases a participant's seat and revokes its tokens. Unless the participant was
// replaced, the others are informed, and a play ends without its candidate.
func (r *room) vacate(p *participant, reason string) {
	if p.seat.left {
		return
	}
	if p.grace != nil {
		p.grace.Stop()
	}
	r.env.tokens.revoke(p)
	if !r.seats.release(p.seat) {
		return
	}
	delete(r.participants, p.seat.id)
	if r.seats.empty() {
		r.emptyAt = time.Now()
	}
	r.broadcast(protocol.PeerLeft{ParticipantID: p.seat.id, Reason: reason})
	if r.lost {
		return
	}
	if p.seat.join.Role == store.ParticipantCandidate {
		r.automatic.leave("the candidate has left")
	}
	r.applySeats()
	if r.stage.name == protocol.PhasePlaying && !r.closing &&
		p.seat.join.Role == store.ParticipantCandidate {
		r.endStage(protocol.ReasonCandidateLeft)
	}
	r.publishPresence(time.Now())
}

// applySeats updates the stage after a change of the seats.
func (r *room) applySeats() {
	r.changeStage(func(s *stage, now time.Time) {
		s.setPresence(r.seats.candidateConnected(), r.seats.patient(), now)
	})
}
