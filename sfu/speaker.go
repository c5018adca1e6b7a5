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
	audible        = 45 // -dBov: what is quieter is background
	speakersEvery  = 250 * time.Millisecond
	attack         = 0.6 // how fast a level follows upwards
	release        = 0.3 // and downwards
	startsSpeaking = 0.15
	stopsSpeaking  = 0.05
	levelSteps     = 8 // levels are told in eighths, so that small changes are no news
)

// Speaker is a participant who is heard now. Level goes from 0 to 1 in eighths.
type Speaker struct {
	ID    string
	Level float64
}

// meter sums the audio levels of a track's packets. add belongs to the track's read path, take to
// the node's speaker loop.
type meter struct {
	// sum over audible packets of how far they are above the background, in dB
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

// take closes a window and returns the smoothed level, 0 when the participant is not speaking. A
// window without packets is silence: that is what discontinuous transmission sends.
func (m *meter) take() float64 {
	sum, n := float64(m.loudness.Swap(0)), float64(m.packets.Swap(0))
	level := 0.0
	if n > 0 {
		level = sum / n / audible * 2 // speech is seldom above half of the range
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

// speakers is who was last told to be speaking, for one room. It belongs to the node's speaker
// loop.
type speakers struct{ told []Speaker }

// update closes the window of each track and returns who is speaking, loudest first, if that is
// news.
func (s *speakers) update(tracks []*Track) ([]Speaker, bool) {
	var now []Speaker
	for _, t := range tracks {
		if level := t.meter.take(); level > 0 {
			now = append(now, Speaker{ID: t.publisher.who.ID, Level: level})
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
	if slices.Equal(now, s.told) {
		return nil, false
	}
	s.told = now
	return slices.Clone(now), true
}
