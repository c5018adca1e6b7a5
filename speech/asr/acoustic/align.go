package acoustic

import (
	"errors"
	"math"
)

// ErrAlign is returned when a text cannot have been said in the given audio: a word has no
// pronunciation, or there are fewer frames than states.
var ErrAlign = errors.New("the text cannot be aligned with the audio")

// maxPronunciations of a word are tried.
const maxPronunciations = 4

// Alignment says which state each frame of an utterance is in.
type Alignment struct {
	Senones []int // of each frame
	Phones  []Phone
	// Score is the log-likelihood per frame, in nats.
	Score float64
}

// Phone is a phone of an alignment. Silence between words has Word -1.
type Phone struct{ Phone, Word int }

// Align finds the likeliest path through a known text: first which pronunciation each word has
// and where there is silence, with phones without context, then the states of triphones.
func (s *Scorer) Align(features []Features, words []string, d Dictionary) (Alignment, error) {
	g, err := s.network(words, d)
	if err != nil {
		return Alignment{}, err
	}
	cache := newCache(s, features)
	path, _ := viterbi(cache, g)
	if path == nil {
		return Alignment{}, ErrAlign
	}
	var phones []Phone
	last := -1
	for _, state := range path {
		if node := state / States; node != last {
			phones = append(phones, g.phones[node])
			last = node
		}
	}
	return s.realign(cache, phones)
}

// Surprise returns by how much a text is less likely than the likeliest sequence of phones, in
// nats per frame, with phones without context. It is low when the text is what was said. An empty
// text is silence.
func (s *Scorer) Surprise(features []Features, words []string, d Dictionary) (float64, error) {
	g, err := s.network(words, d)
	if err != nil {
		return 0, err
	}
	cache := newCache(s, features)
	path, score := viterbi(cache, g)
	if path == nil {
		return 0, ErrAlign
	}
	_, free := viterbi(cache, s.loop())
	return (free - score) / float64(len(path)), nil
}

// loop returns a network in which any phone or silence follows any other.
func (s *Scorer) loop() *graph {
	def, g := s.model.Definition, &graph{}
	var phones []int
	for phone, filler := range def.filler {
		if !filler || phone == def.silence {
			phones = append(phones, phone)
		}
	}
	before := []int{-1}
	for node := range phones {
		before = append(before, node)
	}
	for node, phone := range phones {
		g.add(Phone{phone, -1}, def.Alone(phone), before)
		g.end = append(g.end, States*node+States-1)
	}
	return g
}

// Realign aligns the phones of an earlier alignment, perhaps by another model.
func (s *Scorer) Realign(features []Features, phones []Phone) (Alignment, error) {
	return s.realign(newCache(s, features), phones)
}

func (s *Scorer) realign(cache *cache, phones []Phone) (Alignment, error) {
	g := s.chain(phones)
	path, score := viterbi(cache, g)
	if path == nil {
		return Alignment{}, ErrAlign
	}
	a := Alignment{Phones: phones, Score: score / float64(len(path))}
	for _, state := range path {
		a.Senones = append(a.Senones, g.senones[state])
	}
	return a, nil
}

// graph is a network of phones of three states each; state 3n+i is the i-th of phone n.
type graph struct {
	phones     []Phone
	senones    []int
	before     [][]int // states from which each can be entered, besides itself
	start, end []int   // states
}

func (g *graph) add(p Phone, senones [States]int, before []int) (node int) {
	node = len(g.phones)
	g.phones = append(g.phones, p)
	for i, senone := range senones {
		g.senones = append(g.senones, senone)
		if i > 0 {
			g.before = append(g.before, []int{States*node + i - 1})
			continue
		}
		var from []int
		for _, n := range before {
			if n < 0 {
				g.start = append(g.start, States*node)
			} else {
				from = append(from, States*n+States-1)
			}
		}
		g.before = append(g.before, from)
	}
	return node
}

// network returns all pronunciations of a text, with optional silence around the words.
func (s *Scorer) network(words []string, d Dictionary) (*graph, error) {
	def, g := s.model.Definition, &graph{}
	silence := func(before []int) int {
		return g.add(Phone{def.silence, -1}, def.Alone(def.silence), before)
	}
	const beginning = -1
	previous := []int{beginning, silence([]int{beginning})}
	for i, word := range words {
		pronunciations := d[word]
		if len(pronunciations) == 0 {
			return nil, ErrAlign
		}
		var ends []int
		for _, p := range pronunciations[:min(len(pronunciations), maxPronunciations)] {
			before := previous
			for _, name := range p {
				id, ok := def.Phone(name)
				if !ok {
					return nil, ErrAlign
				}
				before = []int{g.add(Phone{id, i}, def.Alone(id), before)}
			}
			ends = append(ends, before...)
		}
		previous = append(ends, silence(ends))
	}
	for _, node := range previous {
		if node >= 0 {
			g.end = append(g.end, States*node+States-1)
		}
	}
	return g, nil
}

// chain returns a sequence of triphones.
func (s *Scorer) chain(phones []Phone) *graph {
	def, g := s.model.Definition, &graph{}
	for i, p := range phones {
		left, right := def.silence, def.silence
		first, last := i == 0 || phones[i-1].Word != p.Word,
			i+1 == len(phones) || phones[i+1].Word != p.Word
		if i > 0 {
			left = phones[i-1].Phone
		}
		if i+1 < len(phones) {
			right = phones[i+1].Phone
		}
		at := Internal
		switch {
		case first && last:
			at = Single
		case first:
			at = Begin
		case last:
			at = End
		}
		g.add(p, def.Between(p.Phone, left, right, at), []int{i - 1})
	}
	g.end = []int{States*len(phones) - 1}
	return g
}

// cache keeps what the codebooks make of the frames: both passes of an alignment need it.
type cache struct {
	scorer   *Scorer
	features []Features
	frames   []map[int]*[Streams]Stream
}

func newCache(s *Scorer, features []Features) *cache {
	return &cache{s, features, make([]map[int]*[Streams]Stream, len(features))}
}

func (c *cache) score(t, senone int) float64 {
	codebook := c.scorer.model.Definition.Codebook(senone)
	streams := c.frames[t][codebook]
	if streams == nil {
		f := c.scorer.Frame(codebook, &c.features[t])
		if streams = &f; c.frames[t] == nil {
			c.frames[t] = map[int]*[Streams]Stream{}
		}
		c.frames[t][codebook] = streams
	}
	return c.scorer.Senone(senone, streams)
}

// beam is how far below the best state, in nats, states are given up. It is wide: a state that is
// given up wrongly would end the only path through a known text.
const beam = 1200

// viterbi returns the likeliest path, or nil when none reaches the end.
func viterbi(c *cache, g *graph) (path []int, score float64) {
	frames, states := len(c.features), len(g.senones)
	if frames == 0 || states == 0 {
		return nil, 0
	}
	none := math.Inf(-1)
	now, next := make([]float64, states), make([]float64, states)
	for i := range now {
		now[i] = none
	}
	seen := map[int]float64{} // senone -> score in this frame
	observe := func(t, senone int) float64 {
		v, ok := seen[senone]
		if !ok {
			v = c.score(t, senone)
			seen[senone] = v
		}
		return v
	}
	for _, s := range g.start {
		now[s] = observe(0, g.senones[s])
	}
	from := make([][]int32, frames)
	for t := 1; t < frames; t++ {
		clear(seen)
		from[t] = make([]int32, states)
		best := none
		for _, v := range now {
			best = max(best, v)
		}
		for s := range next {
			top, at := now[s], s
			for _, b := range g.before[s] {
				if now[b] > top {
					top, at = now[b], b
				}
			}
			if next[s] = none; top > best-beam {
				next[s] = top + observe(t, g.senones[s])
			}
			from[t][s] = int32(at)
		}
		now, next = next, now
	}
	at, score := -1, none
	for _, s := range g.end {
		if now[s] > score {
			at, score = s, now[s]
		}
	}
	if at < 0 {
		return nil, 0
	}
	path = make([]int, frames)
	for t := frames - 1; t >= 0; t-- {
		path[t] = at
		if t > 0 {
			at = int(from[t][at])
		}
	}
	return path, score
}
