// Package line makes recorded lines of patients equally loud. A tutor records a line with some
// microphone, in WAV, Ogg Opus or MP3; what candidates hear is Ogg Opus at 48 kHz in one channel,
// of one loudness.
//
// The loudness is measured as EBU R 128 says. A line is made louder or quieter as a whole, which
// leaves its dynamics as they are: to -23 LUFS, unless its peaks would then exceed -2 dBTP. Such a
// line stays somewhat quieter.
package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"bedside/speech/dsp"
	"bedside/speech/opus"
)

const (
	// Target is the loudness of lines in LUFS: that of EBU R 128.
	Target = -23.0
	// MaxPeak is the highest true peak of a line in dBTP. It leaves room for what encoding adds.
	MaxPeak = -2.0
	// Limit is the longest line.
	Limit = 5 * time.Minute

	// maxGain is how much a line is made louder at most, in dB. One that needs more is noise.
	maxGain = 40.0
	bitrate = 32000
	// encoderDelay is a little more than the delay of the encoder, in samples.
	encoderDelay = opus.FrameSamples
)

var (
	// ErrUnreadable is returned for a file that is no sound, is damaged, or is in a format that is
	// not read.
	ErrUnreadable = errors.New("not a sound that can be read")
	// ErrTooLong is returned for a line longer than Limit.
	ErrTooLong = errors.New("the line is too long")
	// ErrSilent is returned for a line in which nothing can be heard.
	ErrSilent = errors.New("the line is silent")
)

// Facts describe a line that was encoded.
type Facts struct {
	Duration time.Duration
	Loudness float64 // in LUFS, after the change
	TruePeak float64 // in dBTP, after the change
}

// Encode reads a sound file twice, and writes it to w as Ogg Opus of the usual loudness. It holds
// no more than a second of it in memory. It returns ErrUnreadable, ErrTooLong or ErrSilent, or the
// error of r, w or ctx.
func Encode(ctx context.Context, r io.ReadSeeker, w io.Writer) (Facts, error) {
	return encode(ctx, r, w, Limit)
}

// encode is Encode with another limit.
func encode(ctx context.Context, r io.ReadSeeker, w io.Writer,
	limit time.Duration) (Facts, error) {
	meter := dsp.NewLoudness(1)
	samples, err := read(ctx, r, limit, func(pcm []float32) error { meter.Add(pcm); return nil })
	if err != nil {
		return Facts{}, err
	}
	gain := min(Target-meter.Integrated(), MaxPeak-meter.TruePeak())
	if gain > maxGain {
		return Facts{}, ErrSilent
	}
	out, err := newWriter(w, gain)
	if err != nil {
		return Facts{}, err
	}
	if _, err := read(ctx, r, limit, out.write); err != nil {
		return Facts{}, err
	}
	return Facts{
		Duration: time.Duration(samples) * time.Second / opus.ClockRate,
		Loudness: meter.Integrated() + gain, TruePeak: meter.TruePeak() + gain,
	}, out.close()
}

// EncodeSamples writes mono samples at opus.ClockRate, from -1 to 1, as Ogg Opus of the usual
// loudness. It returns ErrTooLong or ErrSilent, or the error of w or ctx.
func EncodeSamples(ctx context.Context, pcm []float32, w io.Writer) (Facts, error) {
	duration := time.Duration(len(pcm)) * time.Second / opus.ClockRate
	if duration > Limit {
		return Facts{}, ErrTooLong
	}
	meter := dsp.NewLoudness(1)
	meter.Add(pcm)
	gain := min(Target-meter.Integrated(), MaxPeak-meter.TruePeak())
	if gain > maxGain {
		return Facts{}, ErrSilent
	}
	if err := ctx.Err(); err != nil {
		return Facts{}, err
	}
	out, err := newWriter(w, gain)
	if err != nil {
		return Facts{}, err
	}
	if err := out.write(pcm); err != nil {
		return Facts{}, err
	}
	return Facts{
		Duration: duration, Loudness: meter.Integrated() + gain, TruePeak: meter.TruePeak() + gain,
	}, out.close()
}

// read passes the sound of a file on, from its beginning, and returns the number of samples.
func read(ctx context.Context, r io.ReadSeeker, limit time.Duration,
	use func([]float32) error) (n int64, err error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	src := &source{ctx: ctx, from: r}
	sound, err := opus.OpenAudio(src, opus.ClockRate, limit)
	if err != nil {
		return 0, src.fault(err)
	}
	pcm := make([]float32, opus.ClockRate/10)
	for {
		got, err := sound.Read(pcm)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, src.fault(err)
		}
		for i, x := range pcm[:got] {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				pcm[i] = 0 // a WAV file of floats can have these
			}
		}
		n += int64(got)
		if err := use(pcm[:got]); err != nil {
			return n, err
		}
	}
}

// source reads a file until ctx ends.
type source struct {
	ctx  context.Context
	from io.Reader
	err  error // the first error of from or ctx
}

func (s *source) Read(p []byte) (int, error) {
	err := s.ctx.Err()
	n := 0
	if err == nil {
		n, err = s.from.Read(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// fault returns the source's error, or what an error of package opus means here.
func (s *source) fault(err error) error {
	switch {
	case s.err != nil:
		return s.err
	case errors.Is(err, opus.ErrTooLong):
		return fmt.Errorf("%w: %w", ErrTooLong, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// writer encodes samples, made louder, to an Ogg Opus file.
type writer struct {
	enc    *opus.Encoder
	ogg    *opus.OggWriter
	factor float32
	frame  []float32 // not full yet
}

func newWriter(w io.Writer, gain float64) (*writer, error) {
	enc, err := opus.NewEncoder(opus.EncoderConfig{Bitrate: bitrate, Complexity: 10, NoFEC: true})
	if err != nil {
		return nil, err
	}
	ogg, err := opus.NewOggWriter(w)
	if err != nil {
		return nil, err
	}
	return &writer{
		enc: enc, ogg: ogg, factor: float32(math.Pow(10, gain/20)),
		frame: make([]float32, 0, opus.FrameSamples),
	}, nil
}

func (w *writer) write(pcm []float32) error {
	for _, x := range pcm {
		w.frame = append(w.frame, x*w.factor)
		if len(w.frame) < opus.FrameSamples {
			continue
		}
		packet, err := w.enc.Encode(w.frame)
		if err != nil {
			return err
		}
		if err := w.ogg.WritePacket(packet, opus.FrameSamples); err != nil {
			return err
		}
		w.frame = w.frame[:0]
	}
	return nil
}

// close writes what the encoder still holds, and ends the file.
func (w *writer) close() error {
	rest := (opus.FrameSamples - len(w.frame)) % opus.FrameSamples
	if rest < encoderDelay {
		rest += opus.FrameSamples
	}
	return errors.Join(w.write(make([]float32, rest)), w.ogg.Close())
}
