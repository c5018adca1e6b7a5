package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedFileIsUpToDate(t *testing.T) {
	want, err := os.ReadFile("../../../web/src/lib/gen/protocol.ts")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "new", "protocol.ts")
	if err := run("..", out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("web/src/lib/gen/protocol.ts does not match the structs: run make generate")
	}
}

func TestUnsupportedTypesAreErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"client.go":   "package p",
		"server.go":   "package p\ntype M struct {\n\tA map[string]int `json:\"a\"`\n}",
		"protocol.go": "package p",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := TypeScript(dir); err == nil {
		t.Errorf("a map was translated to %s", text)
	}
	if _, err := TypeScript(t.TempDir()); err == nil {
		t.Error("no error for an empty directory")
	}
}
