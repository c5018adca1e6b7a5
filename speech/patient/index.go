package patient

import (
	"math"
	"slices"
)

// index finds the examples that share the most telling features with an utterance: the cosine of
// their TF-IDF vectors.
type index struct {
	rarity   map[uint32]float64 // inverse document frequency
	unknown  float64            // that of a feature that no example has
	postings map[uint32][]posting
	examples int
}

type posting struct {
	example int32
	weight  float32
}

func newIndex(examples [][]uint32) *index {
	x := &index{
		rarity: map[uint32]float64{}, postings: map[uint32][]posting{}, examples: len(examples),
	}
	for _, features := range examples {
		for _, f := range slices.Compact(slices.Sorted(slices.Values(features))) {
			x.rarity[f]++
		}
	}
	n := float64(len(examples) + 1)
	for f, seen := range x.rarity {
		x.rarity[f] = math.Log(n/(seen+1)) + 1
	}
	x.unknown = math.Log(n) + 1
	for i, features := range examples {
		for _, e := range x.vector(features) {
			p := posting{int32(i), float32(e.weight)}
			x.postings[e.feature] = append(x.postings[e.feature], p)
		}
	}
	return x
}

type entry struct {
	feature uint32
	weight  float64
}

// vector returns a TF-IDF vector of length 1, in the order of features. Those that no example has
// count as the rarest, so that an utterance full of them is like none.
func (x *index) vector(features []uint32) []entry {
	sorted := slices.Sorted(slices.Values(features))
	var v []entry
	square := 0.0
	for len(sorted) > 0 {
		f, n := sorted[0], 0
		for n < len(sorted) && sorted[n] == f {
			n++
		}
		sorted = sorted[n:]
		rarity, ok := x.rarity[f]
		if !ok {
			rarity = x.unknown
		}
		w := (1 + math.Log(float64(n))) * rarity
		v = append(v, entry{f, w})
		square += w * w
	}
	for i := range v {
		v[i].weight /= math.Sqrt(square)
	}
	return v
}

// cosines returns how alike each example is, from 0 to 1.
func (x *index) cosines(features []uint32) []float64 {
	list := make([]float64, x.examples)
	for _, e := range x.vector(features) {
		for _, p := range x.postings[e.feature] {
			list[p.example] += e.weight * float64(p.weight)
		}
	}
	return list
}
