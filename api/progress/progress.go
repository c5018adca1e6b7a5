// Package progress is the slice of what a user has practised: attempts, results and time by
// scenario, and what to do next.
//
// All numbers follow from attempts and reports. A user sets only marks: a bookmark, notes, and
// that the card was read.
package progress

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

// Store reads progress and stores marks. store/postgres implements it.
type Store interface {
	Overview(ctx context.Context, userID string) (store.Overview, error)
	// Progress and ChangeMarks take the id or the slug of a scenario.
	Progress(ctx context.Context, userID, scenario string) (store.Progress, error)
	ChangeMarks(ctx context.Context, userID, scenario string,
		c store.MarksChange) (store.Progress, error)
	PlayableScenarios(ctx context.Context) ([]store.Scenario, error)
}

// Service handles the operations of the slice.
type Service struct {
	Store Store
	Clock func() time.Time
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "progress", Description: "What you have practised, and what to do next",
		Routes: s.routes,
		Tables: []store.TableRule{
			{
				Table: "progress", OnDelete: store.Deleted,
				Why: "it follows from the attempts, and goes with them",
			},
			{
				Table: "results", OnDelete: store.Deleted,
				Why: "the scores of the candidate's attempts; they go with the attempts",
			},
			{
				Table: "scenario_marks", OnDelete: store.Deleted,
				Why: "bookmarks, notes and which cards were read",
			},
		},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-progress-overview", Method: http.MethodGet, Path: "/api/progress",
		Summary: "Read your progress",
		Description: "All that you have practised, by scenario and by week, and what to do " +
			"next. Days and weeks are those of your profile's time zone, or of UTC.",
	}, s.overview)
	httpx.Register(api, huma.Operation{
		OperationID: "get-progress", Method: http.MethodGet,
		Path:    "/api/protected/progress/{scenarioId}",
		Summary: "Read your progress at a scenario",
		Description: "Attempts, results, bookmark and notes. All are empty before the first " +
			"attempt.",
		Errors: []int{http.StatusNotFound},
	}, s.get)
	httpx.Register(api, huma.Operation{
		OperationID: "set-marks", Method: http.MethodPost,
		Path:    "/api/protected/progress/{scenarioId}",
		Summary: "Set a bookmark, notes, or that you read the card",
		Description: "Fields that are absent stay as they are. Attempts and results follow " +
			"from your role plays and cannot be set.",
		Errors: []int{http.StatusNotFound},
	}, s.mark)
}

// ScenarioProgress is what you have done with a scenario.
type ScenarioProgress struct {
	Scenario        httpx.ScenarioName `json:"scenario"`
	Attempts        int                `json:"attempts" minimum:"0" doc:"attempts whose play began"`
	Reported        int                `json:"reported" minimum:"0" doc:"attempts with a report"`
	PracticeSeconds int                `json:"practice_seconds" minimum:"0" doc:"time of play"`
	LastAt          *time.Time         `json:"last_at,omitempty" doc:"when the latest play began"`
	Best            *Result            `json:"best" doc:"the best result; null until there are scores"`
	Latest          *Result            `json:"latest" doc:"the latest result; null until there are scores"`
	Bookmarked      bool               `json:"bookmarked"`
	CardRead        bool               `json:"card_read" doc:"you have read the card"`
	Notes           string             `json:"notes" maxLength:"4000" example:"Ask about his brother first."`
	UpdatedAt       *time.Time         `json:"updated_at,omitempty" doc:"when you last changed the bookmark, the notes or that you read the card"`
}

// Result is the score of an attempt, as a range.
type Result struct {
	AttemptID string    `json:"attempt_id" format:"uuid"`
	At        time.Time `json:"at" doc:"when the play began"`
	Low       float64   `json:"low" example:"330"`
	High      float64   `json:"high" example:"370"`
}

func viewResult(r *store.Result) *Result {
	if r == nil {
		return nil
	}
	return &Result{AttemptID: r.AttemptID, At: r.At, Low: r.Low, High: r.High}
}

func view(p store.Progress) ScenarioProgress {
	return ScenarioProgress{
		Scenario: httpx.NameScenario(p.Scenario), Attempts: p.Attempts, Reported: p.Reported,
		PracticeSeconds: int(p.Practice.Seconds()), LastAt: p.LastAt,
		Best: viewResult(p.Best), Latest: viewResult(p.Latest),
		Bookmarked: p.Marks.BookmarkedAt != nil, CardRead: p.Marks.CardReadAt != nil,
		Notes: p.Marks.Notes, UpdatedAt: p.Marks.UpdatedAt,
	}
}

type getInput struct {
	Scenario string `path:"scenarioId" maxLength:"80" doc:"the id or the slug" example:"nursing-insulin-at-home"`
}

type getOutput struct{ Body ScenarioProgress }

func (s *Service) get(ctx context.Context, in *getInput) (*getOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	one, err := s.Store.Progress(ctx, p.User.ID, in.Scenario)
	if err != nil {
		return nil, missing(err)
	}
	return &getOutput{Body: view(one)}, nil
}

// Marks are what a user may set.
type Marks struct {
	Bookmarked *bool   `json:"bookmarked,omitempty"`
	CardRead   *bool   `json:"card_read,omitempty"`
	Notes      *string `json:"notes,omitempty" maxLength:"4000" example:"Ask about his brother first."`
}

type markInput struct {
	Scenario string `path:"scenarioId" maxLength:"80" doc:"the id or the slug" example:"nursing-insulin-at-home"`
	Body     Marks
}

func (s *Service) mark(ctx context.Context, in *markInput) (*getOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	one, err := s.Store.ChangeMarks(ctx, p.User.ID, in.Scenario, store.MarksChange{
		Bookmarked: in.Body.Bookmarked, CardRead: in.Body.CardRead, Notes: in.Body.Notes,
	})
	if err != nil {
		return nil, missing(err)
	}
	return &getOutput{Body: view(one)}, nil
}

// missing adds a detail to store.ErrNotFound, and returns other errors unchanged.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &httpx.Fault{Err: err, Detail: "There is no scenario with this id or name."}
	}
	return err
}
