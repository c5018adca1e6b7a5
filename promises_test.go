package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromises checks that every promise in DESIGN.md's table names a test, and that all tests
// that the page names exist: Go's, the rows of the fault suite, and files of the web's tests.
func TestPromises(t *testing.T) {
	b, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	_, rest, ok := strings.Cut(page, "<!-- promises: begin -->\n")
	table, _, ok2 := strings.Cut(rest, "<!-- promises: end -->")
	if !ok || !ok2 {
		t.Fatal("DESIGN.md has no promises markers")
	}
	promises := 0
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(row, "|\n "), " | ")
		switch {
		case len(cells) == 2 && testName.MatchString(cells[1]):
			promises++
		case len(cells) == 2 && cells[0] != "promise":
			t.Errorf("no test is named for: %s", cells[0])
		}
	}
	if promises < 40 {
		t.Errorf("the table has %d promises, which cannot be all", promises)
	}
	tests, source := goTests(t)
	for _, m := range testName.FindAllStringSubmatch(page, -1) {
		function, part, path := m[1], m[2], m[3]
		switch {
		case path != "":
			if _, err := os.Stat(path); err != nil {
				t.Errorf("DESIGN.md names %s: %v", path, err)
			}
		case !tests[function]:
			t.Errorf("DESIGN.md names %s, which does not exist", function)
		case part != "" && !strings.Contains(source, `"`+part+`"`):
			t.Errorf("DESIGN.md names the part %q of %s, which does not exist", part, function)
		}
	}
}

// testName matches a Go test, which may have the name of a part behind a slash, or the path of a
// file of tests.
var testName = regexp.MustCompile(
	"`(?:((?:Test|Fuzz|Benchmark)\\w+)(?:/([^`]+))?|(web/[^` ]+\\.ts|[^` ]+/[^` ]+_test\\.go))`")

// goTests returns the names of all tests, fuzz tests and benchmarks, and the text of all test
// files.
func goTests(t *testing.T) (names map[string]bool, source string) {
	t.Helper()
	names = map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "bin"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range declared.FindAllSubmatch(b, -1) {
			names[string(m[1])] = true
		}
		all.Write(b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, all.String()
}
