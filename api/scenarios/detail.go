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
			"Tutors and administrators get the latest version, or the one that they ask for, " +
			"with both cards; also of drafts and archived scenarios.",
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

type getOutput struct {
	CacheHeaders
	Body view.Scenario
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
	one, err := s.Store.PublishedScenario(ctx, in.ID)
	if err != nil {
		return nil, missing(err)
	}
	out.Body = view.Of(one, false)
	return out, s.addMineTo(ctx, u, &out.Body)
}

func (s *Service) getFromLibrary(ctx context.Context, u *store.User, in *getInput) (*getOutput,
	error) {
	entry, one, err := s.Store.LibraryScenario(ctx, in.ID, in.Version)
	if err != nil {
		return nil, missing(err)
	}
	out := &getOutput{Body: view.Of(one, true)}
	out.Body.Library = view.LibraryOf(entry)
	out.ETag = etag(one.Version)
	return out, s.addMineTo(ctx, u, &out.Body)
}

func (s *Service) addMineTo(ctx context.Context, u *store.User, v *view.Scenario) error {
	items := []view.ScenarioSummary{v.ScenarioSummary}
	err := s.addMine(ctx, u, items)
	v.ScenarioSummary = items[0]
	return err
}
