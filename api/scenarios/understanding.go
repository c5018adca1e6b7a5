package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"bedside/api/httpx"
	"bedside/speech/patient"
	"bedside/store"
	"bedside/store/scenario"

	"github.com/danielgtaylor/huma/v2"
)

// tries is how many dialogues are tried at once: each takes a core for some seconds.
const tries = 1

// understandingRoute adds the operation that tells what to expect of a dialogue.
func (s *Service) understandingRoute(api huma.API) {
	free := make(chan struct{}, tries)
	httpx.Register(api, huma.Operation{
		OperationID: "try-scenario-intents", Method: http.MethodPost,
		Path:    "/api/scenarios/understanding",
		Summary: "Try how the automatic patient understands",
		Description: "Reads one scenario with a dialogue as YAML, stores nothing, and answers " +
			"with what each intent's examples are taken for by a patient that has not learnt " +
			"them. Takes some seconds. Sentences that candidates say do better, since the " +
			"patient has learnt all examples then.",
		MaxBodyBytes: maxLint, Metadata: httpx.Expensive(),
	}, func(ctx context.Context, in *lintInput) (*understandingOutput, error) {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return understanding(ctx, in.RawBody)
	}, store.RoleTutor, store.RoleAdmin)
}

// Understanding is what to expect of a dialogue.
type Understanding struct {
	Items []patient.Expectation `json:"items" doc:"The scenario's own intents, in its order."`
}

type understandingOutput struct{ Body Understanding }

func understanding(ctx context.Context, text []byte) (*understandingOutput, error) {
	list, err := scenario.Parse(text)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%d scenarios: %w", len(list), store.ErrInvalid)
	}
	if err != nil {
		return nil, &httpx.Fault{
			Err: err, Detail: "Send one scenario without errors. POST /api/scenarios/lint says " +
				"what is wrong.",
		}
	}
	d, err := patient.New(list[0], nil)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &httpx.Fault{
			Err: store.ErrInvalid, Detail: "The scenario has no dialogue. Add one to try it.",
		}
	case err != nil:
		return nil, &httpx.Fault{Err: err, Detail: err.Error()}
	}
	items, err := d.Expect(ctx)
	if err != nil {
		return nil, err
	}
	return &understandingOutput{Body: Understanding{Items: items}}, nil
}
