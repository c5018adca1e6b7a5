package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"bedside/store"

	"go.yaml.in/yaml/v4"
)

// Limits of what is read.
const (
	MaxBytes     = 4 << 20 // of all documents together
	MaxDocuments = 200
	maxDepth     = 24     // of lists and keys inside each other
	maxValues    = 20_000 // in one document
	// maxMarks is how many bytes may begin a value in all documents together. It is checked first,
	// because the parser takes some hundred bytes of memory for each value.
	maxMarks = 200_000
)

// Parse reads scenarios from YAML, or from JSON, which is YAML too. There may be several
// documents, separated by lines of three hyphens. It returns store.ErrInvalid, joined with a
// Finding for each place where a document does not conform to the format.
func Parse(data []byte) ([]store.Scenario, error) {
	documents, findings := read(data)
	var list []store.Scenario
	for _, d := range documents {
		found := d.check()
		findings = append(findings, found...)
		if len(found) == 0 && !d.broken {
			s, err := d.decode()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", store.ErrInvalid, err)
			}
			list = append(list, s)
		}
	}
	if len(findings) > 0 {
		errs := []error{store.ErrInvalid}
		for _, f := range findings {
			errs = append(errs, f)
		}
		return nil, errors.Join(errs...)
	}
	return list, nil
}

// position is a place in the text, counted from one.
type position struct{ line, column int }

// document is one YAML document as plain values.
type document struct {
	start  position
	tree   any                 // as encoding/json would read it
	values map[string]position // by path: where the value begins
	keys   map[string]position // by path: where its key begins
	broken bool                // something was left out of the tree, and reported
}

// read splits a text into its documents. Findings are what cannot be read as YAML, or is refused:
// anchors and aliases, because a few lines with them can stand for gigabytes, tags, and what is
// over the limits.
func read(data []byte) (documents []*document, findings []Finding) {
	fail := func(p position, rule, format string, args ...any) ([]*document, []Finding) {
		return documents, append(findings, Finding{
			Line: p.line, Column: p.column, Severity: Error, Rule: rule,
			Message: fmt.Sprintf(format, args...),
		})
	}
	if len(data) > MaxBytes {
		return fail(position{1, 1}, "size", "the text has more than %d MB", MaxBytes>>20)
	}
	if !utf8.Valid(data) {
		return fail(invalidAt(data), "encoding", "the text is not UTF-8 here: save it as UTF-8")
	}
	if n := marks(data); n > maxMarks {
		return fail(position{1, 1}, "size", "the text has too many values")
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return fail(position{1, 1}, "yaml", "%v", err)
	}
	for {
		var node yaml.Node
		if err := loader.Load(&node); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			p, message := yamlError(err)
			return fail(p, "yaml", "%s", message)
		}
		if len(documents) == MaxDocuments {
			return fail(position{node.Line, node.Column}, "size",
				"there are more than %d documents", MaxDocuments)
		}
		r := reader{document: &document{
			values: map[string]position{}, keys: map[string]position{},
		}}
		r.read(&node)
		documents, findings = append(documents, r.document), append(findings, r.findings...)
	}
	if len(documents) == 0 {
		return fail(position{1, 1}, "yaml", "there is no document: the text is empty")
	}
	return documents, findings
}

// marks counts the bytes that may begin a value.
func marks(data []byte) (n int) {
	for _, b := range data {
		switch b {
		case ',', '[', '{', ':', '-', '?', '\n':
			n++
		}
	}
	return n
}

// invalidAt returns where the first byte is that is not UTF-8.
func invalidAt(data []byte) position {
	p := position{1, 1}
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1:
			return p
		case r == '\n':
			p = position{p.line + 1, 1}
		default:
			p.column++
		}
		data = data[n:]
	}
	return p
}

// yamlError returns where a text stops being YAML, and why.
func yamlError(err error) (position, string) {
	var load *yaml.LoadError
	if errors.As(err, &load) && load.Mark.Line > 0 {
		return position{load.Mark.Line, max(load.Mark.Column, 1)},
			"this is not YAML: " + load.Message
	}
	return position{1, 1}, "this is not YAML: " + err.Error()
}

// reader turns the nodes of one document into plain values.
type reader struct {
	*document
	findings []Finding
	count    int
}

func (r *reader) add(n *yaml.Node, path, rule, format string, args ...any) {
	r.broken = true
	r.findings = append(r.findings, Finding{
		Line: n.Line, Column: n.Column, Path: path, Severity: Error, Rule: rule,
		Message: fmt.Sprintf(format, args...),
	})
}

func (r *reader) read(n *yaml.Node) {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	r.start = position{max(n.Line, 1), max(n.Column, 1)}
	r.tree = r.value(n, "", 0)
}

// value returns the plain value of a node. It returns nil for what it reports.
func (r *reader) value(n *yaml.Node, path string, depth int) any {
	r.values[path] = position{n.Line, n.Column}
	r.count++
	switch {
	case depth > maxDepth:
		r.add(n, path, "size", "lists and keys are nested more than %d deep", maxDepth)
		return nil
	case r.count == maxValues+1:
		r.add(n, path, "size", "the document has more than %d values", maxValues)
		return nil
	case r.count > maxValues:
		return nil
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.add(n, path, "alias", "anchors (&) and aliases (*) are not possible here: "+
			"write the text out, or put it in quotation marks")
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.object(n, path, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.value(item, fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
		return list
	}
	return r.scalar(n, path)
}

func (r *reader) object(n *yaml.Node, path string, depth int) any {
	object := make(map[string]any, len(n.Content)/2)
	prefix := path
	if prefix != "" {
		prefix += "."
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			r.add(key, path, "key", "a key must be a plain word")
			continue
		}
		at := prefix + key.Value
		if _, twice := object[key.Value]; twice {
			r.add(key, at, "duplicate-key",
				"%s is here for the second time; the first is in line %d", at, r.keys[at].line)
			continue
		}
		r.keys[at] = position{key.Line, key.Column}
		object[key.Value] = r.value(value, at, depth+1)
	}
	return object
}

func (r *reader) scalar(n *yaml.Node, path string) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return float64(i)
		}
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return n.Value
		}
		return f
	case "!!str", "!!timestamp":
		return n.Value
	}
	r.add(n, path, "tag", "the tag %s is not possible here", n.Tag)
	return nil
}

// at returns the position of a path: of its key where there is one, or else of its value, or of
// the nearest value around it.
func (d *document) at(path string) position {
	for {
		if p, ok := d.keys[path]; ok {
			return p
		}
		if p, ok := d.values[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return d.start
		}
		path = path[:i]
	}
}

// check returns where the document does not conform to the format.
func (d *document) check() []Finding {
	var findings []Finding
	for _, v := range store.ScenarioRule().Check(d.tree) {
		if d.broken && v.Rule == "type" && strings.HasSuffix(v.Message, "empty") {
			continue // read has reported why
		}
		findings = append(findings, d.finding(v.Path, Error, v.Rule, "%s", v.Message))
	}
	return findings
}

func (d *document) finding(path string, severity Severity, rule, format string,
	args ...any) Finding {
	p := d.at(path)
	if rule == "type" || rule == "one-of" || rule == "form" || rule == "range" {
		if value, ok := d.values[path]; ok {
			p = value
		}
	}
	return Finding{
		Line: p.line, Column: p.column, Path: path, Severity: severity, Rule: rule,
		Message: fmt.Sprintf(format, args...),
	}
}

func (d *document) decode() (s store.Scenario, err error) {
	b, err := json.Marshal(d.tree)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}
