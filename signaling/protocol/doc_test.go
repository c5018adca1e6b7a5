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

// language is what one of the three says: "ClientMessage join" or "join.ticket" with the kind of
// the field, "Role=patient" for a value.
type language map[string]string

// The structs, the page and the TypeScript say the same: every message and its direction, every
// field with its type, every value.
func TestStructsPageAndTypeScriptAgree(t *testing.T) {
	structs := ofStructs(t)
	if len(structs) < 80 {
		t.Fatalf("only %d things were found in the structs", len(structs))
	}
	for name, other := range map[string]language{page: ofPage(t), typescript: ofTypeScript(t)} {
		for _, key := range slices.Sorted(maps.Keys(structs)) {
			if got, ok := other[key]; !ok {
				t.Errorf("%s does not know %s", name, key)
			} else if got != structs[key] {
				t.Errorf("%s says of %s %q; the structs say %q", name, key, got, structs[key])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(other)) {
			if _, ok := structs[key]; !ok {
				t.Errorf("%s knows %s, which is not in the structs", name, key)
			}
		}
	}
}

func ofStructs(t *testing.T) language {
	l := language{}
	for _, m := range clientMessages() {
		l["ClientMessage "+TypeOf(m)] = ""
		l.fields(TypeOf(m), reflect.TypeOf(m))
	}
	for _, m := range serverMessages() {
		l["ServerMessage "+TypeOf(m)] = ""
		l.fields(TypeOf(m), reflect.TypeOf(m))
	}
	for _, name := range []string{
		"Role", "PhaseName", "PhaseReason", "ReportStatus", "ErrorCode",
	} {
		for _, value := range constants(t, name) {
			l[name+"="+value] = ""
		}
	}
	return l
}

// fields notes a struct's, and those of the objects in it.
func (l language) fields(name string, s reflect.Type) {
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

func (l language) kind(t reflect.Type) string {
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

// constants lists the values of a string type.
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

func ofPage(t *testing.T) language {
	l := language{}
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

func ofTypeScript(t *testing.T) language {
	l, types := language{}, map[string]string{}
	text := read(t, typescript)
	for _, m := range regexp.MustCompile(`(?s)export interface (\w+) \{\n(.*?)\n\}`).FindAllStringSubmatch(text, -1) {
		name := m[1]
		for _, f := range regexp.MustCompile(`(?m)^\t(\w+)(\??): (.*)$`).FindAllStringSubmatch(m[2], -1) {
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
	for _, m := range regexp.MustCompile(`export type (\w+) =\n((?:\t\|.*\n?)+)`).FindAllStringSubmatch(text, -1) {
		for _, v := range regexp.MustCompile(`(?m)^\t\| (\S+)`).FindAllStringSubmatch(m[2], -1) {
			if strings.HasPrefix(v[1], "'") {
				l[m[1]+"="+strings.Trim(v[1], "'")] = ""
			} else {
				l[m[1]+" "+types[v[1]]] = ""
			}
		}
	}
	if !strings.Contains(text, "export const VERSION = "+strconv.Itoa(Version)+"\n") {
		t.Errorf("%s is not of version %d", typescript, Version)
	}
	return l
}

func TestThePagesCloseCodes(t *testing.T) {
	text := read(t, page)
	for _, code := range constants(t, "ErrorCode") {
		if row := "| `" + code + "` | " + strconv.Itoa(CloseCode(ErrorCode(code))) +
			" |"; !strings.Contains(text, row) {
			t.Errorf("%s has no row %s", page, row)
		}
	}
}

func TestThePagesLimits(t *testing.T) {
	text := read(t, page)
	for what, limit := range map[string]int{
		"bytes in a message, either way": MaxMessage, "bytes of `ticket`": maxTicket, "bytes of `token`": maxToken, "bytes of `candidate`": maxCandidate,
		"bytes of `sdp_mid`": maxMid,
	} {
		if row := "| " + what + " | " + strconv.Itoa(limit) + " |"; !strings.Contains(text, row) {
			t.Errorf("%s has no row %s", page, row)
		}
	}
}

// The page's exchange is made of messages that both sides would take, with nothing missing and nothing unknown.
func TestThePagesExchange(t *testing.T) {
	said := map[string]bool{}
	for line := range strings.Lines(read(t, page)) {
		text, sent := strings.CutPrefix(line, "> {")
		if sent {
			m, err := DecodeClient([]byte("{" + text))
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			said[TypeOf(m)] = true
		}
		if text, ok := strings.CutPrefix(line, "< {"); ok {
			m, rest, err := decode([]byte("{"+text), serverMessages(), true)
			if err != nil || len(rest) > 0 {
				t.Errorf("%s: %v, unknown: %v", line, err, slices.Collect(maps.Keys(rest)))
				continue
			}
			var as, came map[string]any // once more as it would be written
			b, err := Encode(m)
			if err != nil || json.Unmarshal(b, &as) != nil ||
				json.Unmarshal([]byte("{"+text), &came) != nil || !reflect.DeepEqual(as, came) {
				t.Errorf("%s would be %s", line, b)
			}
			said[TypeOf(m)] = true
		}
	}
	if len(said) < 15 {
		t.Errorf("the exchange shows only %v", said)
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
