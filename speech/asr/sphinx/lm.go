package sphinx

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// discount is subtracted from each count of the language model, for what was not in the texts
// (absolute discounting: Ney, Essen & Kneser 1994).
const discount = 0.6

// counts holds how often each sequence of up to three words is in some sentences. Words of a
// sequence are joined by spaces. A sentence begins with <s> and ends with </s>.
type counts [3]map[string]int

func count(sentences [][]string) counts {
	c := counts{{}, {}, {}}
	for _, s := range sentences {
		words := append(append([]string{"<s>"}, s...), "</s>")
		for i := range words {
			for n := 0; n < 3 && i-n >= 0; n++ {
				c[n][strings.Join(words[i-n:i+1], " ")]++
			}
		}
	}
	return c
}

// split separates the last word of a sequence from those before it.
func split(sequence string) (before, last string) {
	i := strings.LastIndexByte(sequence, ' ')
	return sequence[:max(i, 0)], sequence[i+1:]
}

// writeARPA writes a trigram model with backing-off of some sentences, in the format of ARPA.
func writeARPA(w io.Writer, sentences [][]string) error {
	c := count(sentences)
	m := newBackoff(c)
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "\\data\\\n")
	for n := range c {
		fmt.Fprintf(out, "ngram %d=%d\n", n+1, len(c[n]))
	}
	for n := range c {
		fmt.Fprintf(out, "\n\\%d-grams:\n", n+1)
		for _, sequence := range slices.Sorted(maps.Keys(c[n])) {
			fmt.Fprintf(out, "%.4f %s", log10(m.probability(sequence)), sequence)
			if n < 2 {
				fmt.Fprintf(out, " %.4f", log10(m.weight[sequence]))
			}
			fmt.Fprintln(out)
		}
	}
	fmt.Fprint(out, "\n\\end\\\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("language model: %w", err)
	}
	return nil
}

func log10(p float64) float64 { return max(math.Log10(p), -99) }

// backoff is a trigram model: what a sequence keeps of its count after the discount, and the
// weight of the shorter sequence where the longer one was never seen.
type backoff struct {
	counts counts
	total  int            // words
	after  map[string]int // how often something follows a sequence
	weight map[string]float64
}

func newBackoff(c counts) *backoff {
	m := &backoff{counts: c, after: map[string]int{}, weight: map[string]float64{}}
	for word, n := range c[0] {
		if word != "<s>" {
			m.total += n
		}
	}
	followers := map[string][]string{}
	for n := 1; n < 3; n++ {
		for sequence, seen := range c[n] {
			before, last := split(sequence)
			m.after[before] += seen
			followers[before] = append(followers[before], last)
		}
	}
	// The weights of single words are needed for those of pairs.
	for _, before := range slices.SortedFunc(maps.Keys(followers), func(a, b string) int {
		return cmp.Or(strings.Count(a, " ")-strings.Count(b, " "), cmp.Compare(a, b))
	}) {
		_, shorter, _ := strings.Cut(before, " ")
		covered := 0.0
		for _, last := range followers[before] {
			covered += m.probability(strings.TrimSpace(shorter + " " + last))
		}
		left := discount * float64(len(followers[before])) / float64(m.after[before])
		m.weight[before] = left / max(1-covered, 1e-6)
	}
	return m
}

// probability returns the probability of the last word of a sequence after those before it.
func (m *backoff) probability(sequence string) float64 {
	before, last := split(sequence)
	if before == "" {
		if last == "<s>" {
			return 0
		}
		return float64(m.counts[0][last]) / float64(m.total)
	}
	n := strings.Count(sequence, " ")
	if seen := m.counts[n][sequence]; seen > 0 {
		return (float64(seen) - discount) / float64(m.after[before])
	}
	weight, known := m.weight[before]
	if !known {
		weight = 1
	}
	_, shorter, _ := strings.Cut(before, " ")
	return weight * m.probability(strings.TrimSpace(shorter+" "+last))
}
