package configs

import (
	"os"
	"strings"
	"testing"
)

// TestGeneratedFiles fails when default.yaml or README.md's table of settings is out of date. With
// UPDATE=1 it writes them.
func TestGeneratedFiles(t *testing.T) {
	const begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->"
	const readme = "../README.md"
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has no settings markers")
	}
	for path, want := range map[string]string{
		readme: head + begin + Table() + end + tail, "default.yaml": DefaultYAML(),
	} {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) == want {
			continue
		}
		if os.Getenv("UPDATE") == "" {
			t.Errorf("%s is out of date: run go generate ./configs", path)
		} else if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
