package store

import (
	"cmp"
	"math"
	"slices"
)

// turnS is how long the other must be heard in a silence, in seconds, for the silence to be the
// other's turn. Less than that is a "mm" while listening.
const turnS = 0.3

// Timing is when a voice spoke and when it paused. All measures of time and of pauses follow from
// it, so a pause is the same in the measures, in a list and in a plot.
type Timing struct {
	Runs   []Span // stretches of speech; an interruption ends a run
	Pauses []Span // the voice's own pauses
}

// NewTiming returns the timing of a voice that spoke at the times in speech. All lists are in
// order; times are multiples of 0.01 s.
//
// The spans in cut do not count, whatever was heard in them: an interruption divides the play, and
// the time before the first and after the last word of a part counts as little as that before the
// first and after the last word of a play. A silence between two runs of one part is a pause,
// unless it is the other's turn: other holds the times in which the other spoke or was kept from
// speaking.
func NewTiming(speech, cut, other []Span) Timing {
	t := Timing{Runs: outside(speech, cut), Pauses: []Span{}}
	for i := 1; i < len(t.Runs); i++ {
		silence := Span{StartS: t.Runs[i-1].EndS, EndS: t.Runs[i].StartS}
		if !touches(silence, cut) && overlap(silence, other) < hundredths(turnS) {
			t.Pauses = append(t.Pauses, silence)
		}
	}
	return t
}

// Set sets the measures of time and of pauses, for a voice with this number of syllables in its
// runs. Without speech it changes nothing.
func (t Timing) Set(m *Measures, syllables int) {
	if len(t.Runs) == 0 {
		return
	}
	phonation, paused, longest := 0, 0, 0
	for _, s := range t.Runs {
		phonation += length(s)
	}
	for _, s := range t.Pauses {
		paused, longest = paused+length(s), max(longest, length(s))
	}
	duration, count := seconds(phonation+paused), float64(syllables)
	m.SpeechDurationS, m.PhonationTimeS = duration, seconds(phonation)
	m.PhonationTimeRatio = ratio(seconds(phonation), duration)
	m.SpeechRateSyllPerS = ratio(count, duration)
	m.ArticulationRateSyllPerS = ratio(count, seconds(phonation))
	m.MeanLengthOfRunSyll = ratio(count, float64(len(t.Runs)))
	m.MeanLengthOfRunS = ratio(seconds(phonation), float64(len(t.Runs)))
	m.PauseCount, m.PauseTotalS = len(t.Pauses), seconds(paused)
	m.PausesPerMin = ratio(60*float64(m.PauseCount), duration)
	m.PauseMeanS, m.PauseMaxS = nil, nil
	if m.PauseCount > 0 {
		m.PauseMeanS = ratio(m.PauseTotalS, float64(m.PauseCount))
		m.PauseMaxS = ratio(seconds(longest), 1)
	}
}

// Union returns the spans of all lists in order, with those that touch joined.
func Union(lists ...[]Span) []Span {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.StartS, b.StartS), cmp.Compare(a.EndS, b.EndS))
	})
	union := all[:0]
	for _, s := range all {
		if n := len(union); n > 0 && hundredths(s.StartS) <= hundredths(union[n-1].EndS) {
			union[n-1].EndS = max(union[n-1].EndS, s.EndS)
		} else if length(s) > 0 {
			union = append(union, s)
		}
	}
	return union
}

// outside returns the parts of spans that lie in none of cut. Both are in order.
func outside(spans, cut []Span) []Span {
	parts := make([]Span, 0, len(spans))
	for _, s := range spans {
		for len(cut) > 0 && cut[0].EndS <= s.StartS {
			cut = cut[1:]
		}
		for _, c := range cut {
			if c.StartS >= s.EndS {
				break
			}
			if before := (Span{StartS: s.StartS, EndS: c.StartS}); length(before) > 0 {
				parts = append(parts, before)
			}
			s.StartS = min(max(s.StartS, c.EndS), s.EndS)
		}
		if length(s) > 0 {
			parts = append(parts, s)
		}
	}
	return parts
}

// touches reports whether a span shares time with one of list, or lies at its edge.
func touches(s Span, list []Span) bool {
	return slices.ContainsFunc(list, func(c Span) bool {
		return c.StartS <= s.EndS && c.EndS >= s.StartS
	})
}

// overlap returns how much of a span lies in list, in hundredths of a second.
func overlap(s Span, list []Span) int {
	total := 0
	for _, c := range list {
		if shared := (Span{max(s.StartS, c.StartS), min(s.EndS, c.EndS)}); length(shared) > 0 {
			total += length(shared)
		}
	}
	return total
}

func length(s Span) int { return hundredths(s.EndS) - hundredths(s.StartS) }

func hundredths(s float64) int { return int(math.Round(s * 100)) }

func seconds(hundredths int) float64 { return float64(hundredths) / 100 }

func ratio(over, under float64) *float64 {
	v := over / under
	return &v
}
