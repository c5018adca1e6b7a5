package store

// suggestion returns "; did you mean X?" when a word of the list is spelled much like s.
func suggestion(s string, words []string) string {
	if word := Nearest(s, words); word != "" {
		return "; did you mean " + word + "?"
	}
	return ""
}

// Nearest returns the word of the list that needs the fewest changed letters to become s. It is
// empty when more than a third of the letters would change.
func Nearest(s string, words []string) string {
	if len(s) > 80 {
		return ""
	}
	best, fewest := "", (len(s)+2)/3+1
	for _, word := range words {
		if d := changedLetters(s, word); d < fewest {
			best, fewest = word, d
		}
	}
	return best
}

// changedLetters returns the Levenshtein distance of two words.
func changedLetters(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
