package scenarios

import (
	"encoding/json"
	"fmt"
	"slices"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Document is a whole scenario document in JSON.
type Document json.RawMessage

// Schema says that a document is an object. Its format has a JSON Schema of its own, and parse
// checks it.
func (Document) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "A scenario document, in the format of /api/scenarios/schema",
		Examples: []any{map[string]any{
			"schema": store.ScenarioSchema, "slug": "nursing-insulin-at-home",
		}},
	}
}

// MarshalJSON returns the document.
func (d Document) MarshalJSON() ([]byte, error) { return d, nil }

// UnmarshalJSON keeps the document as it is.
func (d *Document) UnmarshalJSON(b []byte) error {
	*d = append(Document(nil), b...)
	return nil
}

// documentOf returns the document of a scenario.
func documentOf(s store.Scenario) (Document, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Slug, err)
	}
	return b, nil
}

// maxDocument is the size limit of a document: one with the largest dialogue that is possible.
const maxDocument = 512 << 10

// maxFields is the number of fields that a problem names.
const maxFields = 50

// parse returns the scenario of a document, or a Fault that says what is wrong with each field.
func parse(d Document) (s store.Scenario, err error) {
	var tree any
	if err := json.Unmarshal(d, &tree); err != nil {
		return s, httpx.Invalid("body", "This is not a scenario document in JSON.")
	}
	violations := store.ScenarioRule().Check(tree)
	if len(violations) > 0 {
		f := &httpx.Fault{
			Err:    store.ErrInvalid,
			Detail: "The scenario has mistakes. Mend them, then save it again.",
		}
		for _, v := range violations[:min(len(violations), maxFields)] {
			location := "body"
			if v.Path != "" {
				location += "." + v.Path
			}
			f.Fields = append(f.Fields, &huma.ErrorDetail{Location: location, Message: v.Message})
		}
		return s, f
	}
	if s, err = store.ParseScenario(d); err != nil {
		return s, err
	}
	return s, checkSlug(s.Slug)
}

// checkSlug refuses slugs at whose address there is something else.
func checkSlug(slug string) error {
	if slices.Contains([]string{"schema", "lint", "import", "export", "picture"}, slug) ||
		store.IsID(slug) {
		return httpx.Invalid("body.slug", "This slug is reserved. Choose another one.")
	}
	return nil
}
