package attempts

import (
	"context"
	"errors"
	"net/http"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) retryRoute(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "retry-analysis", Method: http.MethodPost, Path: "/api/attempts/{id}/retry",
		Summary: "Analyse a failed attempt again", DefaultStatus: http.StatusAccepted,
		Description: "Analyses the audio in the log or, without it, the recordings. For a reported " +
			"attempt, stores the recordings that were given up. This begins within a minute. " +
			"The response is 409 when there is nothing to try again.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.retry, store.RoleAdmin)
}

func (s *Service) retry(ctx context.Context, in *idInput) (*struct{}, error) {
	_, err := s.Store.RetryAnalysis(ctx, in.ID, func(a store.Attempt) store.Act {
		act := httpx.Act(ctx, store.ActRetry)
		act.UserID, act.Object = a.CandidateID, "attempt "+a.ID
		return act
	})
	if errors.Is(err, store.ErrState) {
		return nil, &httpx.Fault{
			Err: err, Detail: "Only failed attempts can be analysed again, and reported ones " +
				"whose recordings could not be stored.",
		}
	}
	return nil, missing(err)
}
