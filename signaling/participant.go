package signaling

import (
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
)

// participant joins a seat to its socket and its media. It outlives the socket for the grace
// period. Its fields belong to the room's loop, except room, seat and media, which do not change
// after the join (the contents of seat do, in the loop), and tokens, which resumeTokens guards.
type participant struct {
	room   *room
	seat   *seat
	media  media
	tokens [2]tokenHash // the newest, and the one that was used to get it

	conn  *conn       // nil while the socket is lost
	grace *time.Timer // runs while the socket is lost
}

// push queues a message on the participant's socket. Without a socket the message is dropped: a
// resume sends the current state again.
func (p *participant) push(m protocol.ServerMessage) {
	if p.conn != nil {
		p.conn.send(m)
	}
}

// closeSocket closes the participant's socket, if there is one, after the queued messages.
func (p *participant) closeSocket(code websocket.StatusCode, reason string) {
	if p.conn != nil {
		p.conn.close(code, reason)
	}
}

// mediaEvents implements sfu.Handler: it passes a participant's media events to the room's loop.
type mediaEvents struct {
	room        *room
	participant *participant
}

func (e *mediaEvents) Offer(id uint64, sdp string) {
	e.room.post(func() { e.participant.push(protocol.Offer{OfferID: id, SDP: sdp}) })
}

func (e *mediaEvents) Connected() {
	e.room.post(func() { e.room.mediaConnected(e.participant, true) })
}

func (e *mediaEvents) Disconnected() {
	e.room.post(func() { e.room.mediaConnected(e.participant, false) })
}

func (e *mediaEvents) Gone(reason error) {
	e.room.post(func() { e.room.mediaGone(e.participant, reason) })
}
