package scenarios

import (
	"context"
	"net/http"

	"bedside/api/httpx"
	"bedside/store"
	"bedside/store/scenario"

	"github.com/danielgtaylor/huma/v2"
)

// maxLint is the size limit of a text to lint: a scenario with the largest dialogue that is
// possible, and then some.
const maxLint = 512 << 10

// lintRoutes adds the operations that say what a scenario document may be.
func lintRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "lint-scenario", Method: http.MethodPost, Path: "/api/scenarios/lint",
		Summary: "Check a scenario",
		Description: "Reads one or several scenarios as YAML, stores nothing, and answers with " +
			"what should be changed, by line. Errors keep a scenario from being saved or " +
			"published; warnings do not. A text that is no YAML gets a finding, too.",
		MaxBodyBytes: maxLint, Metadata: httpx.Expensive(),
	}, lint, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "get-scenario-schema", Method: http.MethodGet, Path: "/api/scenarios/schema",
		Summary:     "Read the format of scenarios",
		Description: "The JSON Schema (draft 2020-12) of a scenario document, in JSON and in YAML.",
		Metadata:    httpx.Public(),
		Responses: map[string]*huma.Response{"200": {
			Description: "The JSON Schema",
			Content:     map[string]*huma.MediaType{schemaType: {}},
		}},
	}, schema)
}

type lintInput struct {
	RawBody []byte `contentType:"application/yaml"`
}

// Findings are what should be changed in a text.
type Findings struct {
	Items []scenario.Finding `json:"items" doc:"By line. Empty when there is nothing to change."`
}

type lintOutput struct{ Body Findings }

func lint(_ context.Context, in *lintInput) (*lintOutput, error) {
	return &lintOutput{Body: Findings{Items: append([]scenario.Finding{},
		scenario.Lint(in.RawBody)...)}}, nil
}

const schemaType = "application/schema+json"

type schemaOutput struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

func schema(context.Context, *struct{}) (*schemaOutput, error) {
	return &schemaOutput{
		ContentType: schemaType, CacheControl: "public, max-age=300", Body: scenario.Schema(),
	}, nil
}
