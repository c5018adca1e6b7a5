package patients_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/patients"
	"bedside/store"
)

// workers are speech workers that count how often they are asked.
type workers struct {
	list  []store.ActorWorker
	err   error
	asked atomic.Int32
}

func (w *workers) Workers(context.Context) ([]store.ActorWorker, error) {
	w.asked.Add(1)
	return w.list, w.err
}

func serve(t *testing.T, w patients.Workers) *apitest.Server {
	t.Helper()
	return apitest.NewServer(t, func(_ *api.Config, d *api.Deps) { d.Workers = w })
}

func TestPatientSaysWhatHears(t *testing.T) {
	w := &workers{}
	s := serve(t, w)
	candidate := s.NewUser(t, store.RoleCandidate)
	for _, c := range []struct {
		name string
		list []store.ActorWorker
		want patients.Patient
	}{
		{"nobody", nil, patients.Patient{Why: "no speech worker answers"}},
		{
			"deaf", []store.ActorWorker{{Name: "a", Slots: 4, Free: 4, Why: "no model"}},
			patients.Patient{Why: "no model"},
		},
		{
			"busy", []store.ActorWorker{{Name: "a", Slots: 1, Waiting: 2, Recogniser: "api"}},
			patients.Patient{Available: true, Waiting: 2, Recogniser: "api"},
		},
		{
			"several", []store.ActorWorker{
				{Name: "a", Free: 1, Waiting: 1, Recogniser: "pocketsphinx", Why: "api: 401"},
				{Name: "b", Free: 3, Recogniser: "sherpa-onnx"},
				{Name: "c", Free: 4, Why: "no model"},
			},
			patients.Patient{Available: true, Free: 4, Waiting: 1, Recogniser: "sherpa-onnx"},
		},
	} {
		w.list = c.list
		s.Forward(3 * time.Second)
		var got patients.Patient
		candidate.Do(t, "GET", "/api/patient", nil).Expect(t, 200).Decode(t, &got)
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestAdministratorsSeeTheWorkers(t *testing.T) {
	s := serve(t, &workers{list: []store.ActorWorker{
		{Name: "b", Slots: 4, Free: 3, Recogniser: "pocketsphinx", Why: "api: 401"},
		{Name: "a", Slots: 2, Free: 2, Recogniser: "api"},
	}})
	var got patients.WorkerList
	s.NewUser(t, store.RoleAdmin).Do(t, "GET", "/api/patient/workers", nil).Expect(t, 200).
		Decode(t, &got)
	if len(got.Items) != 2 || got.Items[0].Name != "a" || got.Items[1].Why != "api: 401" {
		t.Errorf("%+v", got)
	}
	s.NewUser(t, store.RoleTutor).Do(t, "GET", "/api/patient/workers", nil).
		Problem(t, 403, "forbidden")
}

func TestWorkersAreNotAskedByEveryRequest(t *testing.T) {
	w := &workers{}
	s := serve(t, w)
	candidate := s.NewUser(t, store.RoleCandidate)
	for range 5 {
		candidate.Do(t, "GET", "/api/patient", nil).Expect(t, 200)
	}
	if n := w.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.Forward(2 * time.Second)
	candidate.Do(t, "GET", "/api/patient", nil).Expect(t, 200)
	if n := w.asked.Load(); n != 2 {
		t.Errorf("asked %d times after two seconds", n)
	}
	s.Forward(2 * time.Second)
	w.err = errors.New("no connection")
	candidate.Do(t, "GET", "/api/patient", nil).Expect(t, 500)
	w.err = nil
	candidate.Do(t, "GET", "/api/patient", nil).Expect(t, 200)
}

func TestProcessWithoutWorkers(t *testing.T) {
	s := apitest.NewServer(t)
	var got patients.Patient
	s.NewUser(t, store.RoleCandidate).Do(t, "GET", "/api/patient", nil).Expect(t, 200).
		Decode(t, &got)
	if got.Available || got.Why == "" {
		t.Errorf("%+v", got)
	}
}
