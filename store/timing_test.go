package store

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// spans returns spans given by their starts and ends.
func spans(times ...float64) []Span {
	list := []Span{}
	for i := 0; i < len(times); i += 2 {
		list = append(list, Span{StartS: times[i], EndS: times[i+1]})
	}
	return list
}

func TestTiming(t *testing.T) {
	for name, tc := range map[string]struct {
		speech, cut, other []Span
		runs, pauses       []Span
		duration, ratio    float64
		longest            float64 // 0: no pause
	}{
		"alone": {
			speech: spans(1, 2, 3, 5), runs: spans(1, 2, 3, 5), pauses: spans(2, 3),
			duration: 4, ratio: 0.75, longest: 1,
		},
		"the other's turn is no pause": {
			speech: spans(0, 2, 6, 8), other: spans(2.5, 5), runs: spans(0, 2, 6, 8),
			pauses: spans(), duration: 4, ratio: 1,
		},
		"a listener's sound leaves the pause": {
			speech: spans(0, 2, 3, 5), other: spans(2.4, 2.6), runs: spans(0, 2, 3, 5),
			pauses: spans(2, 3), duration: 5, ratio: 0.8, longest: 1,
		},
		"several short answers are a turn": {
			speech: spans(0, 2, 4, 6), other: spans(2.2, 2.4, 3, 3.2), runs: spans(0, 2, 4, 6),
			pauses: spans(), duration: 4, ratio: 1,
		},
		"an interruption in a silence": {
			speech: spans(0, 2, 9, 11), cut: spans(3, 8), runs: spans(0, 2, 9, 11),
			pauses: spans(), duration: 4, ratio: 1,
		},
		"an interruption from word to word": {
			speech: spans(0, 2, 5, 7), cut: spans(2, 5), runs: spans(0, 2, 5, 7),
			pauses: spans(), duration: 4, ratio: 1,
		},
		"an interruption within speech ends the run": {
			speech: spans(0, 10), cut: spans(4, 6), runs: spans(0, 4, 6, 10), pauses: spans(),
			duration: 8, ratio: 1,
		},
		"pauses on both sides of an interruption stay": {
			speech: spans(0, 1, 2, 3, 7, 8, 9, 10), cut: spans(3.5, 6.5),
			runs: spans(0, 1, 2, 3, 7, 8, 9, 10), pauses: spans(1, 2, 8, 9), duration: 6,
			ratio: 4.0 / 6, longest: 1,
		},
		"an interruption at either end": {
			speech: spans(0.5, 2, 3, 4), cut: spans(0, 1, 3.5, 9), runs: spans(1, 2, 3, 3.5),
			pauses: spans(2, 3), duration: 2.5, ratio: 0.6, longest: 1,
		},
		"two interruptions in one stretch": {
			speech: spans(0, 10), cut: spans(1, 2, 8, 9), runs: spans(0, 1, 2, 8, 9, 10),
			pauses: spans(), duration: 8, ratio: 1,
		},
		"all is interrupted": {
			speech: spans(1, 2), cut: spans(0, 5), runs: spans(), pauses: spans(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := NewTiming(tc.speech, tc.cut, tc.other)
			if !reflect.DeepEqual(got, Timing{tc.runs, tc.pauses}) {
				t.Fatalf("got %v, want runs %v and pauses %v", got, tc.runs, tc.pauses)
			}
			var m Measures
			got.Set(&m, 10)
			if len(tc.runs) == 0 {
				if m != (Measures{}) {
					t.Errorf("measures of nothing: %+v", m)
				}
				return
			}
			if m.SpeechDurationS != tc.duration || *m.PhonationTimeRatio != tc.ratio ||
				m.PauseCount != len(tc.pauses) ||
				*m.SpeechRateSyllPerS != 10/tc.duration {
				t.Errorf("measures %+v", m)
			}
			if tc.longest > 0 && *m.PauseMaxS != tc.longest ||
				tc.longest == 0 && m.PauseMaxS != nil {
				t.Errorf("longest pause %v, want %v", m.PauseMaxS, tc.longest)
			}
		})
	}
}

// TestTimingLeavesOutExactlyTheCut compares Timing with a count of each hundredth of a second.
func TestTimingLeavesOutExactlyTheCut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	list := func() []Span {
		var all []Span
		for at := 0; at < 900; {
			from := at + 1 + random.IntN(200)
			at = from + 1 + random.IntN(200)
			all = append(all, Span{StartS: seconds(from), EndS: seconds(at)})
		}
		return all
	}
	in := func(at int, spans []Span) bool {
		for _, s := range spans {
			if at >= hundredths(s.StartS) && at < hundredths(s.EndS) {
				return true
			}
		}
		return false
	}
	for range 200 {
		speech, cut := list(), list()
		got := NewTiming(speech, cut, nil)
		for at := range 1500 {
			if in(at, got.Runs) != (in(at, speech) && !in(at, cut)) ||
				in(at, got.Pauses) && (in(at, speech) || in(at, cut)) {
				t.Fatalf("at %v of speech %v without %v: %v", seconds(at), speech, cut, got)
			}
		}
	}
}

func TestUnion(t *testing.T) {
	got := Union(spans(5, 6, 1, 2), spans(1.5, 3, 3, 4, 9, 9), nil)
	if want := spans(1, 4, 5, 6); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
