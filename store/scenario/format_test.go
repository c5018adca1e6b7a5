package scenario

import (
	"encoding/json"
	"reflect"
	"testing"

	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// sameAfterFormat formats a scenario and reads it again.
func sameAfterFormat(t *testing.T, s store.Scenario) {
	t.Helper()
	text, err := Format(s)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Parse(text)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v\n%s", err, text)
	}
	if a, b := plain(t, s), plain(t, list[0]); !reflect.DeepEqual(a, b) {
		t.Errorf("%v\nbecame\n%v\nfrom\n%s", a, b, text)
	}
}

// plain returns a scenario as the values of its JSON.
func plain(t *testing.T, s store.Scenario) (value any) {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestFormat(t *testing.T) {
	list, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	full, err := Parse([]byte(complete(t)))
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, full...)
	for _, s := range list {
		sameAfterFormat(t, s)
	}
	text, err := Format(list...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil || len(again) != len(list) {
		t.Errorf("%d scenarios of %d, %v", len(again), len(list), err)
	}
}

// FuzzFormat puts any text where a text is possible.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{
		"a", " a ", "a\nb\n\nc", "a\n", "- a", "# a", "yes", "007", "a: b", "“a” — b",
		"\ta", "'\"",
		"a  b and more words than the 72 characters that a line may have, with two spaces",
		"a\u2028b", "more words than the 72 characters that a line may have: here # it is: so",
		"&a", "*a", "!a", "%a", "@a", "`a", "{a", "[a", "2001-01-01", "é 😀", "a\r\nb", "---",
		"...", "null",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse([]byte(complete(t)))
		if err != nil {
			t.Fatal(err)
		}
		s := list[0]
		s.Summary, s.Candidate.Tasks[0].Text, s.Patient.Lines[0] = text, text, text
		if json.Valid([]byte(text)) && len(text) > 0 && text[0] == '{' {
			s.Dialogue = json.RawMessage(text)
		}
		if s.Validate() != nil {
			t.Skip("not a scenario")
		}
		sameAfterFormat(t, s)
	})
}

// TestSchema checks that the JSON Schema accepts and refuses what store.Scenario.Validate does.
func TestSchema(t *testing.T) {
	var schema huma.Schema
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	schema.PrecomputeMessages()
	accepts := func(value any) (is bool) {
		// huma cannot compare lists in a list without repetitions, which the schema refuses anyway
		defer func() { is = recover() == nil && is }()
		result := huma.ValidateResult{}
		huma.Validate(huma.NewMapRegistry("", huma.DefaultSchemaNamer), &schema,
			huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, value, &result)
		return len(result.Errors) == 0
	}
	list, err := Parse([]byte(complete(t)))
	if err != nil {
		t.Fatal(err)
	}
	tries, rule := 0, store.ScenarioRule()
	// each value in turn is removed, or replaced by others
	var vary func(root any, value any, set func(any))
	vary = func(root, value any, set func(any)) {
		for _, other := range []any{
			"", "a", " ", "A4", "candidate", 7.0, 2.5, true, []any{}, []any{"a", "a"},
			map[string]any{}, map[string]any{"text": "a", "more": 1.0},
		} {
			set(other)
			checked := len(rule.Check(root)) == 0
			if accepted := accepts(root); accepted != checked {
				t.Errorf("%v in place of %v: schema %v, Check %v", other, value, accepted, checked)
			}
			tries++
		}
		set(value)
		switch v := value.(type) {
		case map[string]any:
			for key, field := range v {
				delete(v, key)
				if accepts(root) != (len(rule.Check(root)) == 0) {
					t.Errorf("schema and Check differ without %s", key)
				}
				v[key] = field
				if key != "dialogue" {
					vary(root, field, func(other any) { v[key] = other })
				}
			}
		case []any:
			for i := range min(2, len(v)) {
				vary(root, v[i], func(other any) { v[i] = other })
			}
		}
	}
	root := plain(t, list[0])
	if !accepts(root) {
		t.Fatal("the schema refuses a complete scenario")
	}
	vary(root, root, func(other any) {
		if m, ok := other.(map[string]any); ok {
			root = m
		}
	})
	if tries < 500 {
		t.Errorf("%d tries", tries)
	}
}
