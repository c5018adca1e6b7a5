// Package exams is the slice of mock exams.
//
// A mock exam is what the speaking test is: a warm-up, which is neither recorded nor assessed,
// then two role plays of one profession back to back, with the real clock and no second chances.
// The candidate creates it (state warm_up), begins its first role play (first), has a short break
// (between) and begins the second one (second). The role plays are ordinary attempts with rooms
// and reports of their own; the exam adds one result over both. The rules are those of store.Exam.
package exams

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

// Store stores exams. store/postgres implements it.
type Store interface {
	httpx.AttemptLister
	CreateExam(ctx context.Context, candidateID, profession string) (store.Exam, error)
	Exam(ctx context.Context, id string) (store.ExamView, error)
	ExamsOf(ctx context.Context, candidateID, before string, limit int) ([]store.ExamView, error)
	BeginSlot(ctx context.Context, examID string) (store.Attempt, error)
	GiveUpExam(ctx context.Context, examID string) error
}

// Service handles the operations of the slice.
type Service struct {
	Store Store
	Tries auth.Tries
	Clock func() time.Time
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "exams", Description: "Mock exams: two role plays back to back", Routes: s.routes,
		Tables: []store.TableRule{
			{
				Table: "exams", OnDelete: store.Deleted,
				Why: "the candidate's mock exams. Also deleted with the last of their role " +
					"plays at the end of `retention.reports`, and a day after their end when " +
					"nothing was played",
			},
			{
				Table: "exam_results", OnDelete: store.Deleted,
				Why: "what an exam keeps of the reports of its role plays; deleted with them",
			},
		},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "create-exam", Method: http.MethodPost, Path: "/api/exams",
		Summary: "Begin a mock exam",
		Description: "It begins with the warm-up. Its two scenarios are chosen now: of one " +
			"profession, if possible with different clinical focus and not played before. They " +
			"are told when the preparation of each begins. One mock exam can be under way at a " +
			"time (409 exam-under-way); the response is 409 too-few-scenarios when the " +
			"profession has fewer than two.",
		DefaultStatus: http.StatusCreated,
		Errors:        []int{http.StatusForbidden, http.StatusConflict},
	}, s.create)
	httpx.Register(api, huma.Operation{
		OperationID: "list-exams", Method: http.MethodGet, Path: "/api/exams",
		Summary:     "List your mock exams, newest first",
		Description: "Those of which you are the candidate. Their results are left out.",
	}, s.list)
	httpx.Register(api, huma.Operation{
		OperationID: "get-exam", Method: http.MethodGet, Path: "/api/exams/{id}",
		Summary: "Read a mock exam and its result",
		Description: "For its candidate, the partner of either role play and administrators. The " +
			"result is there once the state is reported: the measures of both role plays side " +
			"by side and pooled over both.",
		Errors: []int{http.StatusNotFound},
	}, s.get)
	httpx.Register(api, huma.Operation{
		OperationID: "create-exam-attempt", Method: http.MethodPost,
		Path: "/api/exams/{id}/attempts", Summary: "Begin the next role play of a mock exam",
		Description: "For its candidate. The next one is in `next`. The second role play can be " +
			"begun once the first is over, and each is played once; only one that failed by " +
			"the server's fault can be repeated, once, when the rest of the exam is over. " +
			"Otherwise the response is 409. Then get a ticket to the attempt's room: the " +
			"preparation begins when you join it, and its clock does not stop.",
		DefaultStatus: http.StatusCreated, Errors: []int{
			http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		},
	}, s.begin)
	httpx.Register(api, huma.Operation{
		OperationID: "end-exam", Method: http.MethodPost, Path: "/api/exams/{id}/end",
		Summary: "Give a mock exam up",
		Description: "For its candidate, in the warm-up and between the role plays. What was " +
			"played until then is its result.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, s.end)
}

// NewExam is the request for a new mock exam.
type NewExam struct {
	Profession string `json:"profession,omitempty" maxLength:"40" doc:"by default that of your account" example:"nursing"`
	Consent    bool   `json:"consent" doc:"you agree to being recorded and analysed in both role plays, which is required" example:"true"`
}

type createInput struct{ Body NewExam }

type examOutput struct {
	Location string `header:"Location"`
	Body     Exam
}

func (s *Service) create(ctx context.Context, in *createInput) (*examOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	if !in.Body.Consent {
		return nil, httpx.Invalid("body.consent",
			"A mock exam is recorded and analysed. Please agree to that first.")
	}
	profession := in.Body.Profession
	if profession == "" {
		profession = p.User.Profession
	}
	if err := httpx.CheckProfession(profession); err != nil {
		return nil, err
	}
	if profession == "" {
		return nil, httpx.Invalid("body.profession",
			"Choose the profession of the mock exam, or set yours in your profile.")
	}
	const rolePlays = 2
	giveBack, err := httpx.AdmitUnconfirmed(ctx, p.User, s.Store, s.Tries, rolePlays)
	if err != nil {
		return nil, err
	}
	e, err := s.Store.CreateExam(ctx, p.User.ID, profession)
	if err != nil {
		giveBack()
		return nil, notCreated(err)
	}
	out, err := s.read(ctx, e.ID, p.User)
	if err != nil {
		return nil, err
	}
	out.Location = "/api/exams/" + e.ID
	return out, nil
}

// notCreated adds details to the errors of CreateExam.
func notCreated(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return underWay(err)
	case errors.Is(err, store.ErrState):
		return &httpx.Fault{
			Err: err, Code: "too-few-scenarios",
			Detail: "This profession has too few role plays for a mock exam yet: it needs two. " +
				"Choose another profession, or practise single role plays.",
		}
	}
	return err
}

func underWay(err error) error {
	return &httpx.Fault{
		Err: err, Code: "exam-under-way",
		Detail: "Another mock exam of yours is under way. Go on with it, or end it, before you " +
			"begin another.",
	}
}

type listInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Before string `query:"before" format:"uuid" doc:"the next of the page before"`
}

// ExamPage is one page of mock exams.
type ExamPage struct {
	Items []Exam `json:"items"`
	Next  string `json:"next,omitempty" doc:"the before of the next page; absent on the last page"`
}

type listOutput struct{ Body ExamPage }

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.ExamsOf(ctx, p.User.ID, in.Before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	list, out.Body.Next = httpx.Page(list, in.Limit, func(v store.ExamView) string { return v.ID })
	out.Body.Items = make([]Exam, len(list))
	for i, v := range list {
		out.Body.Items[i] = s.view(v, p.User)
	}
	return out, nil
}

type idInput struct {
	ID string `path:"id" format:"uuid" doc:"the exam's id"`
}

func (s *Service) get(ctx context.Context, in *idInput) (*examOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, in.ID, p.User)
}

func (s *Service) read(ctx context.Context, id string, u store.User) (*examOutput, error) {
	v, err := s.Store.Exam(ctx, id)
	if err == nil && !maySee(u, v) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, missing(err)
	}
	return &examOutput{Body: s.view(v, u)}, nil
}

type beginOutput struct {
	Location string `header:"Location"`
	Body     ExamAttempt
}

func (s *Service) begin(ctx context.Context, in *idInput) (*beginOutput, error) {
	u, err := s.ownExam(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	a, err := s.Store.BeginSlot(ctx, in.ID)
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, underWay(err)
	case errors.Is(err, store.ErrState):
		return nil, &httpx.Fault{
			Err: err, Code: "exam-over",
			Detail: "This role play of your mock exam cannot be begun: each is played once, the " +
				"second when the first is over, and within half an hour. Read the exam again " +
				"to see where it is.",
		}
	case err != nil:
		return nil, missing(err)
	}
	v := store.AttemptView{Attempt: a, CandidateName: u.Name}
	return &beginOutput{Location: "/api/attempts/" + a.ID, Body: viewAttempt(v, u)}, nil
}

func (s *Service) end(ctx context.Context, in *idInput) (*examOutput, error) {
	u, err := s.ownExam(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	err = s.Store.GiveUpExam(ctx, in.ID)
	if errors.Is(err, store.ErrState) {
		return nil, &httpx.Fault{
			Err: err, Detail: "A mock exam can be ended in the warm-up and between its role " +
				"plays. Finish the role play first.",
		}
	}
	if err != nil {
		return nil, missing(err)
	}
	return s.read(ctx, in.ID, u)
}

// ownExam returns the principal, who must be the candidate of an exam. Others who may see the exam
// get store.ErrForbidden.
func (s *Service) ownExam(ctx context.Context, id string) (store.User, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return store.User{}, err
	}
	v, err := s.Store.Exam(ctx, id)
	switch {
	case err == nil && !maySee(p.User, v):
		err = store.ErrNotFound
	case err == nil && p.User.ID != v.CandidateID:
		return store.User{}, &httpx.Fault{
			Err: store.ErrForbidden, Detail: "Only its candidate may go on with a mock exam.",
		}
	}
	return p.User, missing(err)
}

// maySee reports whether a user may see an exam: its candidate, the partner of either role play,
// and administrators.
func maySee(u store.User, v store.ExamView) bool {
	if u.ID == v.CandidateID || u.Role == store.RoleAdmin {
		return true
	}
	for _, slot := range v.Slots {
		if slot.Attempt != nil && slot.Attempt.PartnerID == u.ID {
			return true
		}
	}
	return false
}

// missing adds a detail to store.ErrNotFound, and returns other errors unchanged.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &httpx.Fault{
			Err: err, Detail: "There is no mock exam with this id, or it is not yours.",
		}
	}
	return err
}
