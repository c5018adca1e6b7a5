package patient

import (
	"hash/fnv"
	"strings"
)

// dimensions is the number of features. Features are hashed into them (Weinberger et al. 2009).
const dimensions = 1 << 16

// The kinds of features.
const (
	kindWord    = 'w'
	kindPair    = 'b' // of words
	kindLetters = 'c'
	kindSounds  = 'p'
)

func hashFeature(kind byte, parts ...string) uint32 {
	h := fnv.New32a()
	h.Write([]byte{kind})
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum32() % dimensions
}

// features are those of an utterance: words and pairs of words, sequences of three to five letters
// within them, and of two and three phones across them. The letters help with other forms of a
// word, the phones with words that were recognised as others that sound alike.
type features struct {
	words, letters, sounds []uint32
}

func newFeatures(words []string, sounds []string) (f features) {
	last := "<s>"
	for _, w := range words {
		f.words = append(f.words, hashFeature(kindWord, w), hashFeature(kindPair, last, w))
		last = w
		padded := "_" + w + "_"
		for n := 3; n <= 5; n++ {
			for i := 0; i+n <= len(padded); i++ {
				f.letters = append(f.letters, hashFeature(kindLetters, padded[i:i+n]))
			}
		}
	}
	f.words = append(f.words, hashFeature(kindPair, last, "</s>"))
	for n := 2; n <= 3; n++ {
		for i := 0; i+n <= len(sounds); i++ {
			f.sounds = append(f.sounds, hashFeature(kindSounds, sounds[i:i+n]...))
		}
	}
	return f
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

// sound is a phone as alike compares it: its class in the upper four bits, and in the lower four
// which one of the class it is.
type sound byte

// soundTable returns the sounds of ARPABET, and of letters that stand for themselves. Classes are
// of phones that recognisers and learners confuse.
func soundTable() map[string]sound {
	table := map[string]sound{}
	for i, class := range []string{
		"IY IH EY EH AE E I", "AA AO AH OW AW A O", "UW UH OY U", "ER R L W", "P B", "T D DH TH",
		"K G C Q", "S Z SH ZH CH JH X J", "F V HH H", "M N NG", "AY", "Y",
	} {
		for j, phone := range strings.Fields(class) {
			table[phone] = sound((i+1)<<4 | j)
		}
	}
	return table
}

func toSounds(table map[string]sound, phones []string) []sound {
	list := make([]sound, len(phones))
	for i, p := range phones {
		list[i] = table[p]
	}
	return list
}

// alike returns how alike two sequences sound, from 0 to 1: one less their edit distance by the
// length of the longer. Sounds of the same class cost half.
func alike(a, b []sound) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	row := make([]int, len(b)+1) // twice the distance
	for i := range row {
		row[i] = 2 * i
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = 2 * (i + 1)
		for j, y := range b {
			change := diagonal
			switch {
			case x == y:
			case x>>4 == y>>4:
				change++
			default:
				change += 2
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+2, row[j+1]+2)
		}
	}
	return 1 - float64(row[len(b)])/float64(2*max(len(a), len(b)))
}
