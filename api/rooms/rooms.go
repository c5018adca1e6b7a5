// Package rooms is the slice of the list that tutors see: candidates who wait for somebody to play
// the patient, and role plays in progress.
package rooms

import (
	"context"
	"net/http"
	"time"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Rooms knows the open rooms. store/presence implements it.
type Rooms interface {
	Rooms(ctx context.Context) ([]store.RoomInfo, error)
}

// Store reads the attempts of the rooms. store/postgres implements it.
type Store interface {
	AttemptViews(ctx context.Context, ids []string) ([]store.AttemptView, error)
}

// Service handles the operations of the slice.
type Service struct {
	Rooms Rooms
	Store Store
}

// Room is an open room.
type Room struct {
	AttemptID     string             `json:"attempt_id" format:"uuid"`
	State         store.AttemptState `json:"state" enum:"created,preparing,playing"`
	Phase         string             `json:"phase" example:"preparing"`
	RemainingS    float64            `json:"remaining_s" doc:"seconds left of the phase, at the last update"`
	ScenarioSlug  string             `json:"scenario_slug" example:"nursing-insulin-at-home"`
	ScenarioTitle string             `json:"scenario_title" example:"Starting insulin at home"`
	Profession    string             `json:"profession" example:"nursing"`
	CandidateName string             `json:"candidate_name" example:"Dana Kovač"`
	Waiting       bool               `json:"waiting" doc:"nobody plays the patient yet"`
	People        []Occupant         `json:"people"`
	OpenedAt      time.Time          `json:"opened_at"`
}

// Occupant is a user in a room.
type Occupant struct {
	Name      string                `json:"name"`
	Role      store.ParticipantRole `json:"role" enum:"candidate,patient,observer"`
	Connected bool                  `json:"connected"`
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{Tag: "rooms", Description: "The tutors' list", Routes: s.routes}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-rooms", Method: http.MethodGet, Path: "/api/rooms",
		Summary: "List the open rooms",
		Description: "For tutors and administrators: candidates who wait for a patient, and " +
			"role plays in progress.",
	}, s.list, store.RoleTutor, store.RoleAdmin)
}

// RoomList is the list of open rooms, oldest first.
type RoomList struct {
	Items []Room `json:"items"`
}

type listOutput struct{ Body RoomList }

func (s *Service) list(ctx context.Context, _ *struct{}) (*listOutput, error) {
	open, err := s.Rooms.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(open))
	for i, r := range open {
		ids[i] = r.ID
	}
	views, err := s.Store.AttemptViews(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]store.AttemptView, len(views))
	for _, v := range views {
		byID[v.Attempt.ID] = v
	}
	out := &listOutput{}
	out.Body.Items = []Room{}
	for _, r := range open {
		// A room stays open for a minute after its role play, while its users wait for the report.
		if v, known := byID[r.ID]; known && v.Attempt.Joinable() {
			out.Body.Items = append(out.Body.Items, view(r, v))
		}
	}
	return out, nil
}

func view(r store.RoomInfo, v store.AttemptView) Room {
	out := Room{
		AttemptID: r.ID, State: v.Attempt.State, Phase: r.Phase, RemainingS: r.Remaining,
		ScenarioSlug: v.ScenarioSlug, ScenarioTitle: v.ScenarioTitle, Profession: v.Profession,
		CandidateName: v.CandidateName, Waiting: !r.Taken(store.ParticipantPatient, ""),
		People: []Occupant{}, OpenedAt: r.OpenedAt,
	}
	for _, p := range r.People {
		out.People = append(out.People, Occupant{
			Name: p.Name, Role: p.Role, Connected: p.Connected,
		})
	}
	return out
}
