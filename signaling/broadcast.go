package signaling

import (
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

// broadcast sends a message to everybody in the room.
func (r *room) broadcast(m protocol.ServerMessage) { r.broadcastExcept(nil, m) }

// broadcastExcept sends a message to everybody in the room except one participant.
func (r *room) broadcastExcept(except *participant, m protocol.ServerMessage) {
	for _, p := range r.participants {
		if p != except {
			p.push(m)
		}
	}
}

// broadcastSpeakers sends who is speaking.
func (r *room) broadcastSpeakers(list []sfu.Speaker) {
	m := protocol.Speaking{Speakers: []protocol.Speaker{}}
	for _, s := range list {
		m.Speakers = append(m.Speakers, protocol.Speaker{ParticipantID: s.ID, Level: s.Level})
	}
	r.broadcast(m)
}

// broadcastReport sends that the report is ready, or why there is none. Only the first call has an
// effect.
func (r *room) broadcastReport(problem string) {
	if r.reported {
		return
	}
	r.reported = true
	m := protocol.Report{AttemptID: r.id, Status: protocol.ReportReady}
	if problem != "" {
		m.Status, m.Problem = protocol.ReportFailed, problem
	}
	r.broadcast(m)
}

// publishPresence publishes the state of the room outside of it.
func (r *room) publishPresence(now time.Time) {
	r.announcer.publish(store.RoomInfo{
		ID: r.id, Phase: string(r.stage.name),
		Remaining: r.stage.remaining(now).Seconds(),
		People:    r.seats.people(), OpenedAt: r.openedAt,
	})
}
