package patient

import (
	"hash/fnv"
	"strings"
)

// dimensions is the number of features. Features are hashed into them (Weinberger et al. 2009).
const dimensions = 1 << 16

// features returns the features of an utterance: words and pairs of words, sequences of three and
// four letters within them, and of two and three phones across them. The letters help with other
// forms of a word, the phones with words that were recognised as others that sound alike.
func features(words []string, phones func(string) []string) []uint32 {
	var list []uint32
	add := func(kind byte, parts ...string) {
		h := fnv.New32a()
		h.Write([]byte{kind})
		for _, p := range parts {
			h.Write([]byte(p))
			h.Write([]byte{0})
		}
		list = append(list, h.Sum32()%dimensions)
	}
	last := "<s>"
	for _, w := range words {
		add('w', w)
		add('b', last, w)
		last = w
		padded := "_" + w + "_"
		for n := 3; n <= 4; n++ {
			for i := 0; i+n <= len(padded); i++ {
				add('c', padded[i:i+n])
			}
		}
	}
	add('b', last, "</s>")
	sounds := pronounce(words, phones)
	for n := 2; n <= 3; n++ {
		for i := 0; i+n <= len(sounds); i++ {
			add('p', sounds[i:i+n]...)
		}
	}
	return list
}

// pronounce returns the phones of words. A word without a pronunciation is spelt.
func pronounce(words []string, phones func(string) []string) []string {
	var list []string
	for _, w := range words {
		if p := phones(w); len(p) > 0 {
			list = append(list, p...)
			continue
		}
		for _, r := range w {
			list = append(list, strings.ToUpper(string(r)))
		}
	}
	return list
}

// similarity returns how alike two sequences of phones sound, from 0 to 1: one less their edit
// distance by the length of the longer. Phones of the same class cost half.
func similarity(a, b []string) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	row := make([]float64, len(b)+1)
	for i := range row {
		row[i] = float64(i)
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = float64(i + 1)
		for j, y := range b {
			change := diagonal + substitution(x, y)
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return 1 - row[len(b)]/float64(max(len(a), len(b)))
}

func substitution(a, b string) float64 {
	switch {
	case a == b:
		return 0
	case phoneClass(a) != 0 && phoneClass(a) == phoneClass(b):
		return 0.5
	}
	return 1
}

// phoneClass returns the class of an ARPABET phone: those that recognisers and learners confuse.
func phoneClass(phone string) int {
	for i, class := range phoneClasses() {
		for p := range strings.FieldsSeq(class) {
			if p == phone {
				return i + 1
			}
		}
	}
	return 0
}

func phoneClasses() []string {
	return []string{
		"IY IH EY EH AE", "AA AO AH OW AW", "UW UH OY", "ER R L W", "P B", "T D DH TH", "K G",
		"S Z SH ZH CH JH", "F V HH", "M N NG", "AY",
	}
}
