// Package vectors holds word vectors: places of words in a space in which words that are used
// alike lie close together (GloVe), such as "tablets" and "pills".
package vectors

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"math"
	"strings"
)

// Dimensions is the number of dimensions of a vector.
const Dimensions = 100

//go:embed meaning.bin
var file []byte

// Table is a set of word vectors. It is read-only and safe for concurrent use.
type Table struct {
	rank   map[string]int
	values []byte
}

// Load returns the vectors that are part of the program. It takes some milliseconds.
func Load() *Table {
	count := int(binary.LittleEndian.Uint32(file))
	rest := file[8:]
	t := &Table{rank: make(map[string]int, count)}
	for i := range count {
		end := bytes.IndexByte(rest, '\n')
		t.rank[string(rest[:end])], rest = i, rest[end+1:]
	}
	t.values = rest
	return t
}

// smoothing is the probability of a word that counts half in a sentence (Arora et al. 2017).
const smoothing = 1e-3

// Sentence returns the mean of the vectors of words, of length 1, in which frequent words count
// less. It is zero when none of the words is known.
func (t *Table) Sentence(words []string) []float32 {
	sum := make([]float64, Dimensions)
	for _, w := range words {
		for part := range strings.FieldsSeq(expand(w)) {
			rank, ok := t.rank[part]
			if !ok {
				continue
			}
			t.add(sum, rank, smoothing/(smoothing+0.1/float64(rank+10))) // by Zipf's law
		}
	}
	length := 0.0
	for _, x := range sum {
		length += x * x
	}
	v := make([]float32, Dimensions)
	if length > 0 {
		for i, x := range sum {
			v[i] = float32(x / math.Sqrt(length))
		}
	}
	return v
}

// add adds a word's vector, scaled to a length.
func (t *Table) add(sum []float64, rank int, length float64) {
	row := t.values[rank*Dimensions:][:Dimensions]
	square := 0.0
	for _, b := range row {
		square += float64(int8(b)) * float64(int8(b))
	}
	scale := length / math.Sqrt(max(square, 1))
	for i, b := range row {
		sum[i] += scale * float64(int8(b))
	}
}

// expand returns the two words of a contraction, else the word.
func expand(w string) string {
	for _, c := range [][2]string{
		{"n't", " not"}, {"'re", " are"}, {"'ve", " have"}, {"'ll", " will"}, {"'d", " would"},
		{"'m", " am"}, {"'s", ""},
	} {
		if stem, ok := strings.CutSuffix(w, c[0]); ok {
			return stem + c[1]
		}
	}
	return w
}
