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
		OperationID: "get-audio", Method: http.MethodGet,
		Path: "/api/attempts/{id}/audio/{speaker}", Summary: "Get the recording of one speaker",
		Description: "Ogg Opus on the time line of the report. Range requests are supported. " +
			"While there is no recording, the response is 404: the type of the problem ends in " +
			"recording-pending while it is not stored yet, in recording-failed, in " +
			"recording-deleted at the end of its retention, or in no-recording.",
		Metadata: httpx.Expensive(), Errors: []int{
			http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable,
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "The recording", Content: sound},
			"206": {Description: "Part of the recording", Content: sound},
		},
	}, s.audio)
}

// audioTimeout is the time that a client has to receive a recording, which it may play meanwhile.
const audioTimeout = 20 * time.Minute

type audioInput struct {
	ID      string        `path:"id" format:"uuid" doc:"the attempt's id"`
	Speaker store.Speaker `path:"speaker" enum:"candidate,patient"`
}

func (s *Service) audio(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
	a, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rec, err := s.Store.Recording(ctx, a.ID, in.Speaker)
	if err == nil {
		err = unplayable(rec)
	}
	if err != nil {
		return nil, noRecording(err)
	}
	// The operation's context ends before the file is sent.
	f, err := s.Open(context.WithoutCancel(ctx), rec.Key)
	if err != nil {
		return nil, noRecording(err)
	}
	return httpx.SendFile(f, audioTimeout, map[string]string{
		"Content-Type": "audio/ogg", "Cache-Control": "no-store",
	}), nil
}

// unplayable returns the problem that says why a recording cannot be played, or nil.
func unplayable(r store.Recording) error {
	f := &httpx.Fault{Err: store.ErrNotFound}
	switch r.State {
	case store.RecordingPending:
		f.Code = "recording-pending"
		f.Detail = "The recording is not stored yet. The server keeps trying: try again later."
	case store.RecordingFailed:
		f.Code = "recording-failed"
		f.Detail = "The recording could not be stored, so it cannot be played. The report is " +
			"complete all the same."
	case store.RecordingDeleted:
		f.Code = "recording-deleted"
		f.Detail = "The recording was deleted, since it was kept as long as this server keeps " +
			"recordings."
	default:
		return nil
	}
	return f
}

// noRecording adds a detail to store.ErrNotFound, and returns other errors unchanged.
func noRecording(err error) error {
	var f *httpx.Fault
	if errors.As(err, &f) {
		return err
	}
	if errors.Is(err, store.ErrNotFound) {
		return &httpx.Fault{
			Err: err, Code: "no-recording", Detail: "There is no recording of this speaker.",
		}
	}
	return err
}
