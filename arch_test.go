package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the import table of DESIGN.md: which packages of ours a package may import, besides
// itself. A trailing /... stands for the package and everything below it. A package that is not
// listed fails the test, so that a new one is given its place on purpose.
func allowed() map[string][]string {
	return map[string][]string{
		"store":                   {},
		"store/postgres":          {"store", "store/postgres/..."},
		"store/postgres/embedded": {"store"},
		"store/postgres/pgtest":   {"store/postgres", "store/postgres/..."}, // only tests import it
		"store/presence":          {"store"},
		"store/blob":              {"store"},
		"store/gen":               {"store"},
		"store/wait":              {},
		"sfu":                     {"sfu/pionlog"},
		"sfu/pionlog":             {},
		"signaling/protocol":      {},
		"signaling/protocol/gen":  {"signaling/protocol"},
		"signaling":               {"sfu", "signaling/protocol", "store", "store/wait"},
		"signaling/client":        {"signaling/protocol", "sfu/pionlog", "store/wait"},
		"signaling/client/load":   {"signaling/client", "signaling/protocol", "store/wait"},
		"speech/frame":            {},
		"speech/dsp":              {"store"},
		"speech/opus":             {"speech/frame"},
		"speech/bus":              {"speech/frame", "store", "store/wait"},
		"speech":                  {"speech/frame", "speech/opus", "speech/dsp", "store", "store/wait"},
		"api/auth":                {"store"},
		"api":                     {"api/...", "store"},
		"api/apitest":             {"api", "api/...", "store", "store/..."}, // only tests import it
		"web":                     {},
		"configs":                 {"sfu", "signaling", "speech/...", "store/...", "api/..."},
		"":                        {"..."},
	}
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
	table := allowed()
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := ours(p.ImportPath)
		rules, ok := table[name]
		if !ok && strings.HasPrefix(name, "api/") {
			// a slice: the shared helpers and the nouns
			rules, ok = []string{"api/auth", "api/httpx", "store"}, true
		}
		if !ok {
			t.Errorf(
				"package %s has no row in the import table: decide what it may import, here and in DESIGN.md",
				p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			switch dep := ours(imp); {
			case dep == "api/apitest":
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imp)
			case dep != imp && !permits(rules, dep):
				t.Errorf("%s imports %s, which the import table does not allow", p.ImportPath, imp)
			}
		}
	}
}

// ours gives a path within the module, and any other path as it is.
func ours(path string) string {
	if path == "bedside" {
		return ""
	}
	if rest, ok := strings.CutPrefix(path, "bedside/"); ok {
		return rest
	}
	return path
}

func permits(rules []string, dep string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		if prefix, ok := strings.CutSuffix(rule, "..."); ok {
			return strings.HasPrefix(dep+"/", prefix)
		}
		return rule == dep
	})
}
