package scenarios

import (
	"context"
	"net/http"

	"bedside/api/httpx"
	"bedside/api/scenarios/view"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) getRoute(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-scenario", Method: http.MethodGet, Path: "/api/scenarios/{id}",
		Summary: "Read a scenario",
		Description: "Candidates and guests get the published version with the candidate's card. " +
			"Candidates who have a report of it also get the model performance and what a " +
			"strong candidate does. Tutors and administrators get the latest version, or the " +
			"one that they ask for, with both cards and the whole document; also of drafts and " +
			"archived scenarios.",
		Metadata: httpx.Optional(), Errors: []int{http.StatusForbidden, http.StatusNotFound},
		Responses: map[string]*huma.Response{
			"304": {Description: "The client has the answer already (If-None-Match)"},
		},
	}, s.get)
}

// Ref names a scenario in the path.
type Ref struct {
	ID string `path:"id" minLength:"1" maxLength:"80" doc:"the scenario's id or slug" example:"nursing-insulin-at-home"`
}

type getInput struct {
	Ref
	Version     int    `query:"version" minimum:"1" maximum:"100000" doc:"only for tutors and administrators"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"2000"`
}

// ScenarioDetail is a scenario with what the viewer may see of it.
type ScenarioDetail struct {
	view.Scenario
	Strong   []string          `json:"strong,omitempty" doc:"what a strong candidate does; for candidates with a report of it, and tutors"`
	Model    []store.ModelTurn `json:"model,omitempty" doc:"the model performance; likewise"`
	Document Document          `json:"document,omitempty" doc:"all of it; only for tutors and administrators"`
}

type getOutput struct {
	CacheHeaders
	Body ScenarioDetail
}

func (s *Service) get(ctx context.Context, in *getInput) (*getOutput, error) {
	u := viewer(ctx)
	if writes(u) {
		return s.getFromLibrary(ctx, u, in)
	}
	if in.Version != 0 {
		return nil, &httpx.Fault{
			Err:    store.ErrForbidden,
			Detail: "Only tutors and administrators may ask for a version.",
		}
	}
	generation, err := s.Store.CatalogueGeneration(ctx)
	if err != nil {
		return nil, err
	}
	out := &getOutput{}
	if u == nil {
		if out.CacheHeaders, err = public(generation, in.ID, in.IfNoneMatch); err != nil {
			return nil, err
		}
	}
	out.Body.Scenario, err = through(ctx, &s.loader, func(ctx context.Context) (view.Scenario,
		error) {
		one, err := s.Store.PublishedScenario(ctx, in.ID)
		return view.Of(one, false), err
	}, "detail", generation, in.ID)
	if err != nil {
		return nil, missing(err)
	}
	mine, err := s.addMine(ctx, u, &out.Body.ScenarioSummary)
	if err == nil && mine[out.Body.ID].Reported > 0 {
		err = s.addModel(ctx, &out.Body)
	}
	return out, err
}

// addModel adds what candidates get after their first report.
func (s *Service) addModel(ctx context.Context, d *ScenarioDetail) error {
	one, err := s.Store.PublishedScenario(ctx, d.ID)
	if err != nil {
		return missing(err)
	}
	d.Strong, d.Model = one.Strong, one.Model
	return nil
}

func (s *Service) getFromLibrary(ctx context.Context, u *store.User, in *getInput) (*getOutput,
	error) {
	entry, one, err := s.Store.LibraryScenario(ctx, in.ID, in.Version)
	if err != nil {
		return nil, missing(err)
	}
	out := &getOutput{}
	out.ETag = etag(one.Version)
	if out.Body, err = detailOf(entry, one); err != nil {
		return nil, err
	}
	_, err = s.addMine(ctx, u, &out.Body.ScenarioSummary)
	return out, err
}

// detailOf returns a scenario as tutors see it.
func detailOf(e store.ScenarioEntry, s store.Scenario) (ScenarioDetail, error) {
	d := ScenarioDetail{Scenario: view.Of(s, true), Strong: s.Strong, Model: s.Model}
	d.Library = view.LibraryOf(e)
	var err error
	d.Document, err = documentOf(s)
	return d, err
}
