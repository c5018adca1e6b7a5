package sfu

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

const (
	levelURI       = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	silence        = 127
	audible        = 45 // -dBov; everything quieter is background noise
	speakersEvery  = 250 * time.Millisecond
	attack         = 0.6 // smoothing factor of a rising level
	release        = 0.3 // smoothing factor of a falling level
	startsSpeaking = 0.15
	stopsSpeaking  = 0.05
	levelSteps     = 8 // levels are rounded to eighths, so that small changes are not reported
)

// Speaker is a participant who is speaking. Level goes from 0 to 1 in eighths.
type Speaker struct {
	ID    string
	Level float64
}

// meter sums the audio levels of a track's packets. The track's read path calls add, the node's
// speaker loop calls take.
type meter struct {
	// sum of the audible packets' levels above the background, in dB
	loudness atomic.Uint64
	packets  atomic.Uint64

	// Owned by the speaker loop.
	smooth   float64
	speaking bool
}

func (m *meter) add(p *Packet) {
	if !p.HasLevel {
		return
	}
	m.packets.Add(1)
	if p.AudioLevel < audible {
		m.loudness.Add(uint64(audible - p.AudioLevel))
	}
}

// take ends a window and returns the smoothed level, or 0 if the participant is not speaking. A
// window without packets is silence, because of discontinuous transmission.
func (m *meter) take() float64 {
	sum, n := float64(m.loudness.Swap(0)), float64(m.packets.Swap(0))
	level := 0.0
	if n > 0 {
		level = sum / n / audible * 2 // speech is rarely above half of the range
	}
	pace := release
	if level > m.smooth {
		pace = attack
	}
	m.smooth += (min(level, 1) - m.smooth) * pace
	switch {
	case m.smooth >= startsSpeaking:
		m.speaking = true
	case m.smooth < stopsSpeaking:
		m.speaking = false
	}
	if !m.speaking {
		return 0
	}
	return max(math.Round(m.smooth*levelSteps), 1) / levelSteps
}

// speakers holds the speakers of one room as last reported. The node's speaker loop owns it.
type speakers struct{ reported []Speaker }

// update ends the window of each track and returns the speakers, loudest first, and whether they
// have changed.
func (s *speakers) update(tracks []*Track) ([]Speaker, bool) {
	var now []Speaker
	for _, t := range tracks {
		if level := t.meter.take(); level > 0 {
			now = append(now, Speaker{ID: t.publisher, Level: level})
		}
	}
	slices.SortStableFunc(now, func(a, b Speaker) int {
		switch {
		case a.Level > b.Level:
			return -1
		case a.Level < b.Level:
			return 1
		}
		return 0
	})
	if slices.Equal(now, s.reported) {
		return nil, false
	}
	s.reported = now
	return slices.Clone(now), true
}
