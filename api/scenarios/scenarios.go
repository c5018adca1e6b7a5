// Package scenarios is the slice of authored role plays.
package scenarios

import (
	"context"
	"errors"
	"net/http"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store reads scenarios. store/postgres implements it.
type Store interface {
	Scenarios(ctx context.Context) ([]store.Scenario, error)
	ScenarioBySlug(ctx context.Context, slug string) (store.Scenario, error)
}

// Service handles the operations of the slice.
type Service struct{ Store Store }

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "scenarios", Description: "Authored role plays", Routes: s.routes,
		Tables: []store.TableRule{{
			Table: "scenarios", OnDelete: store.Kept, Why: "not about a user",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-scenarios", Method: http.MethodGet, Path: "/api/scenarios",
		Summary: "List the scenarios", Description: "All scenarios, without their cards.",
	}, s.list)
	httpx.Register(api, huma.Operation{
		OperationID: "get-scenario", Method: http.MethodGet, Path: "/api/scenarios/{slug}",
		Summary: "Read a scenario", Description: "Candidates do not get the interlocutor's card.",
		Errors: []int{http.StatusNotFound},
	}, s.get)
}

// ScenarioList is the list of all scenarios.
type ScenarioList struct {
	Items []httpx.ScenarioSummary `json:"items"`
}

type listOutput struct{ Body ScenarioList }

func (s *Service) list(ctx context.Context, _ *struct{}) (*listOutput, error) {
	all, err := s.Store.Scenarios(ctx)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Items = make([]httpx.ScenarioSummary, len(all))
	for i, one := range all {
		out.Body.Items[i] = httpx.SummariseScenario(one)
	}
	return out, nil
}

type getInput struct {
	Slug string `path:"slug" maxLength:"80" example:"nursing-insulin-at-home"`
}

type getOutput struct{ Body httpx.Scenario }

func (s *Service) get(ctx context.Context, in *getInput) (*getOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	one, err := s.Store.ScenarioBySlug(ctx, in.Slug)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &httpx.Fault{Err: err, Detail: "There is no scenario with this name."}
	}
	if err != nil {
		return nil, err
	}
	return &getOutput{Body: httpx.ViewScenario(one, p.User.Role != store.RoleCandidate)}, nil
}
