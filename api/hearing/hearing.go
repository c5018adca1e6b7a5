// Package hearing is the slice of what the recogniser learns about a user's voice.
//
// The built-in recogniser has three acoustic models: one of native speakers (packaged), one that
// was adapted to learners (adapted), and their average. Which of them hears a user best depends on
// accent and microphone. So at the sound check the user reads two or three known sentences aloud,
// once for each microphone. What is kept is the model that fits best and the average sound of the
// voice (13 numbers); the audio is not kept.
package hearing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store stores what was learned. store/postgres implements it.
type Store interface {
	SaveHearing(ctx context.Context, userID string, h store.Hearing) error
	HearingsOf(ctx context.Context, userID string) ([]store.Hearing, error)
	UseHearing(ctx context.Context, userID, microphone string) error
	DeleteHearings(ctx context.Context, userID string) error
}

// Reading is a sentence that was read aloud.
type Reading struct {
	Text  string
	Audio []byte // a WAV, Ogg Opus or MP3 file
}

// ReadingError is returned by Measure for a reading that cannot be used.
type ReadingError struct {
	Index   int
	Message string // for the user
}

// Error implements error.
func (e *ReadingError) Error() string {
	return fmt.Sprintf("reading %d: %s", e.Index+1, e.Message)
}

// Measure finds the model that fits readings best, and their mean and gain. It returns a
// ReadingError for a reading that cannot be used, and store.ErrUnavailable when the machine has no
// such recogniser, or too much to do. It does not keep the audio.
type Measure func(ctx context.Context, readings []Reading) (store.Hearing, error)

// Service handles the operations of the slice.
type Service struct {
	Store   Store
	Measure Measure // nil when this process cannot
	Clock   func() time.Time
}

// MeasureOperation is the id of the operation that uploads audio.
const MeasureOperation = "measure-hearing"

// Limits of an upload. A minute's third of 16-bit samples at 16 kHz is 640 kB.
const (
	minReadings = 2
	maxReadings = 3
	maxAudio    = 1 << 20
	maxBody     = maxReadings*maxAudio*4/3 + 4096
	bodyTimeout = 30 * time.Second
)

// sentences are those to read. Together they have most phones of English.
func sentences() []Sentence {
	return []Sentence{
		{ID: "morning", Text: "Good morning, I am the nurse who will look after you today."},
		{ID: "pain", Text: "Could you show me where the pain is, and tell me when it started?"},
		{ID: "tablets", Text: "Please take two of these with a glass of water after breakfast."},
	}
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag:         "hearing",
		Description: "How the recogniser hears a user: sentences read at the sound check",
		Routes:      s.routes,
		Tables: []store.TableRule{{
			Table: "hearings", OnDelete: store.Deleted,
			Why: "which model hears the user best at a microphone, and the average sound of the " +
				"voice. Also deleted when the user says so",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-hearing", Method: http.MethodGet, Path: "/api/hearing",
		Summary: "Read which sentences to read aloud, and what is known",
		Description: "The microphones at which sentences were read, the last used first. When " +
			"`available` is false, this server cannot measure, and uses the packaged model.",
	}, s.get)
	httpx.Register(api, huma.Operation{
		OperationID: MeasureOperation, Method: http.MethodPost, Path: "/api/hearing",
		Summary: "Find the model that hears you best at a microphone",
		Description: "Send two or three of the sentences, read aloud at this microphone, each " +
			"as a WAV, Ogg Opus or MP3 file of at most 20 seconds and 1 MB in Base64. The " +
			"response is 422 reading-not-usable when a sentence was not read: its place is in " +
			"`errors`. It replaces what was known of this microphone; of more than ten the one " +
			"not used for longest is forgotten. The audio is not kept.",
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTimeout,
	}, s.measure)
	httpx.Register(api, huma.Operation{
		OperationID: "use-hearing", Method: http.MethodPost,
		Path: "/api/hearing/{microphone}/use", Summary: "Say at which microphone you are",
		Description: "The automatic patient hears you as at the microphone used last. The " +
			"response is 404 when no sentences were read at this one: ask for them.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, s.use)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-hearing", Method: http.MethodDelete, Path: "/api/hearing",
		Summary:       "Forget what is known of your voice",
		DefaultStatus: http.StatusNoContent,
	}, s.delete)
}

// Sentence is a sentence to read aloud.
type Sentence struct {
	ID   string `json:"id" example:"morning"`
	Text string `json:"text" example:"Good morning, I am the nurse who will look after you today."`
}

// Hearing is what is known of a voice at a microphone.
type Hearing struct {
	Microphone string    `json:"microphone" doc:"the client's name for it" example:"k3x9"`
	Model      string    `json:"model" enum:"packaged,average,adapted" doc:"the acoustic model that hears you best: packaged (native speakers), adapted (learners) or average (in between)" example:"adapted"`
	MeasuredAt time.Time `json:"measured_at"`
	UsedAt     time.Time `json:"used_at"`
}

// HearingOverview is the response of get-hearing.
type HearingOverview struct {
	Available bool       `json:"available" doc:"whether this server can measure" example:"true"`
	Sentences []Sentence `json:"sentences" doc:"what to read aloud"`
	Known     []Hearing  `json:"known" doc:"microphones, the last used first"`
}

type overviewOutput struct{ Body HearingOverview }

func (s *Service) get(ctx context.Context, _ *struct{}) (*overviewOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.HearingsOf(ctx, p.User.ID)
	if err != nil {
		return nil, err
	}
	out := &overviewOutput{HearingOverview{
		Available: s.Measure != nil, Sentences: sentences(), Known: make([]Hearing, len(list)),
	}}
	for i, h := range list {
		out.Body.Known[i] = view(h)
	}
	return out, nil
}

func view(h store.Hearing) Hearing {
	return Hearing{h.Microphone, h.Model, h.MeasuredAt, h.UsedAt}
}

// NewReading is a sentence read aloud.
type NewReading struct {
	Sentence string `json:"sentence" maxLength:"20" doc:"its id" example:"morning"`
	Audio    []byte `json:"audio" maxLength:"1398104" doc:"the file, in Base64"`
}

// NewHearing is the request of measure-hearing.
type NewHearing struct {
	Microphone string       `json:"microphone" pattern:"^[A-Za-z0-9_-]{1,64}$" doc:"a name for the microphone that stays the same, such as a hash of its id" example:"k3x9"`
	Readings   []NewReading `json:"readings" minItems:"2" maxItems:"3" doc:"different sentences"`
}

type measureInput struct{ Body NewHearing }

type hearingOutput struct{ Body Hearing }

func (s *Service) measure(ctx context.Context, in *measureInput) (*hearingOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	readings, err := check(in.Body.Readings)
	if err != nil {
		return nil, err
	}
	if s.Measure == nil {
		return nil, unavailable(store.ErrUnavailable)
	}
	h, err := s.Measure(ctx, readings)
	var unusable *ReadingError
	switch {
	case errors.As(err, &unusable):
		fault := httpx.Invalid(place(unusable.Index), unusable.Message)
		fault.Code = "reading-not-usable"
		return nil, fault
	case errors.Is(err, store.ErrUnavailable):
		return nil, unavailable(err)
	case err != nil:
		return nil, err
	}
	h.Microphone, h.MeasuredAt = in.Body.Microphone, s.Clock().UTC()
	h.UsedAt = h.MeasuredAt
	if err := s.Store.SaveHearing(ctx, p.User.ID, h); err != nil {
		return nil, err
	}
	return &hearingOutput{view(h)}, nil
}

func place(i int) string { return fmt.Sprintf("body.readings[%d]", i) }

func unavailable(err error) error {
	return &httpx.Fault{
		Err: err, Detail: "Your voice cannot be measured at the moment. You can practise without " +
			"it: the patient hears you as it hears everybody.",
		RetryAfter: time.Minute,
	}
}

// check returns the readings with the texts of their sentences.
func check(list []NewReading) ([]Reading, error) {
	if len(list) < minReadings || len(list) > maxReadings {
		return nil, httpx.Invalid("body.readings", "Read two or three of the sentences.")
	}
	texts := map[string]string{}
	for _, s := range sentences() {
		texts[s.ID] = s.Text
	}
	readings := make([]Reading, len(list))
	for i, r := range list {
		text := texts[r.Sentence]
		switch {
		case text == "":
			return nil, httpx.Invalid(place(i), "There is no such sentence, or it was sent twice.")
		case len(r.Audio) == 0 || len(r.Audio) > maxAudio:
			return nil, httpx.Invalid(place(i), "Send a recording of at most 1 MB.")
		}
		delete(texts, r.Sentence)
		readings[i] = Reading{text, r.Audio}
	}
	return readings, nil
}

type useInput struct {
	Microphone string `path:"microphone" pattern:"^[A-Za-z0-9_-]{1,64}$" doc:"as in measure-hearing"`
}

func (s *Service) use(ctx context.Context, in *useInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	err = s.Store.UseHearing(ctx, p.User.ID, in.Microphone)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &httpx.Fault{
			Err: err, Detail: "No sentences were read at this microphone. Read them first.",
		}
	}
	return nil, err
}

func (s *Service) delete(ctx context.Context, _ *struct{}) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteHearings(ctx, p.User.ID)
}
