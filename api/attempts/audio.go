package attempts

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) audioRoute(api huma.API) {
	sound := map[string]*huma.MediaType{
		"audio/ogg": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
	httpx.Register(api, huma.Operation{
		OperationID: "get-audio", Method: http.MethodGet, Path: "/api/attempts/{id}/audio/{speaker}",
		Summary: "Hear one speaker", Description: "Ogg Opus on the report's time line. Ranges work.",
		Metadata: httpx.Expensive(), Errors: []int{
			http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable,
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "The recording", Content: sound},
			"206": {Description: "A part of the recording", Content: sound},
		},
	}, s.audio)
}

// hearWithin is the time a client has to fetch a recording, which it may play as it comes.
const hearWithin = 20 * time.Minute

type audioInput struct {
	ID      string        `path:"id" maxLength:"64" doc:"the attempt's id"`
	Speaker store.Speaker `path:"speaker" enum:"candidate,patient"`
}

func (s *Service) audio(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
	a, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rec, err := s.Store.Recording(ctx, a.ID, in.Speaker)
	if err != nil {
		return nil, silent(err)
	}
	// Not of the operation's context: that one ends before the sound is through.
	f, err := s.Open(context.WithoutCancel(ctx), rec.Key)
	if err != nil {
		return nil, silent(err)
	}
	return httpx.SendFile(f, hearWithin, map[string]string{
		"Content-Type": "audio/ogg", "Cache-Control": "private, no-cache",
	}), nil
}

func silent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &httpx.Fault{
			Err: err, Code: "no-recording", Detail: "There is no recording of this speaker.",
		}
	}
	return err
}
