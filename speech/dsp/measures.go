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
			Pauses:    make([]store.Span, 0, len(speech)),
			Syllables: make([]float64, 0, len(syllables)),
			Pitch:     []store.PitchPoint{},
			Intensity: make([]store.IntensityPoint, 0, len(f.intensity)),
		},
		Peaks: append([]float32{}, a.peaks...),
	}
	for i, s := range speech {
		r.Speech = append(r.Speech, s.span())
		if i > 0 {
			r.Pauses = append(r.Pauses, stretch{speech[i-1].to, s.from}.span())
		}
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
	r.Measures = measure(speech, len(syllables), voicedIn(speech, f0), f)
	return r
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

// measure computes the measures from the rounded numbers of the result, so that anyone can compute
// them again from its arrays.
func measure(speech []stretch, syllables int, voiced []float64, f *frames) store.Measures {
	m := store.Measures{SyllableCount: syllables, NoiseFloorDB: noiseOutside(speech, f)}
	if len(speech) == 0 {
		return m
	}
	phonation, longest := 0, 0
	var power float64
	var db []float64
	for i, s := range speech {
		phonation += s.to - s.from
		if i > 0 {
			longest = max(longest, s.from-speech[i-1].to)
		}
		for _, v := range f.intensity[s.from:s.to] {
			power += math.Pow(10, hundredth(v)/10)
			db = append(db, hundredth(v))
		}
	}
	duration := speech[len(speech)-1].to - speech[0].from
	count := float64(syllables)
	m.SpeechDurationS = seconds(duration)
	m.PhonationTimeS = seconds(phonation)
	m.PhonationTimeRatio = ratio(seconds(phonation), seconds(duration))
	m.SpeechRateSyllPerS = ratio(count, seconds(duration))
	m.ArticulationRateSyllPerS = ratio(count, seconds(phonation))
	m.MeanLengthOfRunSyll = ratio(count, float64(len(speech)))
	m.MeanLengthOfRunS = ratio(seconds(phonation), float64(len(speech)))
	m.PauseCount = len(speech) - 1
	m.PauseTotalS = seconds(duration - phonation)
	m.PausesPerMin = ratio(60*float64(m.PauseCount), seconds(duration))
	if m.PauseCount > 0 {
		m.PauseMeanS = ratio(m.PauseTotalS, float64(m.PauseCount))
		m.PauseMaxS = ratio(seconds(longest), 1)
	}
	m.VoicedRatio = ratio(float64(len(voiced)), float64(phonation))
	m.IntensityMeanDB = some(decibel(power / float64(len(db))))
	_, sd := meanAndSD(db)
	m.IntensitySDDB = some(sd)
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

// noiseOutside returns the 10th percentile of the intensity outside speech, of frames whose window
// holds no speech and is not digital silence. It returns nil if there are none.
func noiseOutside(speech []stretch, f *frames) *float64 {
	const reach = intensityHalf/blocksPerHop + 1
	var outside []float64
	from := 0
	for _, s := range append(slices.Clone(speech), stretch{len(f.level) + reach, 0}) {
		for i := from; i < s.from-reach; i++ {
			if f.level[i] > digitalSilence {
				outside = append(outside, hundredth(f.intensity[i]))
			}
		}
		from = s.to + reach
	}
	if len(outside) == 0 {
		return nil
	}
	return some(quantile(outside, 0.10))
}

func seconds(frames int) float64 { return float64(frames) / 100 }

func some(v float64) *float64 { return &v }

func ratio(over, under float64) *float64 { return some(over / under) }
