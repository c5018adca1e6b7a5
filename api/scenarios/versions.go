package scenarios

import (
	"context"
	"net/http"
	"time"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) versionRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-scenario-versions", Method: http.MethodGet,
		Path: "/api/scenarios/{id}/versions", Summary: "List the versions of a scenario",
		Description: "Newest first. Versions never change.",
		Errors:      []int{http.StatusNotFound},
	}, s.versions, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "get-scenario-version", Method: http.MethodGet,
		Path: "/api/scenarios/{id}/versions/{version}", Summary: "Read a version of a scenario",
		Errors: []int{http.StatusNotFound},
	}, s.version, store.RoleTutor, store.RoleAdmin)
}

// Version is a version of a scenario in a list.
type Version struct {
	Version   int       `json:"version" minimum:"1" example:"7"`
	Title     string    `json:"title" example:"Starting insulin at home"`
	Note      string    `json:"note" doc:"what has changed"`
	Author    *Author   `json:"author,omitempty" doc:"absent: the program, or a deleted account"`
	CreatedAt time.Time `json:"created_at"`
}

// Author is who saved a version.
type Author struct {
	ID   string `json:"id" format:"uuid"`
	Name string `json:"name" example:"Theo Marsh"`
}

// VersionList is the list of a scenario's versions.
type VersionList struct {
	Items []Version `json:"items"`
}

type versionsOutput struct{ Body VersionList }

func (s *Service) versions(ctx context.Context, in *Ref) (*versionsOutput, error) {
	list, err := s.Store.ScenarioVersions(ctx, in.ID)
	if err != nil {
		return nil, missing(err)
	}
	out := &versionsOutput{}
	out.Body.Items = make([]Version, len(list))
	for i, v := range list {
		out.Body.Items[i] = Version{
			Version: v.Version, Title: v.Title, Note: v.Note, CreatedAt: v.CreatedAt,
		}
		if v.AuthorID != "" {
			out.Body.Items[i].Author = &Author{ID: v.AuthorID, Name: v.AuthorName}
		}
	}
	return out, nil
}

type versionInput struct {
	Ref
	Version int `path:"version" minimum:"1" maximum:"100000" example:"7"`
}

type versionOutput struct {
	ETag string `header:"ETag"`
	Body ScenarioDetail
}

func (s *Service) version(ctx context.Context, in *versionInput) (*versionOutput, error) {
	e, text, err := s.Store.LibraryScenario(ctx, in.ID, in.Version)
	if err != nil {
		return nil, missing(err)
	}
	body, err := detailOf(e, text)
	return &versionOutput{ETag: etag(text.Version), Body: body}, err
}
