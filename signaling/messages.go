package signaling

import (
	"context"
	"fmt"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"
)

// handleMessage carries out a message of a seated participant. It is called by the socket's
// reader. Messages about media go to the media node directly, all others to the room's loop.
func (r *room) handleMessage(ctx context.Context, p *participant, c *conn,
	m protocol.ClientMessage) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	switch m := m.(type) {
	case protocol.Answer:
		return withSocketOpen(p.media.Answer(ctx, m.OfferID, m.SDP))
	case protocol.Candidate:
		return withSocketOpen(p.media.AddCandidate(ctx, webrtc.ICECandidateInit{
			Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex,
		}))
	case protocol.RestartICE:
		return withSocketOpen(p.media.RestartICE(ctx))
	case protocol.Ping:
		c.reply(protocol.Pong(m))
		return nil
	case protocol.Mute:
		return r.call(func() error { return r.mute(p, m.Muted) })
	case protocol.Hidden:
		return r.call(func() error { return r.seats.setHidden(p.seat, m.Hidden) })
	case protocol.Sent:
		return r.call(func() error { r.recordSent(p, m); return nil })
	case protocol.Start:
		return r.call(func() error { return r.startPlay(p) })
	case protocol.Finish:
		return r.call(func() error { return r.finishPlay(p) })
	case protocol.CallPatient, protocol.Typed, protocol.Talk, protocol.Heard, protocol.Control:
		return r.call(func() error { return r.toPatient(p, m) })
	case protocol.Leave:
		return r.call(func() error { r.leaveRoom(p); return nil })
	}
	return recoverableError(protocol.CodeWrongState,
		fmt.Sprintf("%s is only valid as the first message of a socket", protocol.TypeOf(m)))
}

func (r *room) mute(p *participant, muted bool) error {
	changed, err := r.seats.setMuted(p.seat, muted)
	if changed {
		r.broadcastExcept(p, protocol.PeerUpdated{Peer: p.seat.peer()})
	}
	return err
}

// recordSent records a client's own count of its packets.
func (r *room) recordSent(p *participant, m protocol.Sent) {
	if r.tap != nil && p.seat.publishes() && !p.seat.left {
		r.tap.Sent(store.Speaker(p.seat.id), m.SSRC, m.Packets)
	}
}

func (r *room) startPlay(p *participant) error {
	if err := p.seat.checkStart(r.stage.name); err != nil {
		return err
	}
	if s := r.automatic.seat; s != nil && !s.connected {
		return recoverableError(protocol.CodeWrongState,
			"the patient is not ready yet; wait a moment")
	}
	r.changeStage(func(s *stage, now time.Time) { s.start(now) })
	return nil
}

func (r *room) finishPlay(p *participant) error {
	if err := p.seat.checkFinish(r.stage.name); err != nil {
		return err
	}
	r.endStage(protocol.ReasonFinished)
	return nil
}

func (r *room) leaveRoom(p *participant) {
	r.vacate(p, "left")
	p.closeSocket(websocket.StatusNormalClosure, "you left")
	p.media.Leave(nil)
}
