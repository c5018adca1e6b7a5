package asr

import (
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"I don’t know.":               "i don't know",
		"‘It’s fine,’ she said":       "it's fine she said",
		"A follow-up – in two weeks!": "a follow up in two weeks",
		"Café at 9":                   "café at",
		" ' – ":                       "",
	} {
		if got := strings.Join(Words(text), " "); got != want {
			t.Errorf("%q: %q; want %q", text, got, want)
		}
	}
}
