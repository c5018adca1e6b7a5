package dsp

import (
	"math"
	"slices"

	"bedside/store"
)

// result finds speech, F0 and syllables from the values of all frames, and measures them.
func (a *Analyzer) result() Result {
	f := &a.frames
	reference := referencePeak(f.maxima)
	wide := path(&a.long.found, f.maxima, reference, widestFloor, widestCeiling)
	speech := findSpeech(f.level, f.sibilance, wide)
	floor, ceiling := speakerRange(voicedIn(speech, wide))
	bank := a.long
	if floor >= shortLowest {
		bank = a.short
	}
	f0 := path(&bank.found, f.maxima, reference, floor, ceiling)
	syllables := nuclei(f.intensity, f0, speech)

	r := Result{
		Analysis: store.Analysis{
			DurationS: float64(a.total) / SampleRate,
			Speech:    make([]store.Span, 0, len(speech)),
			Syllables: make([]float64, 0, len(syllables)),
			Pitch:     []store.PitchPoint{},
			Intensity: make([]store.IntensityPoint, 0, len(f.intensity)),
		},
		Peaks: append([]float32{}, a.peaks...),
		level: f.level,
	}
	for _, s := range speech {
		r.Speech = append(r.Speech, s.span())
		for k := s.from; k < s.to; k++ {
			if f0[k] > 0 {
				r.Pitch = append(r.Pitch, store.PitchPoint{TS: timeOf(k), Hz: hundredth(f0[k])})
			}
		}
	}
	for _, frame := range syllables {
		r.Syllables = append(r.Syllables, timeOf(frame))
	}
	for i, db := range f.intensity {
		r.Intensity = append(r.Intensity, store.IntensityPoint{TS: timeOf(i), DB: hundredth(db)})
	}
	r.Exclude(nil, nil)
	return r
}

// Exclude leaves the spans in cut out of the analysis, as if nothing could be heard there, and
// keeps the silences in which other has its turn from counting as pauses: see store.NewTiming.
// Both lists are in order and their times are multiples of 0.01 s. The contours stay.
func (r *Result) Exclude(cut, other []store.Span) {
	timing := store.NewTiming(r.Speech, cut, other)
	r.Speech, r.Pauses = timing.Runs, timing.Pauses
	runs := make([]stretch, len(r.Speech))
	for i, s := range r.Speech {
		runs[i] = stretchOf(s)
	}
	r.Syllables = slices.DeleteFunc(r.Syllables, func(t float64) bool {
		return !inside(runs, frameAt(t))
	})
	r.Pitch = slices.DeleteFunc(r.Pitch, func(p store.PitchPoint) bool {
		return !inside(runs, frameAt(p.TS))
	})
	r.Measures = r.measure(runs)
	r.Measures.NoiseFloorDB = r.noiseOutside(store.Union(r.Speech, cut))
	timing.Set(&r.Measures, len(r.Syllables))
}

// referencePeak estimates the largest peak of the voice, without clicks and bumps.
func referencePeak(maxima []float32) float64 {
	sounding := make([]float64, 0, len(maxima))
	for _, m := range maxima {
		if m > inaudible {
			sounding = append(sounding, float64(m))
		}
	}
	return 1.15 * quantile(sounding, 0.99)
}

// timeOf returns the time of a frame's centre in seconds.
func timeOf(frame int) float64 { return float64(2*frame+1) / 200 }

func (s stretch) span() store.Span {
	return store.Span{StartS: seconds(s.from), EndS: seconds(s.to)}
}

func stretchOf(s store.Span) stretch {
	return stretch{int(math.Round(s.StartS * 100)), int(math.Round(s.EndS * 100))}
}

// frameAt returns the frame whose centre is at t.
func frameAt(t float64) int { return int(t * 100) }

func hundredth(v float32) float64 { return math.Round(float64(v)*100) / 100 }

// voicedIn returns F0 of the voiced frames within speech.
func voicedIn(speech []stretch, f0 []float32) []float64 {
	var voiced []float64
	for _, s := range speech {
		for _, hz := range f0[s.from:s.to] {
			if hz > 0 {
				voiced = append(voiced, hundredth(hz))
			}
		}
	}
	return voiced
}

// measure computes the measures of the sound in the runs from the rounded numbers of the result,
// so that anyone can compute them again from its arrays.
func (r *Result) measure(runs []stretch) store.Measures {
	m := store.Measures{SyllableCount: len(r.Syllables)}
	var power float64
	var db []float64
	for _, s := range runs {
		for _, p := range r.Intensity[s.from:s.to] {
			power += math.Pow(10, p.DB/10)
			db = append(db, p.DB)
		}
	}
	if len(db) == 0 {
		return m
	}
	m.VoicedRatio = some(float64(len(r.Pitch)) / float64(len(db)))
	m.IntensityMeanDB = some(decibel(power / float64(len(db))))
	_, sd := meanAndSD(db)
	m.IntensitySDDB = some(sd)
	voiced := make([]float64, len(r.Pitch))
	for i, p := range r.Pitch {
		voiced[i] = p.Hz
	}
	addF0(&m, voiced)
	return m
}

func addF0(m *store.Measures, voiced []float64) {
	if len(voiced) == 0 {
		return
	}
	slices.Sort(voiced)
	q10, q90 := sortedQuantile(voiced, 0.10), sortedQuantile(voiced, 0.90)
	m.F0MedianHz, m.F0Q10Hz, m.F0Q90Hz = some(sortedQuantile(voiced, 0.50)), some(q10), some(q90)
	m.F0RangeSemitones = some(12 * math.Log2(q90/q10))
	semitones := make([]float64, len(voiced))
	for i, hz := range voiced {
		semitones[i] = 12 * math.Log2(hz)
	}
	_, sd := meanAndSD(semitones)
	m.F0SDSemitones = some(sd)
}

// noiseOutside returns the 10th percentile of the intensity outside spans, of frames whose window
// reaches into none of them and is not digital silence. It returns nil if there are none.
func (r *Result) noiseOutside(spans []store.Span) *float64 {
	const reach = intensityHalf/blocksPerHop + 1
	var outside []float64
	from := 0
	listen := func(to int) {
		for i := from; i < min(to, len(r.level)); i++ {
			if r.level[i] > digitalSilence {
				outside = append(outside, r.Intensity[i].DB)
			}
		}
	}
	for _, span := range spans {
		s := stretchOf(span)
		listen(s.from - reach)
		from = s.to + reach
	}
	listen(len(r.level))
	if len(outside) == 0 {
		return nil
	}
	return some(quantile(outside, 0.10))
}

func seconds(frames int) float64 { return float64(frames) / 100 }

func some(v float64) *float64 { return &v }
