package asr

import "testing"

func TestSteadyNoiseIsSilence(t *testing.T) {
	var s Sound
	noise := func(level float32) (heard int) {
		for range 1000 {
			f := make([]float32, SoundFrame)
			for i := range f {
				f[i] = level * float32(1-2*(i%2))
			}
			if s.Hears(f) {
				heard++
			}
		}
		return heard
	}
	for _, c := range []struct {
		level   float32
		at, cap int
	}{{0.001, 0, 0}, {0.05, 100, 400}, {0.3, 30, 200}, {0, 0, 0}} {
		if n := noise(c.level); n < c.at || n > c.cap {
			t.Errorf("noise of %v counts as sound in %d of 1000 frames", c.level, n)
		}
	}
}
