package httpx

import (
	"errors"
	"strings"
	"testing"

	"bedside/store"
)

func TestCleanEmail(t *testing.T) {
	for in, want := range map[string]string{
		" Dana.K+1@Example.ORG ":     "dana.k+1@example.org",
		"dana@bücher.example":        "dana@xn--bcher-kva.example",
		"dana@BÜCHER.example":        "dana@xn--bcher-kva.example",
		"dana@xn--bcher-kva.example": "dana@xn--bcher-kva.example",
		"o'neill_2!#$%@example.org":  "o'neill_2!#$%@example.org",
		"jürgen@example.org":         "jürgen@example.org",
		// the other spelling of ü
		"ju\u0308rgen@example.org": "jürgen@example.org",
		// full width
		"ｄａｎａ@ｅｘａｍｐｌｅ．ｏｒｇ":                       "dana@example.org",
		"dana@sub.example.co.uk":                 "dana@sub.example.co.uk",
		strings.Repeat("a", 60) + "@example.org": strings.Repeat("a", 60) + "@example.org",
	} {
		if got, err := CleanEmail(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
		if again, err := CleanEmail(want); err != nil || again != want {
			t.Errorf("%q does not stay: %q, %v", want, again, err)
		}
	}
	for _, in := range []string{
		"", "nobody", "a@b", "@example.org", "dana@", "dana@@example.org", "a b@example.org",
		"Dana <dana@example.org>", "dana\u202e@example.org", "da\u200bna@example.org",
		"da\u00adna@example.org", "dana@exam\u202eple.org", "dana@-example.org",
		"dana@exa_mple.org", "dana@[127.0.0.1]", "x@example.org\r\nBcc: y@example.org",
		"dana@example..org", strings.Repeat("a", 250) + "@example.org", "\xff@example.org",
	} {
		var fault *Fault
		got, err := CleanEmail(in)
		if !errors.As(err, &fault) || !errors.Is(err, store.ErrInvalid) ||
			len(fault.Fields) != 1 || fault.Fields[0].Location != "body.email" {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		" Dana  Kovač ": "Dana Kovač", "O’Neill": "O’Neill", "山田太郎": "山田太郎",
		"محمد":                                "محمد",
		"J. R. (Bob) Müller-Lüdenscheidt 3rd": "J. R. (Bob) Müller-Lüdenscheidt 3rd",
		"Dana 🙂":                              "Dana 🙂",
		"Ko\u0308ln":                          "Köln",
		"नेहा":                                "नेहा",
	} {
		if got, err := CleanName(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "   ", "...", "a\x00b", "line\nbreak", "tab\there", "admin\u202enimda", "Da\u200bna",
		"Dana\u2066x\u2069", "Da\u00adna", "\u200f\u200f", "\ufeffDana", "\xff",
		strings.Repeat("n", 121),
	} {
		var fault *Fault
		got, err := CleanName(in)
		if !errors.As(err, &fault) || !errors.Is(err, store.ErrInvalid) ||
			len(fault.Fields) != 1 || fault.Fields[0].Location != "body.name" {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
