package dsp

import "slices"

// Voice activity. Speech is what is voiced and stands out of the noise, with the unvoiced sounds
// next to it that stand out as well. A click, a breath or a fan is loud but not voiced; a hum is
// voiced but steady, and so its own noise floor.
const (
	digitalSilence = -100.0 // dB; below it nothing was recorded: a gap, a muted microphone

	noiseReach  = 500 // frames either side from which the noise at a place is taken
	noiseStep   = 25  // frames
	enoughNoise = 50  // frames; with fewer the noise of the whole is taken
	// dB below the loudest voice of a voice that is near, not one of the background
	nearDrop = 15
	// frames either side of a near voice that tell nothing about the noise: more than a fricative
	// lasts
	voiceReach = 20

	leastSure  = 5.5  // dB over noise of sure speech, in the steadiest noise
	mostSure   = 12.0 // and in the most restless
	leastWeak  = 1.2  // dB over noise of the edges of speech
	mostWeak   = 6.0
	mostSpread = 7.0  // dB from the tenth to the median of what is taken for noise
	sureDrop   = 30.0 // dB below the speaker's loud voice of sure speech
	weakDrop   = 42.0 // dB below the speaker's loud voice of the edges of speech
	// frames of unvoiced sound that still belong to the voiced sound next to them
	edgeReach   = 25
	edgeHole    = 10 // frames: the closure before a plosive's burst
	shortPause  = 25 // frames; a shorter one does not part speech
	leastVoiced = 5  // frames of sure voice in a stretch of speech
	leastSpeech = 8  // frames
)

// stretch is a run of frames, the end excluded.
type stretch struct{ from, to int }

// island is a stretch of sound with some frames of sure voice in it.
type island struct {
	stretch
	voiced int
}

// findSpeech gives the stretches of speech from each frame's levels and F0 (0: unvoiced). The
// stretches are apart by shortPause or more.
func findSpeech(level, sibilance, f0 []float32) []stretch {
	away := alone(level, f0)
	around := background(level, f0, away)
	above := background(sibilance, f0, away)
	loud := loudness(level, f0, around)
	sure := make([]bool, len(level))
	weak := make([]bool, len(level))
	for i, l := range level {
		n, h := around[i], above[i]
		sure[i] = f0[i] > 0 && float64(l) > max(n.level+n.sure, loud-sureDrop)
		weak[i] = steadied(level, i) > max(n.level+n.weak, loud-weakDrop) ||
			steadied(sibilance, i) > max(h.level+h.weak, loud-weakDrop)
	}
	return join(islands(sure, weak))
}

// steadied is the median of the five levels about a frame: noise evens out in it, the edges of
// speech stay where they are.
func steadied(level []float32, i int) float64 {
	var five [5]float32
	n := copy(five[:], level[max(0, i-2):min(len(level), i+3)])
	slices.Sort(five[:n])
	return float64(five[n/2])
}

// noise is what the background does about a frame: its usual level, and how far above that sure
// and weak sounds must be.
type noise struct{ level, sure, weak float64 }

// background gives the noise at each frame. Noise is heard where no voice is near: there its
// median and its spread are taken, which follow a fan and a room full of talkers alike. Where
// that cannot be (nobody paused, or the pauses are digital silence), the weakest of the unvoiced
// sounds must do.
func background(level, f0 []float32, away []bool) []noise {
	var whole census
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
	var near census
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

// census counts the levels of a stretch of frames: all that sound, and those with no voice near.
type census struct{ sounding, away levels }

func (c *census) count(level float32, away bool, n int32) {
	if level > digitalSilence {
		c.sounding.add(level, n)
		if away {
			c.away.add(level, n)
		}
	}
}

// noise is ok when there is enough away from voices, and nothing else lies far below it: noise is
// a floor.
func (c *census) noise() (n noise, ok bool) {
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

// alone are the frames of recorded sound with no loud voice near.
func alone(level, f0 []float32) []bool {
	var voiced levels
	for i, l := range level {
		if f0[i] > 0 {
			voiced.add(l, 1)
		}
	}
	near := float32(voiced.quantile(0.95) - nearDrop)
	away := make([]bool, len(level))
	since := voiceReach + 1 // frames since the last of a loud voice
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

// loudness is the level of the speaker's loud voice: what a twentieth of the voiced frames that
// stand out of the noise exceed.
func loudness(level, f0 []float32, around []noise) float64 {
	var voiced levels
	for i, l := range level {
		if f0[i] > 0 && float64(l) > around[i].level+around[i].sure {
			voiced.add(l, 1)
		}
	}
	return voiced.quantile(0.95)
}

// islands are the runs of sure frames with the weak frames next to them, as far as edgeReach,
// across holes of up to edgeHole frames.
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
			found[last].from, found[last].to = min(found[last].from,
				s.from), max(found[last].to, s.to)
			found[last].voiced += voiced
		} else {
			found = append(found, island{s, voiced})
		}
		i = end
	}
	return found
}

// join drops islands with too little voice in them, joins those that no real pause parts, and
// drops what is still too short.
func join(all []island) []stretch {
	var speech []stretch
	for _, s := range all {
		if s.voiced < leastVoiced {
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
