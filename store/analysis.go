package store

// Analysis is what can be measured of one voice. Times are seconds from the start of the audio.
// speech/ANALYSIS.md defines every field and the method behind it.
type Analysis struct {
	DurationS float64          `json:"duration_s" doc:"length of the audio, seconds"`
	Speech    []Span           `json:"speech" doc:"stretches of speech, between pauses"`
	Pauses    []Span           `json:"pauses" doc:"silent stretches between speech, from 0.25 s"`
	Syllables []float64        `json:"syllables" doc:"times of syllable nuclei, seconds"`
	Pitch     []PitchPoint     `json:"pitch" doc:"F0 every 10 ms, unvoiced frames left out"`
	Intensity []IntensityPoint `json:"intensity" doc:"level, one point every 10 ms"`
	Measures  Measures         `json:"measures"`
}

// Span is a stretch of time in seconds, the end excluded.
type Span struct {
	StartS float64 `json:"start_s"`
	EndS   float64 `json:"end_s"`
}

// PitchPoint is F0 at a time.
type PitchPoint struct {
	TS float64 `json:"t_s"`
	Hz float64 `json:"hz"`
}

// IntensityPoint is the level at a time, in dB re full scale (0 dB: a full-scale square wave).
type IntensityPoint struct {
	TS float64 `json:"t_s"`
	DB float64 `json:"db"`
}

// Measures sum an analysis up. A measure that needs what the audio does not have (F0 of silence,
// say) is null.
type Measures struct {
	SpeechDurationS          float64  `json:"speech_duration_s" doc:"from the first to the last speech, pauses included"`
	PhonationTimeS           float64  `json:"phonation_time_s" doc:"sum of the speech"`
	PhonationTimeRatio       *float64 `json:"phonation_time_ratio" doc:"phonation time over speech duration, 0 to 1"`
	SyllableCount            int      `json:"syllable_count"`
	SpeechRateSyllPerS       *float64 `json:"speech_rate_syll_per_s" doc:"syllables over speech duration"`
	ArticulationRateSyllPerS *float64 `json:"articulation_rate_syll_per_s" doc:"syllables over phonation time"`
	MeanLengthOfRunSyll      *float64 `json:"mean_length_of_run_syll" doc:"syllables between pauses, mean"`
	MeanLengthOfRunS         *float64 `json:"mean_length_of_run_s"`
	PauseCount               int      `json:"pause_count"`
	PauseTotalS              float64  `json:"pause_total_s"`
	PauseMeanS               *float64 `json:"pause_mean_s"`
	PauseMaxS                *float64 `json:"pause_max_s"`
	PausesPerMin             *float64 `json:"pauses_per_min" doc:"over speech duration"`
	F0MedianHz               *float64 `json:"f0_median_hz"`
	F0Q10Hz                  *float64 `json:"f0_q10_hz" doc:"10th percentile"`
	F0Q90Hz                  *float64 `json:"f0_q90_hz" doc:"90th percentile"`
	F0RangeSemitones         *float64 `json:"f0_range_semitones" doc:"from the 10th to the 90th percentile"`
	F0SDSemitones            *float64 `json:"f0_sd_semitones"`
	VoicedRatio              *float64 `json:"voiced_ratio" doc:"voiced frames over frames of speech, 0 to 1"`
	IntensityMeanDB          *float64 `json:"intensity_mean_db" doc:"mean power of the speech, dB re full scale"`
	IntensitySDDB            *float64 `json:"intensity_sd_db" doc:"over frames of speech"`
	NoiseFloorDB             *float64 `json:"noise_floor_db" doc:"10th percentile of the level outside speech"`
}
