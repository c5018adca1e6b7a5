package dsp

import "slices"

// Voice activity detection. Speech is sound that is voiced and louder than the noise, together
// with the unvoiced sounds next to it that are louder than the noise. A click, a breath or a fan
// is loud but not voiced. A hum is voiced but steady, so it counts as noise itself.
//
// A frame is sure when it is certainly speech. It is weak when it is sound that belongs to speech
// only next to sure frames. Lengths are in frames of 10 ms, levels in dB.
const (
	digitalSilence = -100.0 // nothing was recorded below this level: a gap, a muted microphone

	noiseReach  = 500 // frames on each side of a place that decide its noise
	noiseStep   = 25  // distance of two places at which the noise is computed
	enoughNoise = 50  // with fewer frames of noise, that of the whole recording is used
	nearDrop    = 15  // a voice is loud if it is at most this far below the loudest voice
	// voiceReach is the number of frames on each side of a loud voice that do not count as noise.
	// It is longer than a fricative.
	voiceReach = 20

	leastSure  = 5.5  // sure frames are this much above the noise if it is very steady
	mostSure   = 12.0 // and this much if it is very unsteady
	leastWeak  = 1.2  // the same for weak frames
	mostWeak   = 6.0
	mostSpread = 7.0  // largest distance from the 10th percentile to the median of noise
	sureDrop   = 30.0 // sure frames are at most this far below the speaker's loud voice
	weakDrop   = 42.0 // the same for weak frames

	edgeReach   = 25 // frames next to sure frames in which weak frames count as speech
	edgeHole    = 10 // frames between two weak ones: the closure before a plosive's burst
	shortPause  = 25 // shorter gaps belong to the speech around them
	leastVoiced = 5  // sure frames in a stretch of speech
	leastSpeech = 8  // frames in a stretch of speech
)

// stretch is a run of frames; to is the frame after the last.
type stretch struct{ from, to int }

// island is a stretch of sound that contains sure frames.
type island struct {
	stretch
	sure int // number of sure frames
}

// findSpeech returns the stretches of speech. Its arguments are the two levels of each frame and
// its F0 (0: unvoiced). The stretches are at least shortPause apart.
func findSpeech(level, sibilance, f0 []float32) []stretch {
	away := awayFromVoice(level, f0)
	around := background(level, f0, away)
	above := background(sibilance, f0, away)
	loud := loudness(level, f0, around)
	sure := make([]bool, len(level))
	weak := make([]bool, len(level))
	for i, l := range level {
		n, h := around[i], above[i]
		sure[i] = f0[i] > 0 && float64(l) > max(n.level+n.sure, loud-sureDrop)
		weak[i] = smoothed(level, i) > max(n.level+n.weak, loud-weakDrop) ||
			smoothed(sibilance, i) > max(h.level+h.weak, loud-weakDrop)
	}
	return join(islands(sure, weak))
}

// smoothed returns the median of the five levels around a frame. It smooths noise without moving
// the edges of speech.
func smoothed(level []float32, i int) float64 {
	var five [5]float32
	n := copy(five[:], level[max(0, i-2):min(len(level), i+3)])
	slices.Sort(five[:n])
	return float64(five[n/2])
}

// noise describes the background around a frame: its usual level, and how far above it sure and
// weak frames must be.
type noise struct{ level, sure, weak float64 }

// background returns the noise at each frame. It is measured away from voices, as the median of
// the level there and its spread, which suits a fan as well as a room full of talkers. Without
// such frames (nobody paused, or the pauses are digital silence) the weakest unvoiced sounds are
// taken as the noise.
func background(level, f0 []float32, away []bool) []noise {
	var whole levelCounts
	var unvoiced levels
	for i, l := range level {
		whole.count(l, away[i], 1)
		if f0[i] == 0 && l > digitalSilence {
			unvoiced.add(l, 1)
		}
	}
	if unvoiced.total == 0 {
		unvoiced = whole.sounding
	}
	usual, ok := whole.noise()
	if !ok {
		usual = noise{unvoiced.quantile(0.05), leastSure, leastWeak}
	}
	all := make([]noise, len(level))
	var near levelCounts
	from, to, now := 0, 0, usual
	for i := range level {
		if i%noiseStep == 0 {
			for ; to < min(len(level), i+noiseReach); to++ {
				near.count(level[to], away[to], 1)
			}
			for ; from < i-noiseReach; from++ {
				near.count(level[from], away[from], -1)
			}
			if now, ok = near.noise(); !ok {
				now = usual
			}
		}
		all[i] = now
	}
	return all
}

// levelCounts counts the levels of frames: of all that are not digital silence, and of those away
// from voices.
type levelCounts struct{ sounding, away levels }

// count adds n frames of a level. A negative n removes them.
func (c *levelCounts) count(level float32, away bool, n int32) {
	if level > digitalSilence {
		c.sounding.add(level, n)
		if away {
			c.away.add(level, n)
		}
	}
}

// noise returns the noise of the counted frames. ok is false if too few of them are away from
// voices, or if other frames are far below them: noise is the lowest level there is.
func (c *levelCounts) noise() (n noise, ok bool) {
	if c.away.total < enoughNoise {
		return n, false
	}
	median := c.away.quantile(0.5)
	spread := median - c.away.quantile(0.1)
	n = noise{
		median, min(max(leastSure, 2.5*spread), mostSure),
		min(max(leastWeak, 2.2*spread), mostWeak),
	}
	return n, spread < mostSpread && c.sounding.quantile(0.05) > median-2*spread-2
}

// awayFromVoice reports for each frame whether it has sound and no loud voice is near.
func awayFromVoice(level, f0 []float32) []bool {
	var voiced levels
	for i, l := range level {
		if f0[i] > 0 {
			voiced.add(l, 1)
		}
	}
	near := float32(voiced.quantile(0.95) - nearDrop)
	away := make([]bool, len(level))
	since := voiceReach + 1 // frames since the last loud voice
	for i, l := range level {
		since++
		if f0[i] > 0 && l > near {
			since = 0
			for k := max(0, i-voiceReach); k < i; k++ {
				away[k] = false
			}
		}
		away[i] = since > voiceReach && l > digitalSilence
	}
	return away
}

// loudness returns the level of the speaker's loud voice: the 95th percentile of the voiced frames
// above the noise.
func loudness(level, f0 []float32, around []noise) float64 {
	var voiced levels
	for i, l := range level {
		if f0[i] > 0 && float64(l) > around[i].level+around[i].sure {
			voiced.add(l, 1)
		}
	}
	return voiced.quantile(0.95)
}

// islands returns the runs of sure frames, extended by the weak frames next to them up to
// edgeReach and across holes of up to edgeHole frames.
func islands(sure, weak []bool) []island {
	var found []island
	n := len(sure)
	for i := 0; i < n; i++ {
		if !sure[i] {
			continue
		}
		end := i
		for end < n && sure[end] {
			end++
		}
		voiced := end - i
		s := stretch{i, end}
		for k, hole := i-1, 0; k >= max(0, i-edgeReach) && hole <= edgeHole; k-- {
			if hole++; weak[k] {
				s.from, hole = k, 0
			}
		}
		for k, hole := end, 0; k < min(n, end+edgeReach) && hole <= edgeHole; k++ {
			if hole++; weak[k] {
				s.to, hole = k+1, 0
			}
		}
		if last := len(found) - 1; last >= 0 && s.from <= found[last].to {
			found[last].from = min(found[last].from, s.from)
			found[last].to = max(found[last].to, s.to)
			found[last].sure += voiced
		} else {
			found = append(found, island{s, voiced})
		}
		i = end
	}
	return found
}

// join drops islands with too few sure frames, joins those with less than a pause between them,
// and drops stretches that are still too short.
func join(all []island) []stretch {
	var speech []stretch
	for _, s := range all {
		if s.sure < leastVoiced {
			continue
		}
		if last := len(speech) - 1; last >= 0 && s.from-speech[last].to < shortPause {
			speech[last].to = s.to
		} else {
			speech = append(speech, s.stretch)
		}
	}
	return slices.DeleteFunc(speech, func(s stretch) bool { return s.to-s.from < leastSpeech })
}
