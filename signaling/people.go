package signaling

import (
	"context"
	"errors"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// admit seats somebody new. All of it runs in the loop, so that no two joins for one part can
// cross; a join takes milliseconds, and only its own room waits for it.
func (r *room) admit(ctx context.Context, c *conn, join store.Join,
	offer string) (s *seat, err error) {
	err = r.ask(func() error {
		id, err := r.vacancy(join)
		if err != nil {
			return err
		}
		s = &seat{id: id, room: r, join: join}
		var answer string
		s.media, answer, err = r.media.Join(ctx,
			sfu.Identity{ID: id, Name: join.Name, Publish: join.Role != store.ParticipantObserver},
			offer, &ears{r, s})
		if err != nil {
			return err
		}
		r.seat(s, c, answer)
		return nil
	})
	return s, err
}

// vacancy says under which id somebody may take a part now. Candidate and patient are called just
// that, because it is the speaker's name for the analysis; there is one of each. Whoever joins
// again takes the old place.
func (r *room) vacancy(join store.Join) (id string, err error) {
	switch {
	case r.closing:
		return "", sfu.ErrDraining
	case r.stage.name == protocol.PhaseEnded:
		return "", errRoomClosed
	}
	switch join.Role {
	case store.ParticipantCandidate:
		if join.UserID != r.attempt.CandidateID {
			return "", fatal(protocol.CodeTicketInvalid,
				"this role play belongs to another candidate")
		}
		return string(join.Role), nil
	case store.ParticipantPatient:
		if s := r.seats[string(join.Role)]; s != nil && s.join.UserID != join.UserID {
			return "", fatal(protocol.CodeRoomFull,
				"somebody else plays the patient in this room already")
		}
		return string(join.Role), nil
	case store.ParticipantObserver:
		for id, s := range r.seats {
			if s.join.Role == join.Role && s.join.UserID == join.UserID {
				return id, nil
			}
		}
		return "observer-" + uuid.NewString()[:8], nil
	}
	return "", fatal(protocol.CodeTicketInvalid, "the ticket names no part that can be taken")
}

// seat gives a place to somebody whose media stands.
func (r *room) seat(s *seat, c *conn, answer string) {
	now := time.Now()
	old := r.seats[s.id]
	s.conn = c
	r.seats[s.id] = s // before the old one is dismissed: the part is not vacant in between
	if old != nil {
		r.dismiss(old, refusalOf(sfu.ErrReplaced))
	}
	c.send(protocol.Joined{
		ParticipantID: s.id, RoomID: r.id, Role: protocol.Role(s.join.Role), Answer: answer, ResumeToken: r.hub.place(
			s, tokenHash{}),
		GraceMS: r.hub.cfg.Grace.Milliseconds(), Phase: r.stage.phase(now), Peers: r.others(s),
	})
	r.tellOthers(s, protocol.PeerJoined{Peer: s.peer()})
	switch s.join.Role {
	case store.ParticipantCandidate:
		r.prepare(now)
		r.update(func(now time.Time) { r.stage.candidateIs(false, now) }) // not connected yet
	case store.ParticipantPatient:
		r.update(func(now time.Time) { r.stage.patientIs(true, now) })
	}
	r.tellPresence(now)
}

// resume moves a seat to a new socket; the old one, if it still stands, is closed.
func (r *room) resume(s *seat, c *conn, used tokenHash) error {
	if s.gone {
		return errResumeUnknown
	}
	if s.conn != nil {
		s.conn.end(closeCode(protocol.CodeReplaced), "resumed on another socket")
	}
	if s.away != nil {
		s.away.Stop()
	}
	s.conn = c
	r.hub.metrics.resumed.Inc()
	c.send(protocol.Resumed{
		ResumeToken: r.hub.place(s, used), Phase: r.stage.phase(time.Now()), Peers: r.others(s),
	})
	return s.media.SetHandler(&ears{r, s}) // sends an outstanding offer again
}

// lost notes that a socket has ended. The seat is kept for the grace, and the media with it.
func (r *room) lost(s *seat, c *conn) {
	if s.conn != c || s.gone {
		return
	}
	s.conn = nil
	s.away = time.AfterFunc(r.hub.cfg.Grace, func() { s.media.Leave(sfu.ErrGraceExpired) })
}

// connection notes that a participant's media stands or is lost.
func (r *room) connection(s *seat, connected bool) {
	if s.gone || s.connected == connected {
		return
	}
	s.connected = connected
	r.tellOthers(s, protocol.PeerUpdated{Peer: s.peer()})
	if s.join.Role == store.ParticipantCandidate {
		r.update(func(now time.Time) { r.stage.candidateIs(connected, now) })
	}
	r.tellPresence(time.Now())
}

func (r *room) mute(s *seat, muted bool) error {
	if s.join.Role == store.ParticipantObserver {
		return mild(protocol.CodeWrongState,
			"an observer is not heard, so there is nothing to mute")
	}
	if s.muted != muted {
		s.muted = muted
		r.tellOthers(s, protocol.PeerUpdated{Peer: s.peer()})
	}
	return nil
}

func (r *room) start(s *seat) error {
	if s.join.Role != store.ParticipantCandidate {
		return mild(protocol.CodeWrongState, "only the candidate ends the preparation")
	}
	if r.stage.name != protocol.PhasePreparing {
		return mild(protocol.CodeWrongState, "the play has begun already")
	}
	r.update(func(now time.Time) { r.stage.start(now) })
	return nil
}

func (r *room) finish(s *seat) error {
	switch {
	case s.join.Role == store.ParticipantObserver:
		return mild(protocol.CodeWrongState, "an observer cannot end the role play")
	case r.stage.name != protocol.PhasePlaying:
		return mild(protocol.CodeWrongState,
			"there is no play to finish: the room is "+string(r.stage.name))
	}
	r.end(protocol.ReasonFinished)
	return nil
}

func (r *room) leave(s *seat) error {
	r.vacate(s, "left")
	if s.conn != nil {
		s.conn.end(websocket.StatusNormalClosure, "you left")
	}
	s.media.Leave(nil)
	return nil
}

// dismiss sends somebody away for a reason that is told.
func (r *room) dismiss(s *seat, why *refusal) {
	if s.gone {
		return
	}
	r.vacate(s, why.Message)
	if s.conn != nil {
		r.hub.dismiss(s.conn, why)
	}
	s.media.Leave(nil)
}

// remove follows the media node, which has let somebody go for good.
func (r *room) remove(s *seat, reason error) {
	if s.gone {
		return
	}
	r.vacate(s, reason.Error())
	if s.conn == nil {
		return
	}
	if r.stage.name == protocol.PhaseEnded || errors.Is(reason, sfu.ErrLeft) {
		s.conn.end(websocket.StatusNormalClosure, "the role play is over")
		return
	}
	r.hub.dismiss(s.conn, refusalOf(reason))
}

// vacate frees the seat and draws the consequences: the play does not go on without its candidate.
func (r *room) vacate(s *seat, reason string) {
	if s.gone {
		return
	}
	s.gone = true
	if s.away != nil {
		s.away.Stop()
	}
	r.hub.vacate(s)
	if r.seats[s.id] != s {
		return
	}
	delete(r.seats, s.id)
	if len(r.seats) == 0 {
		r.emptyAt = time.Now()
	}
	r.tellAll(protocol.PeerLeft{ParticipantID: s.id, Reason: reason})
	switch s.join.Role {
	case store.ParticipantCandidate:
		r.update(func(now time.Time) { r.stage.candidateIs(false, now) })
		if r.stage.name == protocol.PhasePlaying && !r.closing {
			r.end(protocol.ReasonCandidateLeft)
		}
	case store.ParticipantPatient:
		r.update(func(now time.Time) { r.stage.patientIs(false, now) })
	}
	r.tellPresence(time.Now())
}
