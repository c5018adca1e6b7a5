package asr

import (
	"strings"
	"unicode"
)

// Words returns the words of a text as recognisers and dictionaries spell them: in lower case,
// without punctuation, apostrophes kept, hyphens as spaces. "Don’t stop – it’s insulin!" is
// don't stop it's insulin.
func Words(text string) []string {
	text = strings.ToLower(strings.NewReplacer("’", "'", "‘", "'").Replace(text))
	fields := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && r != '\''
	})
	words := fields[:0]
	for _, w := range fields {
		if w = strings.Trim(w, "'"); w != "" {
			words = append(words, w)
		}
	}
	return words
}
