package asr

import "math"

// SoundFrame is how many samples Sound expects: 20 ms.
const SoundFrame = SampleRate / 50

// Sound tells frames with sound from silence, by a floor that follows the quietest frames. So
// steady noise becomes silence after some seconds. It says nothing about what makes the sound.
type Sound struct{ floor float64 }

// quiet is the level of what is silence in any room.
const quiet = 0.001

// Hears reports whether a frame is clearly louder than the background.
func (s *Sound) Hears(frame []float32) bool {
	var sum float64
	for _, v := range frame {
		sum += float64(v) * float64(v)
	}
	level := math.Sqrt(sum / float64(len(frame)))
	s.floor = max(quiet, min(1.01*s.floor, level)) // it doubles in 1.4 s
	return level > 2.5*s.floor
}
