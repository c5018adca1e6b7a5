package voice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"bedside/speech/line"
	"bedside/speech/opus"
)

const (
	// maxClip is the longest line that is spoken.
	maxClip = time.Minute
	// silence is the level below which there is no speech yet, relative to the loudest sample.
	silence = 0.02
	// before and after are what is kept around the speech, in samples: 20 and 120 ms.
	before = opus.ClockRate / 50
	after  = opus.ClockRate * 12 / 100
)

// Frame is an Opus packet of 20 ms.
type Frame struct {
	Payload []byte
	Level   uint8 // in -dBov (RFC 6464): 0 is the loudest, 127 is silence
}

// Clip is a line as it is played. Clips are shared: nobody changes them.
type Clip struct {
	Frames []Frame
	Engine string // who speaks, for reports; "human" for a recording
}

// Duration returns how long the clip lasts.
func (c Clip) Duration() time.Duration {
	return time.Duration(len(c.Frames)) * 20 * time.Millisecond
}

// bytes returns how much memory the clip takes, roughly.
func (c Clip) bytes() int {
	n := 0
	for _, f := range c.Frames {
		n += len(f.Payload) + 48
	}
	return n
}

// sound is mono audio, as engines return it.
type sound struct {
	samples []float32 // from -1 to 1
	rate    int       // in Hz
}

// encode returns a sound as Ogg Opus of the loudness of recorded lines, without the silence at
// both of its ends.
func (s sound) encode(ctx context.Context) ([]byte, error) {
	if len(s.samples) > int(maxClip.Seconds())*s.rate {
		return nil, fmt.Errorf("a line of %.0f s", float64(len(s.samples))/float64(s.rate))
	}
	pcm := s.samples
	if s.rate != opus.ClockRate {
		pcm = opus.Resample(pcm, s.rate, opus.ClockRate)
	}
	var file bytes.Buffer
	_, err := line.EncodeSamples(ctx, trim(pcm), &file)
	return file.Bytes(), err
}

// trim returns the samples without the silence at both ends.
func trim(pcm []float32) []float32 {
	peak := float32(0)
	for _, x := range pcm {
		peak = max(peak, x, -x)
	}
	audible := func(x float32) bool { return max(x, -x) > silence*peak }
	first := slices.IndexFunc(pcm, audible)
	if first < 0 {
		return nil
	}
	last := len(pcm) - 1
	for !audible(pcm[last]) {
		last--
	}
	return pcm[max(first-before, 0):min(last+after, len(pcm))]
}

// readClip returns the packets of an Ogg Opus file.
func readClip(file io.Reader, engine string) (Clip, error) {
	source, err := opus.NewPacketSource(file, opus.EncoderConfig{})
	if err != nil {
		return Clip{}, err
	}
	clip := Clip{Engine: engine}
	for {
		packet, samples, level, err := source.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Clip{}, err
		}
		if samples != opus.FrameSamples || clip.Duration() > line.Limit {
			return Clip{}, fmt.Errorf("packet %d lasts %d samples", len(clip.Frames), samples)
		}
		clip.Frames = append(clip.Frames, Frame{slices.Clone(packet), level})
	}
	if len(clip.Frames) == 0 {
		return Clip{}, errors.New("a line without sound")
	}
	return clip, nil
}
