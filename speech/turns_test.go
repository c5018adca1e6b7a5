package speech

import (
	"math"
	"testing"

	"bedside/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// spoke returns a speaker with stretches of speech, given by their starts and ends.
func spoke(who store.Speaker, times ...float64) store.SpeakerReport {
	r := store.SpeakerReport{Speaker: who}
	for i := 0; i < len(times); i += 2 {
		r.Analysis.Speech = append(r.Analysis.Speech, store.Span{
			StartS: times[i], EndS: times[i+1],
		})
	}
	return r
}

// interrupted adds an interruption to a speaker.
func interrupted(r store.SpeakerReport, from, to float64, c store.Cause) store.SpeakerReport {
	r.Interruptions = append(r.Interruptions, store.Interruption{FromS: from, ToS: to, Cause: c})
	return r
}

func TestTurns(t *testing.T) {
	candidate := func(times ...float64) store.SpeakerReport {
		return spoke(store.SpeakerCandidate, times...)
	}
	patient := func(times ...float64) store.SpeakerReport {
		return spoke(store.SpeakerPatient, times...)
	}
	gap := func(at, length float64, to store.Speaker) store.TurnGap {
		return store.TurnGap{TS: at, GapS: length, To: to}
	}
	is := func(x float64) *float64 { return &x }
	for name, tc := range map[string]struct {
		speakers []store.SpeakerReport
		want     store.Turns
	}{
		"nobody spoke": {[]store.SpeakerReport{candidate(), patient()}, store.Turns{}},
		"alone": {[]store.SpeakerReport{candidate(1, 2, 4, 7)}, store.Turns{
			CandidateTalkRatio: 1, CandidateTurns: 1, LongestCandidateTurnS: 6,
		}},
		"in turn": {[]store.SpeakerReport{candidate(0, 2, 5, 9), patient(2.5, 4)}, store.Turns{
			Gaps: []store.TurnGap{
				gap(2.5, 0.5, store.SpeakerPatient), gap(5, 1, store.SpeakerCandidate),
			},
			GapMedianS: is(1), CandidateTalkRatio: 0.8, CandidateTurns: 2, PatientTurns: 1,
			LongestCandidateTurnS: 4,
		}},
		"the patient interrupts": {[]store.SpeakerReport{
			candidate(0, 4), patient(3, 6),
		}, store.Turns{
			Gaps:     []store.TurnGap{gap(3, -1, store.SpeakerPatient)},
			Overlaps: []store.Span{{StartS: 3, EndS: 4}}, OverlapTotalS: 1,
			CandidateTalkRatio: 4.0 / 7, CandidateTurns: 1, PatientTurns: 1,
			LongestCandidateTurnS: 4,
		}},
		"a listener's sound is no turn": {[]store.SpeakerReport{
			candidate(0, 3, 4, 6), patient(1, 1.5),
		}, store.Turns{
			Overlaps: []store.Span{{StartS: 1, EndS: 1.5}}, OverlapTotalS: 0.5,
			CandidateTalkRatio: 5 / 5.5, CandidateTurns: 1, LongestCandidateTurnS: 6,
		}},
		"a long silence is nobody's gap": {[]store.SpeakerReport{
			candidate(20, 21), patient(0, 1),
		}, store.Turns{
			CandidateTalkRatio: 0.5, CandidateTurns: 1, PatientTurns: 1, LongestCandidateTurnS: 1,
		}},
		"a gap with a lost connection in it is none": {[]store.SpeakerReport{
			interrupted(candidate(0, 2, 9, 11), 5, 8, store.CauseConnectionLost), patient(3, 4),
		}, store.Turns{
			Gaps:               []store.TurnGap{gap(3, 1, store.SpeakerPatient)},
			CandidateTalkRatio: 0.8, CandidateTurns: 2, PatientTurns: 1, LongestCandidateTurnS: 2,
		}},
		"nor is one in which the other could not answer": {[]store.SpeakerReport{
			candidate(0, 2, 9, 11),
			interrupted(patient(3, 4), 4.5, 8, store.CauseConnectionLost),
		}, store.Turns{
			Gaps:               []store.TurnGap{gap(3, 1, store.SpeakerPatient)},
			CandidateTalkRatio: 0.8, CandidateTurns: 2, PatientTurns: 1, LongestCandidateTurnS: 2,
		}},
		"a listener may mute": {[]store.SpeakerReport{
			interrupted(candidate(0, 2, 6, 8), 2.5, 5, store.CauseMuted), patient(3, 5.5),
		}, store.Turns{
			Gaps: []store.TurnGap{
				gap(3, 1, store.SpeakerPatient), gap(6, 0.5, store.SpeakerCandidate),
			},
			GapMedianS: is(0.5), CandidateTalkRatio: 4 / 6.5, CandidateTurns: 2, PatientTurns: 1,
			LongestCandidateTurnS: 2,
		}},
		"an interruption ends the turn, and the next is the same turn": {[]store.SpeakerReport{
			interrupted(candidate(0, 3, 6, 10), 3, 6, store.CauseServerRestarted),
		}, store.Turns{CandidateTalkRatio: 1, CandidateTurns: 1, LongestCandidateTurnS: 4}},
		"both begin at once": {[]store.SpeakerReport{candidate(1, 3), patient(1, 2)}, store.Turns{
			Gaps:     []store.TurnGap{gap(1, -1, store.SpeakerCandidate)},
			Overlaps: []store.Span{{StartS: 1, EndS: 2}}, OverlapTotalS: 1, GapMedianS: is(-1),
			CandidateTalkRatio: 2.0 / 3, CandidateTurns: 1, PatientTurns: 1,
			LongestCandidateTurnS: 2,
		}},
		"the median of an even number": {[]store.SpeakerReport{
			candidate(2, 3, 6, 7), patient(0, 1, 4, 5.5),
		}, store.Turns{
			Gaps: []store.TurnGap{
				gap(2, 1, store.SpeakerCandidate), gap(4, 1, store.SpeakerPatient),
				gap(6, 0.5, store.SpeakerCandidate),
			},
			GapMedianS: is(0.75), CandidateTalkRatio: 2 / 4.5, CandidateTurns: 2,
			PatientTurns: 2, LongestCandidateTurnS: 1,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := turns(tc.speakers)
			if got.Gaps == nil || got.Overlaps == nil {
				t.Error("lists that are nil would be null to clients")
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateApprox(0, 1e-9),
				cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTurnsDoNotDependOnTheOrderOfSpeakers(t *testing.T) {
	a := spoke(store.SpeakerCandidate, 0, 2, 3, 5, 9, 9.5)
	b := spoke(store.SpeakerPatient, 1.5, 3.5, 6, 8)
	one, other := turns([]store.SpeakerReport{a, b}), turns([]store.SpeakerReport{b, a})
	if diff := cmp.Diff(one, other); diff != "" {
		t.Error(diff)
	}
	if math.Abs(one.OverlapTotalS-1) > 1e-9 {
		t.Errorf("overlap %v s, want 1 s", one.OverlapTotalS)
	}
}
