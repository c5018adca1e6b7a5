package scenario

import (
	"io/fs"
	"strings"
	"testing"
)

func TestShipped(t *testing.T) {
	list, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.yaml")
	if err != nil || len(names) != len(list) || len(list) < 4 {
		t.Fatalf("%d scenarios of %q, %v", len(list), names, err)
	}
	for i, s := range list {
		if names[i] != s.Slug+".yaml" {
			t.Errorf("%s has the slug %s", names[i], s.Slug)
		}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
		if strings.TrimSpace(s.Candidate.Tasks[0].Text) == "" {
			t.Errorf("%s has an empty task", s.Slug)
		}
	}
}
