package protocol

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	page       = "../PROTOCOL.md"
	typescript = "../../web/src/lib/gen/protocol.ts"
)

// definitions lists what one of the three sources defines: "ClientMessage join" for a message,
// "join.ticket" with the type of the field, "Role=patient" for a value.
type definitions map[string]string

// The structs, the page and the TypeScript define the same messages with their direction, the same
// fields with their types and the same values.
func TestStructsPageAndTypeScriptAgree(t *testing.T) {
	structs := ofStructs(t)
	if len(structs) < 80 {
		t.Fatalf("only %d definitions in the structs", len(structs))
	}
	for name, other := range map[string]definitions{page: ofPage(t), typescript: ofTypeScript(t)} {
		for _, key := range slices.Sorted(maps.Keys(structs)) {
			if got, ok := other[key]; !ok {
				t.Errorf("%s does not have %s", name, key)
			} else if got != structs[key] {
				t.Errorf("%s defines %s as %q; the structs as %q", name, key, got, structs[key])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(other)) {
			if _, ok := structs[key]; !ok {
				t.Errorf("%s has %s, which is not in the structs", name, key)
			}
		}
	}
}

func ofStructs(t *testing.T) definitions {
	l := definitions{}
	for _, m := range clientMessages() {
		l["ClientMessage "+TypeOf(m)] = ""
		l.fields(TypeOf(m), reflect.TypeOf(m))
	}
	for _, m := range serverMessages() {
		l["ServerMessage "+TypeOf(m)] = ""
		l.fields(TypeOf(m), reflect.TypeOf(m))
	}
	for _, name := range []string{
		"Role", "PhaseName", "PhaseReason", "PatientState", "ControlAction", "ReportStatus",
		"ErrorCode",
	} {
		for _, value := range constants(t, name) {
			l[name+"="+value] = ""
		}
	}
	return l
}

// fields adds a struct's fields, and those of the structs in it.
func (l definitions) fields(name string, s reflect.Type) {
	for i := range s.NumField() {
		f := s.Field(i)
		field, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind := l.kind(f.Type)
		if options == "omitempty" {
			kind += ", optional"
		}
		l[name+"."+field] = kind
	}
}

func (l definitions) kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return l.kind(t.Elem())
	case reflect.Slice:
		return "list of " + l.kind(t.Elem())
	case reflect.Struct:
		l.fields(t.Name(), t)
		return t.Name()
	case reflect.String:
		if t.Name() != "string" {
			return t.Name()
		}
		return "string"
	case reflect.Bool:
		return "boolean"
	}
	return "number"
}

// constants returns the values of a string type.
func constants(t *testing.T, of string) (values []string) {
	f, err := parser.ParseFile(token.NewFileSet(), "server.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			spec := s.(*ast.ValueSpec)
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == of {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("no values of %s", of)
	}
	return values
}

func ofPage(t *testing.T) definitions {
	l := definitions{}
	var chapter, name, table string
	row := regexp.MustCompile("^\\| `([^`]+)` \\|(?: ([^|]*?) \\|)?")
	for line := range strings.Lines(read(t, page)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "## "):
			chapter, name, table = line[3:], "", ""
		case strings.HasPrefix(line, "### "):
			name, table = strings.Trim(line[4:], "`"), ""
			switch chapter {
			case "Client to server":
				l["ClientMessage "+name] = ""
			case "Server to client":
				l["ServerMessage "+name] = ""
			}
		case strings.HasPrefix(line, "| field |"), strings.HasPrefix(line, "| value |"):
			table = strings.Fields(line)[1]
		}
		m := row.FindStringSubmatch(line)
		switch {
		case m == nil:
		case table == "field":
			l[name+"."+m[1]] = strings.Replace(strings.ReplaceAll(m[2], "`", ""), "integer",
				"number", 1)
		case table == "value":
			l[name+"="+m[1]] = ""
		}
	}
	return l
}

func ofTypeScript(t *testing.T) definitions {
	l, types := definitions{}, map[string]string{}
	text := read(t, typescript)
	all := func(pattern, text string) [][]string {
		return regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	}
	for _, m := range all(`(?s)export interface (\w+) \{\n(.*?)\n\}`, text) {
		name := m[1]
		for _, f := range all(`(?m)^\t(\w+)(\??): (.*)$`, m[2]) {
			kind := f[3]
			if f[1] == "type" {
				name = strings.Trim(kind, "'")
				types[m[1]] = name
				continue
			}
			if item, ok := strings.CutSuffix(kind, "[]"); ok {
				kind = "list of " + item
			}
			if f[2] == "?" {
				kind += ", optional"
			}
			l[name+"."+f[1]] = kind
		}
	}
	for _, m := range all(`export type (\w+) =\n((?:\t\|.*\n?)+)`, text) {
		for _, v := range all(`(?m)^\t\| (\S+)`, m[2]) {
			if strings.HasPrefix(v[1], "'") {
				l[m[1]+"="+strings.Trim(v[1], "'")] = ""
			} else {
				l[m[1]+" "+types[v[1]]] = ""
			}
		}
	}
	if !strings.Contains(text, "export const VERSION = "+strconv.Itoa(Version)+"\n") {
		t.Errorf("%s is not for version %d", typescript, Version)
	}
	return l
}

func TestPageListsCloseCodes(t *testing.T) {
	text := read(t, page)
	for _, code := range constants(t, "ErrorCode") {
		if row := "| `" + code + "` | " + strconv.Itoa(CloseCode(ErrorCode(code))) +
			" |"; !strings.Contains(text, row) {
			t.Errorf("%s has no row %s", page, row)
		}
	}
}

func TestPageListsLimits(t *testing.T) {
	text := read(t, page)
	for what, limit := range map[string]int{
		"bytes in a message, either way": MaxMessage, "bytes of `ticket`": maxTicket,
		"bytes of `token`": maxToken, "bytes of `candidate`": maxCandidate,
		"bytes of `sdp_mid`": maxMid,
	} {
		if row := "| " + what + " | " + strconv.Itoa(limit) + " |"; !strings.Contains(text, row) {
			t.Errorf("%s has no row %s", page, row)
		}
	}
}

// The page's example consists of valid messages, without missing or unknown fields.
func TestPageExampleIsValid(t *testing.T) {
	shown := map[string]bool{}
	for line := range strings.Lines(read(t, page)) {
		text, sent := strings.CutPrefix(line, "> {")
		if sent {
			m, err := DecodeClient([]byte("{" + text))
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			shown[TypeOf(m)] = true
		}
		if text, ok := strings.CutPrefix(line, "< {"); ok {
			m, rest, err := decode([]byte("{"+text), serverMessages(), true)
			if err != nil || len(rest) > 0 {
				t.Errorf("%s: %v, unknown: %v", line, err, slices.Collect(maps.Keys(rest)))
				continue
			}
			var encoded, written map[string]any
			b, err := Encode(m)
			if err != nil || json.Unmarshal(b, &encoded) != nil ||
				json.Unmarshal([]byte("{"+text), &written) != nil ||
				!reflect.DeepEqual(encoded, written) {
				t.Errorf("%s is encoded as %s", line, b)
			}
			shown[TypeOf(m)] = true
		}
	}
	if len(shown) < 15 {
		t.Errorf("the example shows only %v", shown)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
