package store

import "math"

// ExamPart is what an exam's result keeps of the report of one of its attempts.
type ExamPart struct {
	AttemptID     string             `json:"attempt_id" format:"uuid"`
	PlayS         float64            `json:"play_s" doc:"how long the clock of the play ran, seconds"`
	DurationS     float64            `json:"duration_s" doc:"length of the play's time line, seconds"`
	TooLittleLeft bool               `json:"too_little_left" doc:"so much was interrupted that the rest was not measured: the measures are empty"`
	Measures      Measures           `json:"measures" doc:"of the candidate’s voice"`
	Turns         TurnTotals         `json:"turns"`
	Interruptions []ExamInterruption `json:"interruptions" doc:"when somebody could not be heard; no measure counts these times"`
}

// TurnTotals are the numbers of Turns.
type TurnTotals struct {
	GapMedianS            *float64 `json:"gap_median_s"`
	CandidateTalkRatio    float64  `json:"candidate_talk_ratio"`
	CandidateTurns        int      `json:"candidate_turns"`
	PatientTurns          int      `json:"patient_turns"`
	LongestCandidateTurnS float64  `json:"longest_candidate_turn_s"`
	OverlapTotalS         float64  `json:"overlap_total_s"`
}

// ExamInterruption is an interruption of one of the speakers.
type ExamInterruption struct {
	Speaker Speaker `json:"speaker" enum:"candidate,patient"`
	FromS   float64 `json:"from_s"`
	ToS     float64 `json:"to_s"`
	Cause   Cause   `json:"cause" enum:"server_restarted,connection_lost,storage,page_hidden,muted,clock_stopped"`
}

// NewExamPart returns what an exam keeps of a report.
func NewExamPart(r Report) ExamPart {
	p := ExamPart{
		AttemptID: r.AttemptID, PlayS: r.PlayS, DurationS: r.DurationS,
		Turns: TurnTotals{
			GapMedianS: r.Turns.GapMedianS, CandidateTalkRatio: r.Turns.CandidateTalkRatio,
			CandidateTurns: r.Turns.CandidateTurns, PatientTurns: r.Turns.PatientTurns,
			LongestCandidateTurnS: r.Turns.LongestCandidateTurnS,
			OverlapTotalS:         r.Turns.OverlapTotalS,
		},
		Interruptions: []ExamInterruption{},
	}
	for _, s := range r.Speakers {
		if s.Speaker == SpeakerCandidate {
			p.Measures, p.TooLittleLeft = s.Analysis.Measures, s.TooLittleLeft
		}
		for _, i := range s.Interruptions {
			p.Interruptions = append(p.Interruptions, ExamInterruption{
				Speaker: s.Speaker, FromS: i.FromS, ToS: i.ToS, Cause: i.Cause,
			})
		}
	}
	return p
}

// Pool returns the measures of all parts together, as if they were one play: sums are added, and
// rates and means follow from the sums. Measures that cannot be had from those of the parts are
// nil: F0, its movement, and what was heard outside speech.
func Pool(parts []ExamPart) Measures {
	var m Measures
	runs, voiced, power, heard := 0.0, 0.0, 0.0, 0.0
	voicedKnown := false
	for _, p := range parts {
		one := p.Measures
		m.SpeechDurationS += one.SpeechDurationS
		m.PhonationTimeS += one.PhonationTimeS
		m.SyllableCount += one.SyllableCount
		m.PauseCount += one.PauseCount
		m.PauseTotalS += one.PauseTotalS
		if one.MeanLengthOfRunS != nil && *one.MeanLengthOfRunS > 0 {
			runs += one.PhonationTimeS / *one.MeanLengthOfRunS
		}
		if one.PauseMaxS != nil && (m.PauseMaxS == nil || *one.PauseMaxS > *m.PauseMaxS) {
			m.PauseMaxS = one.PauseMaxS
		}
		if one.VoicedRatio != nil {
			voiced, voicedKnown = voiced+*one.VoicedRatio*one.PhonationTimeS, true
		}
		if one.IntensityMeanDB != nil {
			power += math.Pow(10, *one.IntensityMeanDB/10) * one.PhonationTimeS
			heard += one.PhonationTimeS
		}
	}
	if m.PhonationTimeS > 0 && m.SpeechDurationS > 0 {
		count := float64(m.SyllableCount)
		m.SpeechRateSyllPerS = ratio(count, m.SpeechDurationS)
		m.ArticulationRateSyllPerS = ratio(count, m.PhonationTimeS)
		m.PhonationTimeRatio = ratio(m.PhonationTimeS, m.SpeechDurationS)
		m.PausesPerMin = ratio(60*float64(m.PauseCount), m.SpeechDurationS)
		if runs > 0 {
			m.MeanLengthOfRunSyll = ratio(count, runs)
			m.MeanLengthOfRunS = ratio(m.PhonationTimeS, runs)
		}
		if voicedKnown {
			m.VoicedRatio = ratio(voiced, m.PhonationTimeS)
		}
	}
	if m.PauseCount > 0 {
		m.PauseMeanS = ratio(m.PauseTotalS, float64(m.PauseCount))
	}
	if heard > 0 && power > 0 {
		mean := 10 * math.Log10(power/heard)
		m.IntensityMeanDB = &mean
	}
	return m
}

// PoolTurns returns the numbers of turns of all parts together. The median gap is nil.
func PoolTurns(parts []ExamPart) (t TurnTotals) {
	own, all := 0.0, 0.0
	for _, p := range parts {
		t.CandidateTurns += p.Turns.CandidateTurns
		t.PatientTurns += p.Turns.PatientTurns
		t.OverlapTotalS += p.Turns.OverlapTotalS
		t.LongestCandidateTurnS = max(t.LongestCandidateTurnS, p.Turns.LongestCandidateTurnS)
		if p.Turns.CandidateTalkRatio > 0 {
			own += p.Measures.PhonationTimeS
			all += p.Measures.PhonationTimeS / p.Turns.CandidateTalkRatio
		}
	}
	if all > 0 {
		t.CandidateTalkRatio = own / all
	}
	return t
}
