package speech

import (
	"cmp"
	"slices"

	"bedside/store"
)

// maxGap is the longest gap between two turns, in seconds. After a longer silence nobody had the
// floor.
const maxGap = 10.0

// stretch is one speaker's speech between two pauses.
type stretch struct {
	store.Span
	by store.Speaker
}

// turns derives the turns from the stretches of speech of both speakers. A turn is one speaker's
// speech until the other speaks alone. Speech within a turn of the other (a "mm" while listening)
// is an overlap, not a turn. A gap is the time from the end of a turn to the start of the other
// speaker's next turn; it is below zero when they overlap. There is no gap when in between one
// could not be heard or the other could not answer. A turn ends when its speaker is interrupted.
func turns(speakers []store.SpeakerReport) store.Turns {
	t := store.Turns{Gaps: []store.TurnGap{}, Overlaps: []store.Span{}}
	spoken := map[store.Speaker]float64{}
	var all []stretch
	for _, s := range speakers {
		for _, span := range s.Analysis.Speech {
			all = append(all, stretch{span, s.Speaker})
			spoken[s.Speaker] += span.EndS - span.StartS
		}
	}
	slices.SortStableFunc(all, func(a, b stretch) int {
		return cmp.Or(cmp.Compare(a.StartS, b.StartS), cmp.Compare(a.EndS, b.EndS))
	})
	if total := spoken[store.SpeakerCandidate] + spoken[store.SpeakerPatient]; total > 0 {
		t.CandidateTalkRatio = spoken[store.SpeakerCandidate] / total
	}
	t.Overlaps, t.OverlapTotalS = overlaps(all)
	cuts := map[store.Speaker]cut{}
	for _, s := range speakers {
		cuts[s.Speaker] = cut{s.Cut(), s.Away()}
	}
	followFloor(&t, all, cuts)
	return t
}

// cut holds one speaker's interruptions, and those among them in which the speaker could not
// answer.
type cut struct{ all, away []store.Span }

// between reports whether one of spans lies between two times.
func between(spans []store.Span, from, to float64) bool {
	return slices.ContainsFunc(spans, func(s store.Span) bool {
		return s.StartS <= to && s.EndS >= from && from <= to
	})
}

// followFloor sets the turns and gaps. all is sorted by start.
func followFloor(t *store.Turns, all []stretch, cuts map[store.Speaker]cut) {
	var answers []float64
	var floor store.Speaker
	var begin, end float64
	endTurn := func() {
		if floor == store.SpeakerCandidate {
			t.LongestCandidateTurnS = max(t.LongestCandidateTurnS, end-begin)
		}
	}
	for _, s := range all {
		switch {
		case s.by == floor && between(cuts[s.by].all, end, s.StartS):
			endTurn()
			begin, end = s.StartS, s.EndS
			continue
		case s.by == floor:
			end = max(end, s.EndS)
			continue
		case floor != "" && s.EndS <= end:
			continue // within the other speaker's turn
		}
		interrupted := between(cuts[s.by].all, end, s.StartS) ||
			between(cuts[floor].away, end, s.StartS)
		if floor != "" && s.StartS-end <= maxGap && !interrupted {
			t.Gaps = append(t.Gaps, store.TurnGap{TS: s.StartS, GapS: s.StartS - end, To: s.by})
			if s.by == store.SpeakerCandidate {
				answers = append(answers, s.StartS-end)
			}
		}
		endTurn()
		floor, begin, end = s.by, s.StartS, s.EndS
		if floor == store.SpeakerCandidate {
			t.CandidateTurns++
		} else {
			t.PatientTurns++
		}
	}
	endTurn()
	if len(answers) > 0 {
		m := median(answers)
		t.GapMedianS = &m
	}
}

// overlaps returns the spans in which both speak, and their total. all is sorted by start.
func overlaps(all []stretch) ([]store.Span, float64) {
	spans, total := []store.Span{}, 0.0
	for i, a := range all {
		for _, b := range all[i+1:] {
			if b.StartS >= a.EndS {
				break
			}
			if b.by != a.by {
				o := store.Span{StartS: b.StartS, EndS: min(a.EndS, b.EndS)}
				spans, total = append(spans, o), total+o.EndS-o.StartS
			}
		}
	}
	return spans, total
}

func median(x []float64) float64 {
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}
