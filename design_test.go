package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"bedside/api"
	"bedside/store/postgres"
)

// TestDesignTables checks DESIGN.md's tables of what happens to data when an account is deleted.
// With UPDATE=1 it writes them.
func TestDesignTables(t *testing.T) {
	const path = "DESIGN.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tables, files := api.DeletionRules()
	var tableRows, fileRows strings.Builder
	for _, r := range append(tables, postgres.OwnTables()...) {
		fmt.Fprintf(&tableRows, "| `%s` | %s | %s |\n", r.Table, r.OnDelete, r.Why)
	}
	for _, r := range files {
		fmt.Fprintf(&fileRows, "| `%s` | %s | %s |\n", r.Pattern, r.OnDelete, r.Why)
	}
	page := replaceBetween(t, string(b), "tables",
		"| table | on deletion | why |\n|---|---|---|\n"+tableRows.String())
	page = replaceBetween(t, page, "files",
		"| file | on deletion | why |\n|---|---|---|\n"+fileRows.String())
	if page == string(b) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatal("DESIGN.md's tables are out of date: run make generate")
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replaceBetween replaces the text between the begin and end markers of a name.
func replaceBetween(t *testing.T, page, name, text string) string {
	t.Helper()
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("DESIGN.md has no %s markers", name)
	}
	return head + begin + text + end + tail
}
