package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemas are the named schemas of a description.
type schemas struct{ huma.Registry }

const refPrefix = "#/components/schemas/"

// resolve returns the schema that a reference refers to, and its name. For a schema that is not a
// reference, it returns the schema itself and no name.
func (s schemas) resolve(one *huma.Schema) (target *huma.Schema, name string) {
	if one == nil || one.Ref == "" {
		return one, ""
	}
	return s.SchemaFromRef(one.Ref), strings.TrimPrefix(one.Ref, refPrefix)
}

// kind returns the type of a schema in words.
func (s schemas) kind(one *huma.Schema) kind {
	target, name := s.resolve(one)
	switch {
	case target == nil:
		return kind{Words: "anything"}
	case name != "":
		return kind{Words: name, Schema: name}
	case target.Type == huma.TypeArray:
		of := s.kind(target.Items)
		return kind{Words: "list of " + of.Words, Schema: of.Schema}
	case target.Format != "":
		return kind{Words: target.Type + " (" + target.Format + ")"}
	case target.Type == "":
		return kind{Words: "anything"}
	}
	return kind{Words: target.Type}
}

// fields returns the properties of an object, required ones first.
func (s schemas) fields(one *huma.Schema) (list []field) {
	names := slices.Sorted(maps.Keys(one.Properties))
	optional := func(name string) int {
		if slices.Contains(one.Required, name) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(names, func(a, b string) int { return optional(a) - optional(b) })
	for _, name := range names {
		p := one.Properties[name]
		list = append(list, s.field(name, p.Description, slices.Contains(one.Required, name), p))
	}
	return list
}

func (s schemas) field(name, doc string, required bool, one *huma.Schema) field {
	f := field{Name: name, Doc: doc, Required: required, Type: s.kind(one), Rules: rules(one)}
	if target, named := s.resolve(one); named == "" && target != nil && len(target.Examples) > 0 {
		f.Example = fmt.Sprint(target.Examples[0])
	}
	return f
}

// Limits from these values on are for generated clients, and not shown.
const (
	longText   = 20_000
	longList   = 100_000
	highNumber = 1 << 40
)

// rules returns the limits of a schema in words.
func rules(s *huma.Schema) (list []string) {
	if s == nil {
		return nil
	}
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = fmt.Sprint(v)
		}
		add("one of %s", strings.Join(values, ", "))
	}
	if s.Default != nil {
		add("%v by default", s.Default)
	}
	if s.MinLength != nil && *s.MinLength > 0 {
		add("at least %d characters", *s.MinLength)
	}
	if s.MaxLength != nil && *s.MaxLength < longText && s.Format == "" {
		add("at most %d characters", *s.MaxLength)
	}
	if s.Pattern != "" {
		add("of the form %s", s.Pattern)
	}
	if s.Minimum != nil {
		add("at least %s", number(*s.Minimum))
	}
	if s.Maximum != nil && *s.Maximum < highNumber {
		add("at most %s", number(*s.Maximum))
	}
	if s.MaxItems != nil && *s.MaxItems < longList {
		add("at most %d elements", *s.MaxItems)
	}
	if s.Nullable {
		add("may be null")
	}
	return list
}

func (s schemas) body(content map[string]*huma.MediaType) (*body, error) {
	if len(content) == 0 {
		return nil, nil
	}
	media := slices.Sorted(maps.Keys(content))[0]
	b := &body{Media: media, Type: s.kind(content[media].Schema)}
	if !strings.Contains(media, "json") {
		return b, nil
	}
	var err error
	b.Example, err = s.example(content[media].Schema)
	return b, err
}

// example returns a value of a schema, as JSON.
func (s schemas) example(one *huma.Schema) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s.sample(one, 0)); err != nil {
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}

// maxDepth is the depth limit of examples, because a schema may contain itself.
const maxDepth = 6

// sample returns an example of a schema.
func (s schemas) sample(one *huma.Schema, depth int) any {
	one, _ = s.resolve(one)
	switch {
	case one == nil || depth > maxDepth:
		return nil
	case len(one.Examples) > 0:
		return one.Examples[0]
	case one.Default != nil:
		return one.Default
	case len(one.Enum) > 0:
		return one.Enum[0]
	}
	switch one.Type {
	case huma.TypeObject:
		object := map[string]any{}
		for name, p := range one.Properties {
			object[name] = s.sample(p, depth+1)
		}
		return object
	case huma.TypeArray:
		if v := s.sample(one.Items, depth+1); v != nil {
			return []any{v}
		}
		return []any{}
	case huma.TypeInteger:
		if one.Minimum != nil {
			return int64(*one.Minimum)
		}
		return 0
	case huma.TypeNumber:
		return 0.5
	case huma.TypeBoolean:
		return false
	}
	if one.Format == "" {
		return "text"
	}
	return map[string]string{
		"date-time": "2026-11-14T09:30:00Z", "date": "2026-11-14",
		"uuid": "0190d2a0-0000-7000-8000-000000000001", "email": "dana@example.org",
		"uri": "https://bedside.example.org/",
	}[one.Format]
}
