package dsp

import "slices"

// Voice activity. Speech is what is voiced and stands out of the noise, with the unvoiced sounds next to it that stand out as well. A click, a
// breath or a fan is loud but not voiced; a hum is voiced but steady, and so its own noise floor.
const (
	digitalSilence = -90.0 // dB; below it nothing was recorded: a gap, a muted microphone

	noiseQuantile = 0.10
	noiseReach    = 500 // frames either side from which the noise floor at a place is taken
	noiseStep     = 25  // frames
	enoughNoise   = 50  // frames; with fewer the floor of the whole is taken

	leastRange  = 6.0  // dB of speech over noise, below which there is no speech
	sureRise    = 6.0  // dB over noise of sure speech
	weakRise    = 3.0  // dB over noise of the edges of speech
	sureDrop    = 30.0 // dB below the speaker's loud voice of sure speech
	weakDrop    = 42.0 // dB below the speaker's loud voice of the edges of speech
	edgeReach   = 25   // frames of unvoiced sound that still belong to the voiced sound next to them
	edgeHole    = 10   // frames
	shortPause  = 25   // frames; a shorter one does not part speech
	leastVoiced = 5    // frames of sure voice in a stretch of speech
	leastSpeech = 8    // frames
)

// stretch is a run of frames, the end excluded.
type stretch struct{ from, to int }

// island is a stretch of sound with some frames of sure voice in it.
type island struct {
	stretch
	voiced int
}

// findSpeech gives the stretches of speech from each frame's level and F0 (0: unvoiced). The stretches are apart by shortPause or more.
func findSpeech(level, f0 []float32) []stretch {
	noise, ok := noiseFloor(level, f0)
	if !ok {
		return nil
	}
	loud := loudness(level, f0, noise)
	sure := make([]bool, len(level))
	weak := make([]bool, len(level))
	for i, l := range level {
		l, n := float64(l), noise[i]
		sure[i] = f0[i] > 0 && l > max(n+sureRise, loud-sureDrop)
		weak[i] = l > max(n+weakRise, loud-weakDrop)
	}
	return join(islands(sure, weak))
}

// noiseFloor is, at each frame, the level that a tenth of the unvoiced frames around do not reach. ok is false when nothing was recorded.
func noiseFloor(level, f0 []float32) (floor []float64, ok bool) {
	counts := func(i int) bool { return f0[i] == 0 && level[i] > digitalSilence }
	var all, near levels
	for i, l := range level {
		if counts(i) {
			all.add(l, 1)
		}
	}
	if all.total == 0 {
		for _, l := range level {
			if l > digitalSilence {
				all.add(l, 1)
			}
		}
	}
	if all.total == 0 {
		return nil, false
	}
	whole := all.quantile(noiseQuantile)
	floor = make([]float64, len(level))
	from, to := 0, 0 // the frames in near
	now := whole
	for i := range level {
		if i%noiseStep == 0 {
			for ; to < min(len(level), i+noiseReach); to++ {
				if counts(to) {
					near.add(level[to], 1)
				}
			}
			for ; from < i-noiseReach; from++ {
				if counts(from) {
					near.add(level[from], -1)
				}
			}
			now = whole
			if near.total >= enoughNoise {
				now = near.quantile(noiseQuantile)
			}
		}
		floor[i] = now
	}
	return floor, true
}

// loudness is the level of the speaker's loud voice: what a twentieth of the voiced frames that stand out of the noise exceed.
func loudness(level, f0 []float32, noise []float64) float64 {
	var voiced levels
	for i, l := range level {
		if f0[i] > 0 && float64(l) > noise[i]+leastRange {
			voiced.add(l, 1)
		}
	}
	return voiced.quantile(0.95)
}

// islands are the runs of sure frames with the weak frames next to them, as far as edgeReach, across holes of up to edgeHole frames.
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
			found[last].to = max(found[last].to, s.to)
			found[last].voiced += voiced
		} else {
			found = append(found, island{s, voiced})
		}
		i = end
	}
	return found
}

// join drops islands with too little voice in them, joins those that no real pause parts, and drops what is still too short.
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
