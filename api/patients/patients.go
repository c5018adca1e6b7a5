// Package patients is the slice about automatic patients: whether one can play now, and what hears
// the candidate.
package patients

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// fresh is how long an answer of the workers is used. Asking them takes a third of a second.
const fresh = 2 * time.Second

// Workers asks the speech workers what they can do. speech/bus implements it.
type Workers interface {
	Workers(ctx context.Context) ([]store.ActorWorker, error)
}

// Service handles the operations of the slice.
type Service struct {
	Workers Workers // nil: there are none
	Clock   func() time.Time

	mu   sync.Mutex // guards the fields below; held while the workers are asked
	list []store.ActorWorker
	at   time.Time
}

// Patient says whether an automatic patient can play now.
type Patient struct {
	Available  bool   `json:"available" doc:"a worker is there that hears and speaks; it may be busy"`
	Free       int    `json:"free" minimum:"0" doc:"role plays that could begin now" example:"4"`
	Waiting    int    `json:"waiting" minimum:"0" doc:"role plays that wait for a free worker" example:"0"`
	Recogniser string `json:"recogniser" doc:"what hears the candidate: api (a transcription API that the operator has chosen), sherpa-onnx or pocketsphinx (both on the server); empty: nothing" example:"pocketsphinx"`
	Why        string `json:"why" doc:"why it is not a better one, or why nothing hears; empty: it is the best that is set up" example:""`
}

// Worker is a process that plays automatic patients.
type Worker struct {
	Name       string `json:"name" example:"speech-1"`
	Slots      int    `json:"slots" minimum:"0" doc:"role plays at the same time" example:"4"`
	Free       int    `json:"free" minimum:"0" example:"3"`
	Waiting    int    `json:"waiting" minimum:"0" doc:"role plays that wait for a free worker, as this one sees it" example:"0"`
	Recogniser string `json:"recogniser" doc:"what hears candidates; empty: nothing" example:"pocketsphinx"`
	Why        string `json:"why" doc:"why it is not a better one, or why nothing hears" example:"api: the transcription API answers 401"`
}

// WorkerList is the list of workers, in the order of their names.
type WorkerList struct {
	Items []Worker `json:"items"`
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "patients", Description: "The automatic patient", Routes: s.routes,
		Files: []store.FileRule{{
			Pattern: "voice/<part of the hash>/<hash>.ogg", OnDelete: store.Kept,
			Why: "lines of scripts as voices speak them: not about a user. What was worded for " +
				"one conversation is not stored. Removed 90 days after they were rendered",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-patient", Method: http.MethodGet, Path: "/api/patient",
		Summary: "Whether an automatic patient can play now",
		Description: "And what hears the candidate, for the page before the room. The answer may " +
			"be two seconds old.",
	}, s.patient)
	httpx.Register(api, huma.Operation{
		OperationID: "list-patient-workers", Method: http.MethodGet, Path: "/api/patient/workers",
		Summary: "List the processes that play automatic patients",
		Description: "For administrators: what hears candidates in each process, and why it is " +
			"not a better recogniser.",
	}, s.workers, store.RoleAdmin)
}

type patientOutput struct{ Body Patient }

func (s *Service) patient(ctx context.Context, _ *struct{}) (*patientOutput, error) {
	list, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	return &patientOutput{summary(list)}, nil
}

// summary describes all workers as one. What hears is that of the worker which would be chosen.
func summary(list []store.ActorWorker) Patient {
	p := Patient{Why: "no speech worker answers"}
	best := -1
	for _, w := range list {
		p.Waiting = max(p.Waiting, w.Waiting)
		if w.Recogniser == "" {
			if best < 0 {
				p.Why = w.Why
			}
			continue
		}
		p.Available = true
		p.Free += w.Free
		if w.Free > best {
			best, p.Recogniser, p.Why = w.Free, w.Recogniser, w.Why
		}
	}
	return p
}

type workersOutput struct{ Body WorkerList }

func (s *Service) workers(ctx context.Context, _ *struct{}) (*workersOutput, error) {
	list, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	out := &workersOutput{WorkerList{Items: []Worker{}}}
	for _, w := range list {
		out.Body.Items = append(out.Body.Items, Worker(w))
	}
	slices.SortFunc(out.Body.Items, func(a, b Worker) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// ask returns what the workers said lately, or asks them. Requests that come meanwhile wait.
func (s *Service) ask(ctx context.Context) ([]store.ActorWorker, error) {
	if s.Workers == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && s.Clock().Sub(s.at) < fresh {
		return s.list, nil
	}
	// The answer is for all that wait, so that it does not end with this request.
	list, err := s.Workers.Workers(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	s.list, s.at = list, s.Clock()
	return list, nil
}
