package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// importTable reads the import table of DESIGN.md: which packages of this module a package may
// import. A package that is not listed fails the test, so that its place is a decision.
func importTable(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "<!-- imports: begin -->\n")
	rows, _, ok2 := strings.Cut(rest, "<!-- imports: end -->")
	if !ok || !ok2 {
		t.Fatal("DESIGN.md has no imports markers")
	}
	table := map[string][]string{}
	for row := range strings.Lines(rows) {
		cells := strings.Split(strings.Trim(row, "|\n "), " | ")
		if len(cells) != 3 || !strings.HasPrefix(cells[0], "`") {
			continue // the head of the table
		}
		name := strings.Trim(cells[0], "`")
		switch cells[2] {
		case "nothing":
			table[name] = nil
		case "everything":
			table[name] = []string{"..."}
		default:
			table[name] = strings.Split(cells[2], ", ")
		}
	}
	return table
}

// rulesFor returns the row of a package: its own, or else that of the longest pattern.
func rulesFor(table map[string][]string, name string) (rules []string, ok bool) {
	if rules, ok = table[name]; ok {
		return rules, true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if rules, ok = table[dir+"/..."]; ok {
			return rules, true
		}
	}
	return nil, false
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportTable(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	table, seen := importTable(t), map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := moduleName(p.ImportPath)
		rules, ok := rulesFor(table, name)
		if !ok {
			t.Errorf("%s has no row in DESIGN.md's import table: decide what it may import",
				p.ImportPath)
			continue
		}
		seen[name] = true
		for _, imp := range p.Imports {
			switch dep := moduleName(imp); {
			case isTestSupport(dep) && !isTestSupport(name):
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imp)
			case dep != imp && !permits(rules, dep):
				t.Errorf("%s imports %s, which the import table does not allow", p.ImportPath, imp)
			}
		}
	}
	for name := range table {
		if !seen[name] && !strings.HasSuffix(name, "/...") {
			t.Errorf("DESIGN.md's import table lists %s, which does not exist", name)
		}
	}
}

// isTestSupport reports whether only tests may import a package.
func isTestSupport(name string) bool {
	return name == "api/apitest" || name == "store/postgres/pgtest" ||
		name == "configs/cluster/faults"
}

// moduleName returns a package's path within the module ("main" for the top folder), and any other
// path as it is.
func moduleName(path string) string {
	if path == "bedside" {
		return "main"
	}
	if rest, ok := strings.CutPrefix(path, "bedside/"); ok {
		return rest
	}
	return path
}

// permits reports whether one of the rules matches a package. A rule that ends in /... matches the
// package and everything below it; "..." matches every package.
func permits(rules []string, dep string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		if prefix, ok := strings.CutSuffix(rule, "..."); ok {
			return strings.HasPrefix(dep+"/", prefix)
		}
		return rule == dep
	})
}
