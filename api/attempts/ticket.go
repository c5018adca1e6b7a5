package attempts

import (
	"cmp"
	"context"
	"errors"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// ICEServer is a STUN or TURN server, in the form of the browser's RTCIceServer.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Ticket lets its holder join a room once.
type Ticket struct {
	URL        string                `json:"url" doc:"of the WebSocket: relative to this server, or absolute, that of the media node for the room" example:"/ws"`
	Ticket     string                `json:"ticket" doc:"send it in the first message, not in the address"`
	Role       store.ParticipantRole `json:"role" enum:"candidate,patient,observer"`
	ICEServers []ICEServer           `json:"ice_servers"`
	ExpiresAt  time.Time             `json:"expires_at"`
}

// TicketRequest is the request for a ticket.
type TicketRequest struct {
	Role store.ParticipantRole `json:"role,omitempty" enum:"candidate,patient,observer" doc:"your part; by default candidate in your own attempt, otherwise patient"`
}

type ticketInput struct {
	ID   string `path:"id" format:"uuid" doc:"the attempt's id"`
	Body *TicketRequest
}

type ticketOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Ticket
}

func (s *Service) ticket(ctx context.Context, in *ticketInput) (*ticketOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	u := p.User
	a, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	part := defaultPart(u, a)
	if in.Body != nil {
		part = cmp.Or(in.Body.Role, part)
	}
	if !mayTake(u, a, part) {
		return nil, &httpx.Fault{
			Err: store.ErrForbidden, Detail: "You may not have this part in this role play.",
		}
	}
	if !a.Joinable() {
		return nil, closed(store.ErrState)
	}
	node, err := s.Rooms.Place(ctx, a.ID)
	if err != nil {
		return nil, unplaced(err)
	}
	ticket, expires, err := s.Tickets.Ticket(store.Join{
		AttemptID: a.ID, NodeID: node.ID, UserID: u.ID, SessionID: p.SessionID,
		Name: u.Name, AvatarID: u.AvatarID, Role: part,
	})
	if err != nil {
		return nil, err
	}
	if err := s.reserveUnconfirmed(ctx, u, a.ID, expires); err != nil {
		return nil, err
	}
	if part == store.ParticipantPatient {
		room, err := s.Rooms.Room(ctx, a.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if _, err := s.Store.SeatPartner(ctx, a.ID, u.ID,
			room.Taken(store.ParticipantPatient, u.ID)); err != nil {
			return nil, closed(err)
		}
	}
	out := &ticketOutput{CacheControl: "no-store", Body: Ticket{
		URL: cmp.Or(node.Endpoint, s.SocketPath), Ticket: ticket, Role: part,
		ICEServers: []ICEServer{}, ExpiresAt: expires.UTC(),
	}}
	if s.ICEServers != nil {
		out.Body.ICEServers = append(out.Body.ICEServers, s.ICEServers()...)
	}
	return out, nil
}

func defaultPart(u store.User, a store.Attempt) store.ParticipantRole {
	if u.ID == a.CandidateID {
		return store.ParticipantCandidate
	}
	return store.ParticipantPatient
}

// unplaced adds a detail to store.ErrNoNode, and returns other errors unchanged.
func unplaced(err error) error {
	if errors.Is(err, store.ErrNoNode) {
		return &httpx.Fault{
			Err: err, Code: "no-media-server",
			Detail: "No media server can take this role play now. Try again in a moment.",
		}
	}
	return err
}

// closed adds a detail to the errors of store.Attempt.Seat.
func closed(err error) error {
	switch {
	case errors.Is(err, store.ErrState):
		return &httpx.Fault{
			Err: err, Code: "room-closed",
			Detail: "This role play has ended. Its room can no longer be joined.",
		}
	case errors.Is(err, store.ErrConflict):
		return &httpx.Fault{
			Err: err, Code: "part-taken",
			Detail: "Somebody else plays the patient. Tutors may join as observers instead.",
		}
	}
	return err
}
