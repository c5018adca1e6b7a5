// Package attempts is the slice of practice: attempts, tickets to their rooms, reports and
// recordings.
//
// An attempt is one practice of a scenario. Its candidate creates it. A ticket is a token for the
// WebSocket: it lets one user join the attempt's room once, in one part, within a minute. After
// the play a worker analyses the audio and saves the report and the recordings.
package attempts

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/api/scenarios/view"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store stores attempts, reports and recordings. store/postgres implements it.
type Store interface {
	PublishedScenario(ctx context.Context, slug string) (store.Scenario, error)
	CreateAttempt(ctx context.Context, n store.NewAttempt) (store.Attempt, error)
	FindAttempt(ctx context.Context, id string) (store.Attempt, error)
	AttemptView(ctx context.Context, id string) (store.AttemptView, store.Scenario, error)
	// AttemptReport returns an attempt with its report, which is nil when there is none.
	AttemptReport(ctx context.Context, attemptID string) (store.Attempt, []byte, error)
	AttemptsOf(ctx context.Context, userID, before string, limit int) ([]store.AttemptView, error)
	FilterAttempts(ctx context.Context, f store.AttemptFilter) ([]store.AttemptView, error)
	ReserveLive(ctx context.Context, userID, attemptID string, until time.Time) error
	SeatPartner(ctx context.Context, id, userID string, present bool) (store.Attempt, error)
	SaveInvitation(ctx context.Context, i store.Invitation) error
	DeleteInvitation(ctx context.Context, attemptID string) error
	Invitation(ctx context.Context, tokenHash []byte) (store.Invitation, store.AttemptView, error)
	AcceptInvitation(ctx context.Context, tokenHash []byte, userID string,
		now time.Time) (store.Attempt, error)
	Recording(ctx context.Context, attemptID string,
		speaker store.Speaker) (store.Recording, error)
	RetryAnalysis(ctx context.Context, attemptID string,
		rule func(store.Attempt) store.Act) (store.Attempt, error)
	DeleteAttempt(ctx context.Context, id string,
		rule func(store.Attempt) (store.Act, error)) error
}

// Rooms knows the open rooms and the media nodes. store/presence implements it.
type Rooms interface {
	Room(ctx context.Context, id string) (store.RoomInfo, error)
	// Place returns the media node that holds an attempt's room, or else shall open it. It returns
	// store.ErrNoNode when no node can.
	Place(ctx context.Context, id string) (store.MediaNode, error)
}

// Tickets issues tickets. auth.Sessions implements it.
type Tickets interface {
	Ticket(j store.Join) (ticket string, expires time.Time, err error)
}

// Addresses signs addresses of recordings. auth.Sessions implements it.
type Addresses interface {
	SignURL(path, what string) (address string, expires time.Time)
	VerifyURL(what string, expires int64, signature string) bool
}

// Service handles the operations of the slice.
type Service struct {
	Store     Store
	Rooms     Rooms
	Tickets   Tickets
	Addresses Addresses
	Tries     auth.Tries
	Open      func(ctx context.Context, key string) (httpx.File, error) // opens a recording

	Retention  store.Retention
	ICEServers func() []ICEServer // part of each ticket; may be nil
	SocketPath string             // of the WebSocket on this server
	Clock      func() time.Time   // nil: the system's
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "attempts", Description: "Practice: rooms, reports and recordings", Routes: s.routes,
		Tables: []store.TableRule{
			{
				Table: "attempts", OnDelete: store.Deleted,
				Why: "the candidate's role plays. Where the user played the patient for " +
					"another candidate, the attempt is that candidate's: it stays, without " +
					"the partner's name. Also deleted at the end of `retention.reports`",
			},
			{
				Table: "invitations", OnDelete: store.Deleted,
				Why: "links by which friends were invited to the candidate's role plays, as hashes",
			},
			{
				Table: "reports", OnDelete: store.Deleted,
				Why: "of the candidate's role plays. The measures of a partner's voice stay " +
					"in the candidate's report",
			},
			{
				Table: "recordings", OnDelete: store.Deleted,
				Why: "of the candidate's role plays, and of the user's own voice in those of " +
					"others. At the end of `retention.recordings` the row stays and says that " +
					"the recording was deleted",
			},
		},
		Files: []store.FileRule{{
			Pattern: "attempts/<attempt>/<speaker>.ogg", OnDelete: store.Deleted,
			Why: "removed by a job, which is retried for a day while the blob store is " +
				"unavailable; also at the end of `retention.recordings` and `retention.reports`",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "create-attempt", Method: http.MethodPost, Path: "/api/attempts",
		Summary: "Create an attempt at a scenario",
		Description: "You are its candidate. The id of the attempt is also the id of its room. " +
			"The attempt keeps the version of the scenario that is published now. A scenario " +
			"that was withdrawn cannot be played: the type of the problem ends in " +
			"scenario-archived. An automatic patient plays only scenarios with has_dialogue. With " +
			"friend_of the other one of an earlier attempt plays the patient.",
		DefaultStatus: http.StatusCreated,
		Errors: []int{
			http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		},
	}, s.create)
	httpx.Register(api, huma.Operation{
		OperationID: "list-attempts", Method: http.MethodGet, Path: "/api/attempts",
		Summary:     "List your attempts, newest first",
		Description: "The attempts in which you are the candidate or the patient.",
	}, s.list)
	httpx.Register(api, huma.Operation{
		OperationID: "get-attempt", Method: http.MethodGet, Path: "/api/attempts/{id}",
		Summary: "Read an attempt and its scenario",
		Description: "For its candidate, its partner and administrators; also for tutors while " +
			"its room can be joined. The candidate gets the interlocutor's card after the report.",
		Errors: []int{http.StatusNotFound},
	}, s.get)
	httpx.Register(api, huma.Operation{
		OperationID: "create-ticket", Method: http.MethodPost, Path: "/api/attempts/{id}/ticket",
		Summary: "Get a ticket to the attempt's room",
		Description: "Send it in the first message on the WebSocket. It works once, within a " +
			"minute, at the media server of its url. Tutors may join as the patient or as an " +
			"observer. The answer is 503 while no media server can take the role play.",
		DefaultStatus: http.StatusCreated, Errors: []int{
			http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		},
	}, s.ticket)
	s.invitationRoutes(api)
	s.reportRoute(api)
	s.audioRoute(api)
	s.retryRoute(api)
	s.deleteRoute(api)
	s.retentionRoute(api)
}

// Person is a user who takes part in an attempt.
type Person struct {
	ID   string `json:"id" format:"uuid"`
	Name string `json:"name" example:"Dana Kovač"`
}

// Attempt is an attempt in a list.
type Attempt struct {
	ID            string             `json:"id" format:"uuid"`
	State         store.AttemptState `json:"state" enum:"created,preparing,playing,analysing,reported,failed,abandoned"`
	Part          string             `json:"part" enum:"candidate,patient,none" doc:"your part in the attempt"`
	ScenarioSlug  string             `json:"scenario_slug" example:"nursing-insulin-at-home"`
	ScenarioTitle string             `json:"scenario_title" example:"Starting insulin at home"`
	Profession    string             `json:"profession" example:"nursing"`
	Candidate     Person             `json:"candidate"`
	Partner       *Person            `json:"partner,omitempty" doc:"the tutor or friend who plays the patient"`
	Consent       bool               `json:"consent" doc:"whether the candidate agreed to being recorded"`
	Patient       store.PatientKind  `json:"patient" enum:"automatic,tutor,friend" doc:"who plays the patient"`
	Mode          store.Mode         `json:"mode" enum:"practice,exam" doc:"exam: without pauses, hints and captions"`
	CreatedAt     time.Time          `json:"created_at"`
	PreparedAt    *time.Time         `json:"prepared_at,omitempty" doc:"when preparation began"`
	StartedAt     *time.Time         `json:"started_at,omitempty" doc:"when the play began"`
	EndedAt       *time.Time         `json:"ended_at,omitempty" doc:"when the play ended"`
	Problem       string             `json:"problem,omitempty" doc:"why there is no report"`
	ExamID        string             `json:"exam_id,omitempty" format:"uuid" doc:"the mock exam that the attempt is part of"`
	ExamPosition  int                `json:"exam_position,omitempty" minimum:"1" maximum:"2" doc:"its place in the mock exam"`
	Sealed        bool               `json:"sealed,omitempty" doc:"the scenario of a mock exam: its candidate is told when the preparation begins"`
}

// AttemptDetail is an attempt with its scenario.
type AttemptDetail struct {
	Attempt
	Scenario view.Scenario `json:"scenario"`
}

func viewOf(v store.AttemptView, u store.User) Attempt {
	a := v.Attempt
	sealed := sealedFor(u, a)
	if sealed {
		v.ScenarioSlug, v.ScenarioTitle = "", sealedTitle(a)
	}
	out := Attempt{
		ID: a.ID, State: a.State, Part: "none", ScenarioSlug: v.ScenarioSlug,
		ScenarioTitle: v.ScenarioTitle, Profession: v.Profession,
		Candidate: Person{ID: a.CandidateID, Name: v.CandidateName}, Consent: a.Consent,
		Patient: a.Patient, Mode: a.Mode,
		CreatedAt: a.CreatedAt, PreparedAt: a.PreparedAt, StartedAt: a.StartedAt,
		EndedAt: a.EndedAt, Problem: a.Problem, ExamID: a.Exam.ID,
		ExamPosition: a.Exam.Position, Sealed: sealed,
	}
	switch u.ID {
	case a.CandidateID:
		out.Part = "candidate"
	case a.PartnerID:
		out.Part = "patient"
	}
	if a.PartnerID != "" {
		out.Partner = &Person{ID: a.PartnerID, Name: v.PartnerName}
	}
	return out
}

// NewAttempt is the request for a new attempt.
type NewAttempt struct {
	Scenario string `json:"scenario" maxLength:"80" doc:"the scenario's slug or id" example:"nursing-insulin-at-home"`
	Consent  bool   `json:"consent" doc:"you agree to being recorded and analysed, which is required" example:"true"`

	Patient store.PatientKind `json:"patient,omitempty" enum:"automatic,tutor,friend" default:"tutor" doc:"who plays the patient" example:"automatic"`
	Mode    store.Mode        `json:"mode,omitempty" enum:"practice,exam" default:"practice" doc:"exam: without pauses, hints and captions" example:"practice"`

	FriendOf string `json:"friend_of,omitempty" format:"uuid" doc:"an earlier attempt in which you or your friend played the patient: the other one plays the patient in this one"`
}

type createInput struct{ Body NewAttempt }

type detailOutput struct {
	Location string `header:"Location"`
	Body     AttemptDetail
}

func (s *Service) create(ctx context.Context, in *createInput) (*detailOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	if !in.Body.Consent {
		return nil, httpx.Invalid("body.consent",
			"A role play is recorded and analysed. Please agree to that first.")
	}
	scenario, err := s.Store.PublishedScenario(ctx, in.Body.Scenario)
	if err != nil {
		return nil, unplayed(err)
	}
	if in.Body.Patient == store.PatientAutomatic && !scenario.HasDialogue() {
		return nil, httpx.Invalid("body.patient", "The automatic patient cannot play this "+
			"scenario yet. Choose another one, or play it with a tutor or a friend.")
	}
	var friend string
	if in.Body.FriendOf != "" {
		if friend, err = s.friend(ctx, in.Body.FriendOf, p.User.ID); err != nil {
			return nil, err
		}
		in.Body.Patient = store.PatientFriend
	}
	if _, err := httpx.AdmitUnconfirmed(ctx, p.User, s.Store, s.Tries, 1); err != nil {
		return nil, err
	}
	a, err := s.Store.CreateAttempt(ctx, store.NewAttempt{
		CandidateID: p.User.ID, ScenarioID: scenario.ID, Consent: true, Patient: in.Body.Patient,
		Mode: in.Body.Mode, PartnerID: friend,
	})
	if err != nil {
		return nil, unplayed(err)
	}
	if a.ScenarioVersion != scenario.Version { // another one was published meanwhile
		if _, scenario, err = s.Store.AttemptView(ctx, a.ID); err != nil {
			return nil, err
		}
	}
	v := store.AttemptView{
		Attempt: a, ScenarioSlug: scenario.Slug, ScenarioTitle: scenario.Title,
		Profession: scenario.Profession, CandidateName: p.User.Name,
	}
	return &detailOutput{
		Location: "/api/attempts/" + a.ID,
		Body: AttemptDetail{
			Attempt: viewOf(v, p.User), Scenario: view.Of(scenario, false),
		},
	}, nil
}

// unplayed adds a detail to the errors of a scenario that cannot be played.
func unplayed(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &httpx.Fault{Err: err, Detail: "There is no scenario with this name."}
	case errors.Is(err, store.ErrState):
		return &httpx.Fault{
			Err: err, Code: "scenario-archived",
			Detail: "This role play was withdrawn, so it cannot be played any more. Your " +
				"reports of it stay. Choose another one.",
		}
	}
	return err
}

type listInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Before string `query:"before" format:"uuid" doc:"the next of the page before"`

	Scenario string `query:"scenario" maxLength:"80" doc:"the slug of a scenario" example:"nursing-insulin-at-home"`
	State    string `query:"state" enum:"created,preparing,playing,analysing,reported,failed,abandoned" doc:"only attempts in this state" example:"reported"`
}

// AttemptPage is one page of attempts.
type AttemptPage struct {
	Items []Attempt `json:"items"`
	Next  string    `json:"next,omitempty" doc:"the before of the next page; absent on the last page"`
}

type listOutput struct{ Body AttemptPage }

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.FilterAttempts(ctx, store.AttemptFilter{
		UserID: p.User.ID, Scenario: in.Scenario, State: store.AttemptState(in.State),
		Before: in.Before, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	list, out.Body.Next = httpx.Page(list, in.Limit, func(v store.AttemptView) string {
		return v.Attempt.ID
	})
	out.Body.Items = make([]Attempt, len(list))
	for i, v := range list {
		out.Body.Items[i] = viewOf(v, p.User)
	}
	return out, nil
}

type idInput struct {
	ID string `path:"id" format:"uuid" doc:"the attempt's id"`
}

func (s *Service) get(ctx context.Context, in *idInput) (*detailOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	v, scenario, err := s.Store.AttemptView(ctx, in.ID)
	if err == nil && !maySee(p.User, v.Attempt) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, missing(err)
	}
	if sealedFor(p.User, v.Attempt) {
		scenario = seal(v.Attempt, scenario)
	}
	withPatient := p.User.ID != v.Attempt.CandidateID || v.Attempt.State == store.AttemptReported
	return &detailOutput{
		Body: AttemptDetail{
			Attempt: viewOf(v, p.User), Scenario: view.Of(scenario, withPatient),
		},
	}, nil
}
