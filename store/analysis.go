package store

// Analysis holds everything that is measured of one voice. Times are seconds from the start of the
// audio. speech/ANALYSIS.md defines every field and the method behind it.
type Analysis struct {
	DurationS float64          `json:"duration_s" doc:"length of the audio, seconds"`
	Speech    []Span           `json:"speech" doc:"stretches of speech, between pauses"`
	Pauses    []Span           `json:"pauses" doc:"silences of 0.25 s or more between stretches of speech; in a report without the other's turns and interruptions"`
	Syllables []float64        `json:"syllables" doc:"times of syllable nuclei, seconds"`
	Pitch     []PitchPoint     `json:"pitch" doc:"F0 of the voiced frames within speech; a frame is 10 ms"`
	Intensity []IntensityPoint `json:"intensity" doc:"level of every frame"`
	Measures  Measures         `json:"measures"`
}

// Span is an interval of time in seconds; it excludes its end.
type Span struct {
	StartS float64 `json:"start_s"`
	EndS   float64 `json:"end_s"`
}

// PitchPoint is the fundamental frequency (F0) at one time.
type PitchPoint struct {
	TS float64 `json:"t_s"`
	Hz float64 `json:"hz"`
}

// IntensityPoint is the level at one time, in dB relative to full scale (0 dB is a full-scale
// square wave).
type IntensityPoint struct {
	TS float64 `json:"t_s"`
	DB float64 `json:"db"`
}
