package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
	"bedside/store/scenario"

	"github.com/danielgtaylor/huma/v2"
)

// Limits of an import.
const (
	maxImport    = 2 << 20
	maxDocuments = 50
)

func (s *Service) yamlRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "import-scenarios", Method: http.MethodPost, Path: "/api/scenarios/import",
		Summary: "Import scenarios from YAML",
		Description: fmt.Sprintf("One or several documents (at most %d), separated by lines of "+
			"three hyphens. Each becomes a draft. With update, a scenario with the slug of a "+
			"document gets it as its latest version, which candidates get when it is "+
			"published; otherwise the status is 409. All documents are saved, or none.",
			maxDocuments),
		MaxBodyBytes: maxImport, Metadata: httpx.Expensive(),
		Errors: []int{http.StatusConflict},
	}, s.imports, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "export-scenario", Method: http.MethodGet,
		Path: "/api/scenarios/{id}/export", Summary: "Export a scenario as YAML",
		Errors: []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {
			Description: "The document",
			Content: map[string]*huma.MediaType{
				"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}},
			},
		}},
	}, s.export, store.RoleTutor, store.RoleAdmin)
}

type importInput struct {
	Update  bool   `query:"update" doc:"change scenarios that exist"`
	RawBody []byte `contentType:"application/yaml"`
}

// Imported is what became of a document.
type Imported struct {
	ID      string `json:"id" format:"uuid"`
	Slug    string `json:"slug" example:"nursing-insulin-at-home"`
	Version int    `json:"version" minimum:"1" doc:"1 of a new scenario"`
}

// ImportResult lists what became of the documents, in their order.
type ImportResult struct {
	Items []Imported `json:"items"`
}

type importOutput struct{ Body ImportResult }

func (s *Service) imports(ctx context.Context, in *importInput) (*importOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	list, err := scenario.Parse(in.RawBody)
	if err != nil {
		return nil, unreadable(err)
	}
	if len(list) == 0 || len(list) > maxDocuments {
		return nil, httpx.Invalid("body",
			fmt.Sprintf("Send 1 to %d documents; these are %d.", maxDocuments, len(list)))
	}
	seen := map[string]bool{}
	for _, one := range list {
		if err := checkSlug(one.Slug); err != nil {
			return nil, err
		}
		if seen[one.Slug] {
			return nil, httpx.Invalid("body", "Two documents have the slug "+one.Slug+".")
		}
		seen[one.Slug] = true
	}
	entries, err := s.Store.ImportScenarios(ctx, list, in.Update, p.User.ID,
		func(e store.ScenarioEntry) store.Act {
			action := store.ActUpdateScenario
			if e.Version == 1 {
				action = store.ActCreateScenario
			}
			return actOf(ctx, action, e)
		})
	if errors.Is(err, store.ErrConflict) {
		return nil, &httpx.Fault{
			Err: err, Code: "slug-taken",
			Detail: "There is a scenario with the slug of one of the documents. Choose another " +
				"slug, or import with update=true to make it the latest version of that " +
				"scenario.",
		}
	}
	if err != nil {
		return nil, unsaved(err)
	}
	out := &importOutput{}
	for _, e := range entries {
		out.Body.Items = append(out.Body.Items,
			Imported{ID: e.ID, Slug: e.Slug, Version: e.Version})
	}
	return out, nil
}

// unreadable returns a Fault with the findings that an error has joined.
func unreadable(err error) error {
	f := &httpx.Fault{
		Err: store.ErrInvalid, Detail: "The YAML has mistakes. Mend them, then import it again.",
	}
	for _, found := range findings(err) {
		if len(f.Fields) == maxFields {
			break
		}
		f.Fields = append(f.Fields, &huma.ErrorDetail{
			Location: strings.TrimSuffix("body."+found.Path, "."),
			Message:  fmt.Sprintf("line %d: %s", found.Line, found.Message),
		})
	}
	return f
}

func findings(err error) (list []scenario.Finding) {
	var one scenario.Finding
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			list = append(list, findings(e)...)
		}
	} else if errors.As(err, &one) {
		list = append(list, one)
	}
	return list
}

type exportInput struct {
	Ref
	Version int `query:"version" minimum:"1" maximum:"100000" doc:"otherwise the latest"`
}

type exportOutput struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

func (s *Service) export(ctx context.Context, in *exportInput) (*exportOutput, error) {
	_, text, err := s.Store.LibraryScenario(ctx, in.ID, in.Version)
	if err != nil {
		return nil, missing(err)
	}
	b, err := scenario.Format(text)
	if err != nil {
		return nil, err
	}
	return &exportOutput{
		ContentType: "application/yaml", Body: b,
		// Slugs have no characters that would need quoting.
		ContentDisposition: `attachment; filename="` + text.Slug + `.yaml"`,
	}, nil
}
