package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// RuleKind says what a value of a document may be.
type RuleKind string

// The kinds of values.
const (
	RuleText    RuleKind = "text"
	RuleInteger RuleKind = "integer"
	RuleList    RuleKind = "list"
	RuleObject  RuleKind = "object"
	RuleOpen    RuleKind = "open" // an object with any keys
)

// Rule describes a value of the scenario document. It is read from the tags of a field:
//
//   - json is its key; with omitempty or the tag optional it may be missing;
//   - doc says in a sentence what it is;
//   - chars is the least and the greatest number of characters of a text;
//   - of names what a text may be: one of the lists professions, settings, criteria and
//     indicators, or the words themselves, separated by bars;
//   - match is the form of a text: slug, name, reference or uuid;
//   - range is the least and the greatest value of an integer;
//   - items is the least and the greatest length of a list, and unique says that none may repeat;
//     the other tags of a list apply to its items;
//   - bytes is the greatest size of an open object, as JSON.
type Rule struct {
	Key      string // empty for the document and for items of lists
	Doc      string
	Kind     RuleKind
	Optional bool
	OneOf    []string // of a text; nil: any
	Form     string   // of a text: a key of Forms, or empty
	// Least and Most are the limits of what the kind counts: characters, items or bytes, or of the
	// value of an integer.
	Least, Most int
	Unique      bool
	Items       *Rule  // of a list
	Fields      []Rule // of an object
	// Shorthand is the key for which a plain text stands, where an object is expected.
	Shorthand string
}

// Forms returns the regular expressions of the forms that a text may have to match.
func Forms() map[string]string {
	return map[string]string{
		"slug":      `^[a-z0-9]+(-[a-z0-9]+)*$`,
		"name":      `^[a-z][a-z0-9_]*$`,
		"reference": `^(fact|intent)\.[a-z][a-z0-9_]*$`,
		"uuid":      `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`,
	}
}

// formNames say in words what the forms are.
func formNames() map[string]string {
	return map[string]string{
		"slug":      "lower-case words joined by hyphens, such as fear-of-needles",
		"name":      "lower-case letters, digits and underscores, beginning with a letter",
		"reference": "fact or intent, a dot and a name, such as fact.needle_fear",
		"uuid":      "an id of an uploaded picture",
	}
}

// ScenarioRule returns the rule of the whole scenario document.
func ScenarioRule() Rule { return ruleOf(reflect.TypeFor[Scenario](), "") }

// ruleOf returns the rule of a type, with the tags of the field that has it.
func ruleOf(t reflect.Type, tag reflect.StructTag) Rule {
	r := Rule{Doc: tag.Get("doc")}
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		r.Kind = RuleOpen
		r.Most, _ = strconv.Atoi(tag.Get("bytes"))
	case t.Kind() == reflect.Pointer:
		return ruleOf(t.Elem(), tag)
	case t.Kind() == reflect.String:
		r.Kind, r.Form, r.OneOf = RuleText, tag.Get("match"), choices(tag.Get("of"))
		r.Least, r.Most = limits(tag.Get("chars"))
	case t.Kind() == reflect.Int:
		r.Kind = RuleInteger
		r.Least, r.Most = limits(tag.Get("range"))
	case t.Kind() == reflect.Slice:
		r.Kind, r.Unique = RuleList, tag.Get("unique") != ""
		r.Least, r.Most = limits(tag.Get("items"))
		item := ruleOf(t.Elem(), tag)
		item.Doc = ""
		r.Items = &item
	case t.Kind() == reflect.Struct:
		r.Kind = RuleObject
		if t == reflect.TypeFor[Task]() {
			r.Shorthand = "text"
		}
		for f := range t.Fields() {
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key == "-" {
				continue
			}
			field := ruleOf(f.Type, f.Tag)
			field.Key = key
			field.Optional = options == "omitempty" || f.Tag.Get("optional") != ""
			r.Fields = append(r.Fields, field)
		}
	default:
		panic(fmt.Sprintf("a scenario has a field of type %s", t)) // every test finds it
	}
	return r
}

func limits(tag string) (least, most int) {
	from, to, _ := strings.Cut(tag, "..")
	least, _ = strconv.Atoi(from)
	most, _ = strconv.Atoi(to)
	return least, most
}

func choices(tag string) []string {
	switch tag {
	case "":
		return nil
	case "professions":
		return Professions()
	case "settings":
		return Settings()
	case "criteria":
		return Criteria()
	case "indicators":
		return IndicatorIDs()
	}
	return strings.Split(tag, "|")
}

// Violation is a place where a document does not conform to its rule.
type Violation struct {
	Path string // such as candidate_card.tasks[1].text; empty for the document
	// Rule is the name of what was violated: type, required, unknown-key, length, count, range,
	// one-of, form, unique or size.
	Rule    string
	Message string // for people: what is wrong and what to do
}

// Check returns where a document, as encoding/json reads it into an any, violates the rule. A null
// in the place of something optional counts as missing.
func (r Rule) Check(document any) []Violation {
	c := checker{forms: map[string]*regexp.Regexp{}}
	for name, form := range Forms() {
		c.forms[name] = regexp.MustCompile(form)
	}
	c.check(r, "", document)
	return c.found
}

type checker struct {
	forms map[string]*regexp.Regexp
	found []Violation
}

func (c *checker) add(path, rule, format string, args ...any) {
	name := path
	if name == "" {
		name = "the document"
	}
	c.found = append(c.found, Violation{
		Path: path, Rule: rule, Message: name + " " + fmt.Sprintf(format, args...),
	})
}

func (c *checker) check(r Rule, path string, value any) {
	switch r.Kind {
	case RuleText:
		if s, ok := value.(string); ok {
			c.text(r, path, s)
		} else {
			c.add(path, "type", "must be a text; put it in quotation marks if it looks like %s",
				whatIs(value))
		}
	case RuleInteger:
		if f, ok := value.(float64); ok && f == float64(int(f)) {
			if int(f) < r.Least || int(f) > r.Most {
				c.add(path, "range", "is %d, but must be between %d and %d", int(f), r.Least,
					r.Most)
			}
		} else {
			c.add(path, "type", "must be a whole number, not %s", whatIs(value))
		}
	case RuleList:
		if list, ok := value.([]any); ok {
			c.list(r, path, list)
		} else {
			c.add(path, "type", "must be a list, not %s", whatIs(value))
		}
	case RuleObject:
		if s, ok := value.(string); ok && r.Shorthand != "" {
			for _, f := range r.Fields {
				if f.Key == r.Shorthand {
					c.check(f, path, s)
				}
			}
		} else if object, ok := value.(map[string]any); ok {
			c.object(r, path, object)
		} else {
			c.add(path, "type", "must have keys with values, not be %s", whatIs(value))
		}
	case RuleOpen:
		if _, ok := value.(map[string]any); !ok {
			c.add(path, "type", "must have keys with values, not be %s", whatIs(value))
		} else if b, err := json.Marshal(value); err != nil || len(b) > r.Most {
			c.add(path, "size", "has more than %d kB", r.Most/1024)
		}
	}
}

func (c *checker) text(r Rule, path, s string) {
	n := len([]rune(s))
	switch {
	case r.OneOf != nil && !slices.Contains(r.OneOf, s):
		c.add(path, "one-of", "is %q, but must be one of: %s%s", brief(s),
			strings.Join(r.OneOf, ", "), suggestion(s, r.OneOf))
	case r.OneOf != nil:
	case strings.TrimSpace(s) == "" && r.Least > 0:
		c.add(path, "length", "is empty")
	case r.Most > 0 && n > r.Most:
		c.add(path, "length", "has %d characters; at most %d are possible", n, r.Most)
	case r.Form != "" && !c.forms[r.Form].MatchString(s):
		c.add(path, "form", "is %q, but must be %s", brief(s), formNames()[r.Form])
	}
}

func (c *checker) list(r Rule, path string, list []any) {
	if len(list) < r.Least || len(list) > r.Most {
		c.add(path, "count", "has %d entries, but must have %d to %d", len(list), r.Least, r.Most)
	}
	seen := map[any]bool{}
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.check(*r.Items, at, item)
		if s, ok := item.(string); ok && r.Unique {
			if seen[s] {
				c.add(at, "unique", "repeats %q", brief(s))
			}
			seen[s] = true
		}
	}
}

func (c *checker) object(r Rule, path string, object map[string]any) {
	prefix := path
	if prefix != "" {
		prefix += "."
	}
	var keys []string
	for _, f := range r.Fields {
		keys = append(keys, f.Key)
		value, ok := object[f.Key]
		switch {
		case ok && (value != nil || !f.Optional):
			c.check(f, prefix+f.Key, value)
		case !ok && !f.Optional:
			c.add(prefix+f.Key, "required", "is missing")
		}
	}
	var unknown []string
	for key := range object {
		if !slices.Contains(keys, key) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		c.add(prefix+key, "unknown-key", "is not a key of this format%s", suggestion(key, keys))
	}
}

func whatIs(value any) string {
	switch v := value.(type) {
	case nil:
		return "empty"
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case string:
		return fmt.Sprintf("the text %q", brief(v))
	case []any:
		return "a list"
	}
	return "keys with values"
}

func brief(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
