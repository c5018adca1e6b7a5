package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"

	"bedside/store"
)

// SchemaID is the identifier of the JSON Schema. It names the format and is no address.
const SchemaID = "urn:bedside:" + store.ScenarioSchema

// Schema returns the JSON Schema (draft 2020-12) of the scenario document. It says what
// store.Scenario.Validate says, and has the keys in the order in which documents have them.
func Schema() json.RawMessage {
	rule := store.ScenarioRule()
	s := schemaOf(rule)
	head := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", SchemaID},
		{"title", "Scenario"},
		{"description", "A role play: both cards, what it trains, and a model performance."},
	}
	b, err := json.Marshal(append(head, s...))
	if err != nil {
		panic(fmt.Sprintf("the schema of scenarios: %v", err)) // it has texts and numbers only
	}
	return b
}

// schemaOf returns the JSON Schema of one rule.
func schemaOf(r store.Rule) (s object) {
	add := func(key string, value any) { s = append(s, member{key, value}) }
	switch r.Kind {
	case store.RuleText:
		add("type", "string")
		describe(&s, r)
		switch {
		case r.OneOf != nil:
			add("enum", r.OneOf)
			return s
		case r.Form != "":
			add("pattern", store.Forms()[r.Form])
		case r.Least > 0:
			add("pattern", `\S`)
		}
		if r.Most > 0 {
			add("minLength", r.Least)
			add("maxLength", r.Most)
		}
	case store.RuleInteger:
		add("type", "integer")
		describe(&s, r)
		add("minimum", r.Least)
		add("maximum", r.Most)
	case store.RuleList:
		add("type", "array")
		describe(&s, r)
		add("items", schemaOf(*r.Items))
		add("minItems", r.Least)
		add("maxItems", r.Most)
		if r.Unique {
			add("uniqueItems", true)
		}
	case store.RuleOpen:
		add("type", "object")
		describe(&s, r)
	case store.RuleObject:
		return schemaOfObject(r)
	}
	return s
}

func describe(s *object, r store.Rule) {
	if r.Doc != "" {
		*s = append(*s, member{"description", r.Doc})
	}
}

func schemaOfObject(r store.Rule) (s object) {
	s = object{{"type", "object"}}
	describe(&s, r)
	var properties object
	var required []string
	var short any
	for _, f := range r.Fields {
		field := schemaOf(f)
		properties = append(properties, member{f.Key, field})
		if !f.Optional {
			required = append(required, f.Key)
		}
		if f.Key == r.Shorthand {
			short = field
		}
	}
	s = append(s, member{"properties", properties}, member{"required", required},
		member{"additionalProperties", false})
	if short != nil {
		return object{{"anyOf", []any{short, s}}}
	}
	return s
}

// object is a JSON object whose keys keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
