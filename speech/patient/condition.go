package patient

import (
	"fmt"
	"strconv"
	"strings"

	"bedside/store"
)

// condition is a condition of a scenario: terms that are joined by "and", such as
//
//	trust >= 45 and known.mother and not asked.ask_feelings
//
// A term compares a gauge with a number, or names a fact that the candidate knows, an intent that
// was asked, or a cue that was dropped. The empty condition always holds.
type condition []term

type term struct {
	not   bool
	kind  string // known, asked, said; empty for a gauge
	name  string
	op    string // of a gauge
	value int
}

func parseCondition(text string) (condition, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var c condition
	for part := range strings.SplitSeq(text, " and ") {
		t, err := parseTerm(strings.Fields(part))
		if err != nil {
			return nil, fmt.Errorf("condition %q: %w: %w", text, store.ErrInvalid, err)
		}
		c = append(c, t)
	}
	return c, nil
}

func parseTerm(words []string) (t term, err error) {
	if len(words) > 0 && words[0] == "not" {
		t.not, words = true, words[1:]
	}
	switch len(words) {
	case 1:
		kind, name, ok := strings.Cut(words[0], ".")
		if !ok || name == "" || kind != "known" && kind != "asked" && kind != "said" {
			return t, fmt.Errorf("%q is not known.FACT, asked.INTENT or said.CUE", words[0])
		}
		t.kind, t.name = kind, name
		return t, nil
	case 3:
		t.name, t.op = words[0], words[1]
		if t.op != ">=" && t.op != "<" && t.op != ">" && t.op != "<=" {
			return t, fmt.Errorf("%q is not one of >= > <= <", t.op)
		}
		if t.value, err = strconv.Atoi(words[2]); err != nil {
			return t, fmt.Errorf("%q is not a whole number", words[2])
		}
		return t, nil
	}
	return t, fmt.Errorf("%q is neither a name nor a comparison", strings.Join(words, " "))
}

func (c condition) holds(s *State) bool {
	for _, t := range c {
		if t.holds(s) == t.not {
			return false
		}
	}
	return true
}

func (t term) holds(s *State) bool {
	switch t.kind {
	case "known":
		return s.Known[t.name]
	case "asked":
		return s.Asked[t.name] > 0
	case "said":
		return s.Dropped[t.name]
	}
	v := s.Gauges[t.name]
	switch t.op {
	case ">=":
		return v >= t.value
	case ">":
		return v > t.value
	case "<=":
		return v <= t.value
	}
	return v < t.value
}
