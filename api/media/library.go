package media

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) libraryRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-media", Method: http.MethodGet, Path: "/api/media",
		Summary: "List the pictures and lines of scenarios, newest first",
		Description: "Returns one page, with the scenarios that use each. One that nothing uses " +
			"is deleted a day after it was uploaded.",
		Errors: []int{http.StatusUnprocessableEntity},
	}, s.list, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-media", Method: http.MethodDelete, Path: mediaPath,
		DefaultStatus: http.StatusNoContent, Summary: "Delete a picture or a line",
		Description: "Your portrait, or one of the library. While a version of a scenario refers " +
			"to it the answer is 409, since reports show the version that was played.",
		Errors: missingOr(http.StatusForbidden, http.StatusConflict),
	}, s.delete)
}

type listInput struct {
	Kind   store.MediaKind `query:"kind" enum:"scenario,line" doc:"only of this kind"`
	Limit  int             `query:"limit" minimum:"1" maximum:"100" default:"24"`
	Before string          `query:"before" format:"uuid" doc:"the next of the page before"`
}

// MediaItem is a medium of the library.
type MediaItem struct {
	Media
	BuiltIn   bool       `json:"built_in" doc:"whether it came with the program"`
	Mine      bool       `json:"mine" doc:"whether you uploaded it"`
	Uses      []MediaUse `json:"uses" maxItems:"1000" doc:"the scenarios that refer to it"`
	DeletedAt *time.Time `json:"deleted_at,omitempty" doc:"when it is deleted, since nothing uses it; absent when something does"`
}

// MediaUse is a scenario that refers to a medium.
type MediaUse struct {
	ScenarioID string `json:"scenario_id" format:"uuid"`
	Slug       string `json:"slug"`
	Title      string `json:"title"`
	Version    int    `json:"version" doc:"the latest that does"`
}

// MediaPage is one page of the library.
type MediaPage struct {
	Items []MediaItem `json:"items"`
	Next  string      `json:"next,omitempty" doc:"the before of the next page; absent on the last page"`
}

type listOutput struct{ Body MediaPage }

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.ListMedia(ctx, store.MediaFilter{
		Kind: in.Kind, Before: in.Before, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	list, out.Body.Next = httpx.Page(list, in.Limit, func(m store.Media) string { return m.ID })
	out.Body.Items = make([]MediaItem, len(list))
	for i, m := range list {
		item := MediaItem{
			Media: s.show(m), BuiltIn: m.BuiltIn, Mine: m.OwnerID == p.User.ID, Uses: []MediaUse{},
		}
		for _, u := range m.Uses {
			item.Uses = append(item.Uses, MediaUse(u))
		}
		if len(m.Uses) == 0 && !m.BuiltIn {
			at := m.CreatedAt.Add(store.MediaOrphanAge)
			item.DeletedAt = &at
		}
		out.Body.Items[i] = item
	}
	return out, nil
}

func (s *Service) delete(ctx context.Context, in *idInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	var deleted store.Media
	err = s.Store.DeleteMedia(ctx, in.ID, func(m store.Media) (store.Effects, error) {
		deleted = m
		if err := m.MayDelete(p.User); err != nil {
			return store.Effects{}, err
		}
		act := httpx.Act(ctx, store.ActDeleteMedia)
		act.UserID, act.Object, act.Detail = m.OwnerID, "media "+m.ID, string(m.Kind)
		return store.Effects{Acts: []store.Act{act}}, nil
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(err)
	case errors.Is(err, store.ErrForbidden):
		return nil, &httpx.Fault{
			Err: err, Detail: "This picture came with the program and stays.",
		}
	case errors.Is(err, store.ErrState):
		return nil, &httpx.Fault{
			Err: err, Code: "media-in-use",
			Detail: "A version of a scenario shows it, and reports of that version must go on " +
				"showing it. Choose another picture in the scenario; this one stays.",
		}
	case err != nil:
		return nil, err
	}
	if deleted.Kind == store.MediaAvatar {
		s.Sessions.AfterChange(deleted.OwnerID, nil, "")
	}
	return nil, nil
}
