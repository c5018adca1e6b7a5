package signaling

import (
	"maps"
	"slices"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

func (r *room) tellOthers(than *seat, m protocol.ServerMessage) {
	for _, s := range r.seats {
		if s != than {
			s.tell(m)
		}
	}
}

func (r *room) tellAll(m protocol.ServerMessage) {
	for _, s := range r.seats {
		s.tell(m)
	}
}

// others lists everybody but one, candidate first.
func (r *room) others(than *seat) []protocol.Peer {
	peers := []protocol.Peer{}
	for _, id := range slices.Sorted(maps.Keys(r.seats)) {
		if s := r.seats[id]; s != than {
			peers = append(peers, s.peer())
		}
	}
	return peers
}

func (r *room) speakers(list []sfu.Speaker) {
	m := protocol.Speaking{Speakers: []protocol.Speaker{}}
	for _, s := range list {
		m.Speakers = append(m.Speakers, protocol.Speaker{ParticipantID: s.ID, Level: s.Level})
	}
	r.tellAll(m)
}

func (r *room) tellPresence(now time.Time) {
	info := store.RoomInfo{
		ID: r.id, Node: r.hub.cfg.Endpoint, Phase: string(r.stage.name), Remaining: r.stage.remaining(now).Seconds(),
		People: []store.RoomPerson{}, OpenedAt: r.openedAt,
	}
	for _, id := range slices.Sorted(maps.Keys(r.seats)) {
		s := r.seats[id]
		info.People = append(info.People, store.RoomPerson{
			UserID: s.join.UserID, Name: s.join.Name, Role: s.join.Role, Connected: s.connected,
		})
	}
	r.announce.tell(info)
}
