package attempts

import (
	"context"
	"errors"
	"net/http"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) deleteRoute(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "delete-attempt", Method: http.MethodDelete, Path: "/api/attempts/{id}",
		Summary: "Delete one of your attempts",
		Description: "For its candidate, with its report and its recordings, also those of the " +
			"partner. The response is 409 while its room is open or its analysis is not done.",
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusNotFound, http.StatusConflict},
	}, s.delete)
}

func (s *Service) delete(ctx context.Context, in *idInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	err = s.Store.DeleteAttempt(ctx, in.ID, func(a store.Attempt) (store.Act, error) {
		act := httpx.Act(ctx, store.ActDeleteAttempt)
		act.UserID, act.Object = a.CandidateID, "attempt "+a.ID
		if a.CandidateID == p.User.ID {
			return act, a.Deletable()
		}
		if maySee(p.User, a) {
			return act, &httpx.Fault{
				Err: store.ErrForbidden, Detail: "Only its candidate can delete a role play.",
			}
		}
		return act, store.ErrNotFound
	})
	if errors.Is(err, store.ErrState) {
		return nil, &httpx.Fault{
			Err: err, Detail: "The room of this role play is still open, or its report is being " +
				"made. Leave the room, wait for the report, and delete it then.",
		}
	}
	return nil, missing(err)
}
