package docs

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"bedside/api/httpx"

	"github.com/danielgtaylor/huma/v2"
)

// view is the data of the page.
type view struct {
	Title, Version string
	Intro          []string // paragraphs
	Groups         []group
	Problems       []httpx.ProblemType
	Problem        string // an example
	Headers        []field
	Schemas        []schema
}

// group has the operations of one tag.
type group struct {
	Name, Description string
	Operations        []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Description               []string
	Who, Class                string
	Parameters                []field
	Body                      *body
	BodyRequired              bool
	Curl                      string
	Answers, Errors           []answer
}

// field is a property, parameter or header.
type field struct {
	Name, In, Doc string
	Type          kind
	Required      bool
	Rules         []string
	Example       string
}

// kind is a type in words, with the name of a schema to link to, if there is one.
type kind struct{ Words, Schema string }

type body struct {
	Media   string
	Type    kind
	Example string
}

type answer struct {
	Code, Description string
	Body              *body
	Headers           []field
}

type schema struct {
	Name, Doc string
	Fields    []field
	Example   string
}

func viewOf(doc *huma.OpenAPI, class func(*huma.Operation) string) (view, error) {
	s := schemas{doc.Components.Schemas}
	v := view{
		Title: doc.Info.Title, Version: doc.Info.Version, Intro: paragraphs(doc.Info.Description),
		Problems: httpx.ProblemTypes(),
	}
	for _, p := range v.Problems {
		if p.Status == http.StatusTooManyRequests {
			v.Problem = fmt.Sprintf("{\n  \"type\": %q,\n  \"title\": %q,\n  \"status\": %d,\n"+
				"  \"detail\": %q,\n  \"instance\": %q\n}",
				p.Type, http.StatusText(p.Status), p.Status, p.Detail,
				"urn:uuid:0190d2a0-0000-4000-8000-000000000001")
		}
	}
	for name, h := range doc.Components.Headers {
		v.Headers = append(v.Headers, s.field(name, h.Description, false, h.Schema))
	}
	slices.SortFunc(v.Headers, func(a, b field) int { return cmp.Compare(a.Name, b.Name) })
	named := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(named)) {
		one := schema{Name: name, Doc: named[name].Description, Fields: s.fields(named[name])}
		var err error
		if one.Example, err = s.example(named[name]); err != nil {
			return v, fmt.Errorf("docs: schema %s: %w", name, err)
		}
		v.Schemas = append(v.Schemas, one)
	}
	groups := map[string][]operation{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		p := doc.Paths[path]
		for _, op := range []*huma.Operation{p.Get, p.Post, p.Put, p.Patch, p.Delete} {
			if op == nil || op.Hidden {
				continue
			}
			o, err := s.operation(op, class)
			if err != nil {
				return v, fmt.Errorf("docs: %s: %w", op.OperationID, err)
			}
			tag := "other"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			groups[tag] = append(groups[tag], o)
		}
	}
	for _, t := range doc.Tags {
		if len(groups[t.Name]) > 0 {
			v.Groups = append(v.Groups, group{
				Name: t.Name, Description: t.Description, Operations: groups[t.Name],
			})
			delete(groups, t.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		v.Groups = append(v.Groups, group{Name: name, Operations: groups[name]})
	}
	return v, nil
}

func paragraphs(s string) []string {
	return slices.DeleteFunc(strings.Split(s, "\n\n"), func(p string) bool {
		return strings.TrimSpace(p) == ""
	})
}

func (s schemas) operation(op *huma.Operation,
	class func(*huma.Operation) string) (o operation, err error) {
	o = operation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary,
		Description: paragraphs(op.Description), Who: who(op), Class: class(op),
	}
	for _, p := range op.Parameters {
		f := s.field(p.Name, p.Description, p.Required, p.Schema)
		f.In = p.In
		o.Parameters = append(o.Parameters, f)
	}
	if op.RequestBody != nil {
		o.BodyRequired = op.RequestBody.Required
		if o.Body, err = s.body(op.RequestBody.Content); err != nil {
			return o, err
		}
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[code]
		a := answer{Code: code, Description: r.Description}
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			if h := r.Headers[name]; h.Ref == "" {
				a.Headers = append(a.Headers, s.field(name, h.Description, h.Required, h.Schema))
			}
		}
		if status, err := strconv.Atoi(code); err == nil && status >= 400 {
			o.Errors = append(o.Errors, a)
			continue
		}
		if a.Body, err = s.body(r.Content); err != nil {
			return o, err
		}
		o.Answers = append(o.Answers, a)
	}
	o.Curl = curl(op, o)
	return o, nil
}

// who returns, in words, the users who may request an operation.
func who(op *huma.Operation) string {
	if len(op.Security) == 0 {
		return "everybody, without an access token"
	}
	if len(op.Security) > 1 {
		return "everybody; with an access token the answer says more"
	}
	if roles := op.Extensions["x-roles"]; roles != nil {
		return "users with the role " +
			strings.Join(strings.Fields(strings.Trim(fmt.Sprint(roles), "[]")), " or ")
	}
	return "all signed-in users"
}

// curl returns a command that makes a request.
func curl(op *huma.Operation, o operation) string {
	var b strings.Builder
	b.WriteString("curl")
	if op.Method != "GET" {
		b.WriteString(" -X " + op.Method)
	}
	b.WriteString(` "$BEDSIDE` + o.Path + `"`)
	if len(op.Security) > 0 {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $TOKEN\"")
	}
	if o.Body != nil {
		b.WriteString(" \\\n  -H \"Content-Type: " + o.Body.Media + "\" \\\n  -d '" +
			strings.ReplaceAll(o.Body.Example, "'", `'\''`) + "'")
	}
	return b.String()
}
