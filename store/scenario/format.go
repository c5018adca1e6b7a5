package scenario

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"bedside/store"

	"go.yaml.in/yaml/v4"
)

const (
	lineWidth = 100
	longText  = 72 // a text of more characters is written below its key
)

// Format writes scenarios as YAML, several as documents separated by lines of three hyphens. Parse
// reads the same scenarios from it.
func Format(list ...store.Scenario) ([]byte, error) {
	var b bytes.Buffer
	dumper, err := yaml.NewDumper(&b, yaml.WithIndent(2), yaml.WithCompactSeqIndent(false),
		yaml.WithLineWidth(lineWidth), yaml.WithUnicode())
	if err != nil {
		return nil, err
	}
	rule := store.ScenarioRule()
	for _, s := range list {
		data, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("scenario %q: %w", s.Slug, err)
		}
		var tree any
		if err := json.Unmarshal(data, &tree); err != nil {
			return nil, fmt.Errorf("scenario %q: %w", s.Slug, err)
		}
		if err := dumper.Dump(nodeOf(rule, tree)); err != nil {
			return nil, fmt.Errorf("scenario %q: %w", s.Slug, err)
		}
	}
	if err := dumper.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// nodeOf returns a value as YAML, its keys in the order of the rule.
func nodeOf(r store.Rule, value any) *yaml.Node {
	switch v := value.(type) {
	case string:
		return textNode(v)
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if r.Items != nil && r.Unique || len(v) == 0 {
			n.Style = yaml.FlowStyle // slugs and other short words
		}
		for _, item := range v {
			n.Content = append(n.Content, nodeOf(itemRule(r), item))
		}
		return n
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		if r.Kind == store.RuleObject {
			for _, f := range r.Fields {
				if field, ok := v[f.Key]; ok && (field != nil || !f.Optional) {
					n.Content = append(n.Content, textNode(f.Key), nodeOf(f, field))
				}
			}
			return n
		}
		for _, key := range dialogueOrder(v) {
			n.Content = append(n.Content, textNode(key), nodeOf(store.Rule{}, v[key]))
		}
		return n
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case float64:
		return numberNode(v)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

func itemRule(r store.Rule) store.Rule {
	if r.Items == nil {
		return store.Rule{}
	}
	return *r.Items
}

// textNode returns a text in quotation marks where it would otherwise be read as something else,
// and folded below its key when it is long.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if strings.Contains(s, "\n") {
		return n // SetString has chosen a style that keeps the lines
	}
	if len([]rune(s)) > longText && s == strings.TrimSpace(s) && !strings.Contains(s, "  ") {
		n.Style = yaml.FoldedStyle
	}
	return n
}

func numberNode(f float64) *yaml.Node {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return &yaml.Node{
			Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(int64(f), 10),
		}
	}
	return &yaml.Node{
		Kind: yaml.ScalarNode, Tag: "!!float", Value: strconv.FormatFloat(f, 'g', -1, 64),
	}
}

// dialogueOrder returns the keys of an object of the dialogue in the order in which people write
// them: names first, then the rest by the alphabet.
func dialogueOrder(v map[string]any) []string {
	first := []string{
		"patient", "state", "use", "effects", "intents", "facts", "cues", "beats", "repair",
		"silence", "close", "id", "name", "act", "layer", "on", "if", "after_s", "at_s", "need",
		"unless", "say", "else", "examples",
	}
	rank := func(key string) int {
		if i := slices.Index(first, key); i >= 0 {
			return i
		}
		return len(first)
	}
	keys := make([]string, 0, len(v))
	for key := range v {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	return keys
}
