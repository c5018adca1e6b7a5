// Package asrtest has what tests of recognisers have in common.
package asrtest

import (
	"testing"

	"bedside/speech/asr"
)

// Open opens a stream that is closed when the test ends.
func Open(t testing.TB, r asr.Recogniser, c asr.Context) asr.Stream {
	t.Helper()
	s, err := r.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// WordErrors returns how many words have to be changed, added or removed to make one list the
// other.
func WordErrors(got, want []string) int {
	row := make([]int, len(got)+1)
	for i := range row {
		row[i] = i
	}
	for j, w := range want {
		diagonal := row[0]
		row[0] = j + 1
		for i, g := range got {
			change := diagonal
			if g != w {
				change++
			}
			diagonal = row[i+1]
			row[i+1] = min(change, row[i]+1, row[i+1]+1)
		}
	}
	return row[len(got)]
}
