package attempts

import (
	"context"
	"errors"
	"net/http"
	"strings"
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
	httpx.Register(api, huma.Operation{
		OperationID: "sign-audio", Method: http.MethodPost,
		Path:    "/api/attempts/{id}/audio/{speaker}/url",
		Summary: "Get an address of a recording that works without a token",
		Description: "For pages, whose audio elements send no token and play while they load. " +
			"It works for 15 to 20 minutes, for this recording only: ask for another one then. " +
			"The problems of a recording that cannot be played are those of get-audio.",
		Errors: []int{http.StatusNotFound},
	}, s.signAudio)
	httpx.Register(api, huma.Operation{
		OperationID: "get-signed-audio", Method: http.MethodGet,
		Path:    "/api/recordings/{id}/{speaker}",
		Summary: "Get the recording of one speaker by a signed address",
		Description: "The addresses are those of sign-audio. One that has expired or was changed " +
			"is refused with 403, and the type of the problem ends in address-expired. HEAD and " +
			"range requests are supported.",
		Metadata: httpx.Public(), Errors: []int{
			http.StatusForbidden, http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable,
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "The recording", Content: sound},
			"206": {Description: "Part of the recording", Content: sound},
		},
	}, s.signedAudio)
}

// audioTimeout is the time that a client has to receive a recording, which it may play meanwhile.
const audioTimeout = 20 * time.Minute

type audioInput struct {
	ID      string        `path:"id" format:"uuid" doc:"the attempt's id"`
	Speaker store.Speaker `path:"speaker" enum:"candidate,patient"`
}

func (s *Service) audio(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
	rec, err := s.ownRecording(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.send(ctx, rec, "no-store")
}

// ownRecording returns a recording that can be played, of an attempt that the principal is
// involved in.
func (s *Service) ownRecording(ctx context.Context, in *audioInput) (store.Recording, error) {
	a, err := s.own(ctx, in.ID)
	if err != nil {
		return store.Recording{}, err
	}
	return s.playable(ctx, a.ID, in.Speaker)
}

// playable returns a recording, or the problem that says why it cannot be played.
func (s *Service) playable(ctx context.Context, id string,
	speaker store.Speaker) (store.Recording, error) {
	rec, err := s.Store.Recording(ctx, id, speaker)
	if err == nil {
		err = unplayable(rec)
	}
	return rec, noRecording(err)
}

// send responds with a recording.
func (s *Service) send(ctx context.Context, rec store.Recording,
	cacheControl string) (*huma.StreamResponse, error) {
	// The operation's context ends before the file is sent.
	f, err := s.Open(context.WithoutCancel(ctx), rec.Key)
	if err != nil {
		return nil, noRecording(err)
	}
	return httpx.SendFile(f, audioTimeout, map[string]string{
		"Content-Type": "audio/ogg", "Cache-Control": cacheControl,
	}), nil
}

type signedOutput struct{ Body httpx.SignedURL }

// recordingSubject names a recording for the signature of its address.
func recordingSubject(id string, speaker store.Speaker) string {
	return "recording " + strings.ToLower(id) + " " + string(speaker)
}

func (s *Service) signAudio(ctx context.Context, in *audioInput) (*signedOutput, error) {
	if _, err := s.ownRecording(ctx, in); err != nil {
		return nil, err
	}
	out := &signedOutput{}
	out.Body.URL, out.Body.ExpiresAt = s.Addresses.SignURL(
		"/api/recordings/"+in.ID+"/"+string(in.Speaker), recordingSubject(in.ID, in.Speaker))
	return out, nil
}

type signedInput struct {
	ID        string        `path:"id" format:"uuid" doc:"the attempt's id"`
	Speaker   store.Speaker `path:"speaker" enum:"candidate,patient"`
	Expires   int64         `query:"expires" required:"true" doc:"until when the address works, in seconds since 1970"`
	Signature string        `query:"signature" required:"true" maxLength:"64"`
}

func (s *Service) signedAudio(ctx context.Context, in *signedInput) (*huma.StreamResponse, error) {
	// Before anything is looked up, so that the answer says nothing of what there is.
	if !s.Addresses.VerifyURL(recordingSubject(in.ID, in.Speaker), in.Expires, in.Signature) {
		return nil, &httpx.Fault{
			Err: store.ErrForbidden, Code: "address-expired",
			Detail: "This address of a recording has expired, or was changed. Open the report " +
				"to listen.",
		}
	}
	rec, err := s.playable(ctx, in.ID, in.Speaker)
	if err != nil {
		return nil, err
	}
	return s.send(ctx, rec, "private, no-store")
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
