// Package scenarios is the slice of authored role plays: the catalogue that everybody may read,
// and the library in which tutors and administrators write.
//
// A scenario has versions. Each change is a new one; publishing makes the latest the one that
// candidates get. Candidates and guests see published versions only, and never the patient's side:
// the interlocutor's card, what hides behind it, and, until they have played, the model
// performance. An attempt keeps the version that it was created with.
package scenarios

import (
	"context"
	"errors"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store stores scenarios. store/postgres implements it.
type Store interface {
	// CatalogueGeneration returns a text that changes with every change of a scenario.
	CatalogueGeneration(ctx context.Context) (string, error)
	Scenarios(ctx context.Context, f store.ScenarioFilter) (list []store.ScenarioSummary,
		next string, err error)
	CountScenarios(ctx context.Context, f store.ScenarioFilter) (store.ScenarioCounts, error)
	ScenariosMine(ctx context.Context, userID string,
		ids []string) (map[string]store.ScenarioMine, error)
	PublishedScenario(ctx context.Context, ref string) (store.Scenario, error)
	LibraryScenario(ctx context.Context, ref string,
		version int) (store.ScenarioEntry, store.Scenario, error)
	ScenarioVersions(ctx context.Context, ref string) ([]store.ScenarioVersion, error)
	CreateScenario(ctx context.Context, s store.Scenario, authorID, note string,
		rule func(store.ScenarioEntry) store.Act) (store.ScenarioEntry, error)
	ChangeScenario(ctx context.Context, ref, authorID string,
		rule func(*store.ScenarioEntry) (store.ScenarioChange, error)) (store.ScenarioEntry,
		error)
	ImportScenarios(ctx context.Context, list []store.Scenario, update bool, authorID string,
		rule func(store.ScenarioEntry) store.Act) ([]store.ScenarioEntry, error)
	DeleteScenario(ctx context.Context, ref string,
		rule func(store.ScenarioEntry) store.Act) error
}

// Service handles the operations of the slice.
type Service struct {
	Store Store
	Cache Cache // may be nil
	Clock func() time.Time

	loader loader
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	s.loader.cache = s.Cache
	return httpx.Slice{
		Tag: "scenarios", Description: "Authored role plays", Routes: s.routes,
		Tables: []store.TableRule{
			{
				Table: "scenarios", OnDelete: store.Anonymised,
				Why: "scenarios belong to all tutors; they lose the names of those who " +
					"created and last changed them",
			},
			{
				Table: "scenario_versions", OnDelete: store.Anonymised,
				Why: "a report shows the version that was played; it loses its author's name",
			},
			{
				Table: "catalogue_generation", OnDelete: store.Kept, Why: "not about a user",
			},
		},
	}
}

func (s *Service) routes(api huma.API) {
	s.listRoute(api)
	s.getRoute(api)
	lintRoutes(api)
	s.understandingRoute(api)
	s.changeRoutes(api)
	s.versionRoutes(api)
	s.yamlRoutes(api)
}

// viewer returns who makes a request, or nil for a guest.
func viewer(ctx context.Context) *store.User {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil
	}
	return &p.User
}

// writes reports whether a user may see and change the library.
func writes(u *store.User) bool {
	return u != nil && (u.Role == store.RoleTutor || u.Role == store.RoleAdmin)
}

// missing adds a detail to the errors of a scenario that the viewer cannot have.
func missing(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &httpx.Fault{Err: err, Detail: "There is no scenario with this name."}
	case errors.Is(err, store.ErrState):
		return &httpx.Fault{
			Err: store.ErrNotFound, Code: "scenario-archived",
			Detail: "This role play was withdrawn. Your reports of it stay. Choose another one.",
		}
	}
	return err
}
