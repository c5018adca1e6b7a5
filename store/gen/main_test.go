package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	analysis   = "../../speech/ANALYSIS.md"
	typescript = "../../web/src/lib/gen/measures.ts"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{analysis, typescript} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(filepath.Join(dir, filepath.Base(analysis)),
		filepath.Join(dir, filepath.Base(typescript))); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{analysis, typescript} {
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		if string(kept) != string(written) {
			t.Errorf("%s does not match the structs of package store: run make generate", path)
		}
	}
}

func TestMissingMarkersAreAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ANALYSIS.md")
	if err := os.WriteFile(path, []byte("# No tables here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(path, filepath.Join(t.TempDir(), "measures.ts"))
	if err == nil || !strings.Contains(err.Error(), "markers") {
		t.Errorf("got %v", err)
	}
}
