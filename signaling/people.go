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

func isAway(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// admit seats somebody new: the media join runs in the caller's goroutine, the seating in the loop.
func (r *room) admit(ctx context.Context, c *conn, join store.Join, offer string) (*seat, error) {
	s := &seat{id: seatID(join.Role), room: r, join: join}
	if err := r.ask(ctx, func() error { return r.vacancy(join) }); err != nil {
		return nil, err
	}
	media, answer, err := r.media.Join(ctx, sfu.Identity{ID: s.id, Name: join.Name, Publish: join.Role != store.ParticipantObserver}, offer, &ears{r, s})
	if err != nil {
		return nil, err
	}
	s.media = media
	err = r.ask(ctx, func() error { return r.seatNew(s, c, answer) })
	if err != nil {
		media.Leave(nil)
		r.post(func() { r.dismissReplaced(s.id) })
		return nil, err
	}
	return s, nil
}

// vacancy says whether somebody may take a part now.
func (r *room) vacancy(join store.Join) error {
	if r.closing {
		return sfu.ErrDraining
	}
	if r.stage.name == protocol.PhaseEnded {
		return errRoomClosed
	}
	for _, s := range r.seats {
		if s.join.Role == join.Role && join.Role != store.ParticipantObserver && s.join.UserID != join.UserID {
			return fatal(protocol.CodeRoomFull, "somebody else plays the "+string(join.Role)+" in this room already")
		}
	}
	return nil
}

// seatNew seats a participant whose media stands. The same user's former seat in that part is replaced.
func (r *room) seatNew(s *seat, c *conn, answer string) error {
	if err := r.vacancy(s.join); err != nil {
		return err
	}
	old := r.seats[s.id]
	s.conn = c
	r.seats[s.id] = s // before the old one is dismissed: the part is not vacant in between
	if old != nil {
		r.dismiss(old, refusalOf(sfu.ErrReplaced))
	}
	token := r.hub.place(s)
	c.send(protocol.Joined{
		ParticipantID: s.id, RoomID: r.id, Role: protocol.Role(s.join.Role), Answer: answer, ResumeToken: token,
		GraceMS: r.hub.cfg.Grace.Milliseconds(), Phase: r.stage.phase(time.Now()), Peers: r.others(s),
	})
	for _, o := range r.seats {
		if o != s {
			o.tell(protocol.PeerJoined{Peer: s.peer()})
		}
	}
	r.update(func(now time.Time) {
		if s.join.Role == store.ParticipantPatient {
			r.stage.patientIs(true, now)
		}
	})
	r.tellPresence(time.Now())
	return nil
}

// resume moves a seat to a new socket; the old one, if it still stands, is closed.
func (r *room) resume(s *seat, c *conn) error {
	if s.gone {
		return errRoomGone
	}
	if s.conn != nil {
		s.conn.end(closeCode(protocol.CodeReplaced), "resumed on another socket")
	}
	if s.away != nil {
		s.away.Stop()
	}
	s.conn = c
	c.send(protocol.Resumed{ResumeToken: r.hub.place(s), Phase: r.stage.phase(time.Now()), Peers: r.others(s)})
	return nil
}

// lost notes that a socket has ended. The seat is kept for the grace, and the media with it.
func (r *room) lost(s *seat, c *conn) {
	if s.conn != c || s.gone {
		return
	}
	s.conn = nil
	s.away = time.AfterFunc(r.hub.cfg.Grace, func() { s.media.Leave(sfu.ErrGraceExpired) })
}

// dismissReplaced sends somebody away whose media was replaced by a join that then failed.
func (r *room) dismissReplaced(id string) {
	if s := r.seats[id]; s != nil && s.replaced {
		r.dismiss(s, refusalOf(sfu.ErrReplaced))
	}
}

// connection notes that a participant's media stands or is lost.
func (r *room) connection(s *seat, connected bool) {
	if s.gone || s.connected == connected {
		return
	}
	s.connected = connected
	r.tellPeer(s)
	if s.join.Role == store.ParticipantCandidate {
		r.update(func(now time.Time) { r.stage.candidateIs(connected, now) })
	}
	r.tellPresence(time.Now())
}

func (r *room) tellPeer(s *seat) {
	for _, o := range r.seats {
		if o != s {
			o.tell(protocol.PeerUpdated{Peer: s.peer()})
		}
	}
}

func (r *room) mute(s *seat, muted bool) error {
	if s.muted != muted {
		s.muted = muted
		r.tellPeer(s)
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
		return mild(protocol.CodeWrongState, "there is no play to finish: the room is "+string(r.stage.name))
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
		r.hub.metrics.refused.WithLabelValues(string(why.Code)).Inc()
		s.conn.refuse(why)
	}
	s.media.Leave(nil)
}

// remove follows the media node, which has let somebody go for good.
func (r *room) remove(s *seat, reason error) {
	if s.gone {
		return
	}
	if errors.Is(reason, sfu.ErrReplaced) && r.seats[s.id] == s {
		s.replaced = true // its successor is about to be seated
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
	s.conn.refuse(fatal(refusalOf(reason).Code, reason.Error()))
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
