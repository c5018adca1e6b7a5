package opus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// DefaultLimit is the longest audio accepted when the caller sets no limit.
const DefaultLimit = 2 * time.Hour

// blocks is a source of sound. next returns the next samples, valid until the next call, or an
// error, never both. io.EOF is the end.
type blocks interface{ next() ([]float32, error) }

// AudioReader reads a WAV, Ogg Opus or MP3 file as mono sound (the mean of its channels) at a
// given rate. Ogg Opus goes through the same Decoder as live packets, so at SampleRate a recording
// yields the samples of the live stream. Not safe for concurrent use.
type AudioReader struct {
	// Format describes the file for people, for example "WAV, 44100 Hz, 2 channels, 16 bits".
	Format string

	src    blocks
	rest   []float32 // read from src and not returned yet
	budget int64     // samples left until limit
	limit  time.Duration
	any    bool // some sound was read
	err    error
}

// OpenAudio reads the headers of a WAV, Ogg Opus or MP3 file. The caller owns r. The error wraps
// ErrNotAudio, ErrUnsupported, ErrDamaged, ErrTruncated or an error of r. Reading returns
// ErrTooLong for sound beyond limit; a limit of 0 means DefaultLimit.
func OpenAudio(r io.Reader, rate int, limit time.Duration) (*AudioReader, error) {
	if err := checkRate(rate); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = DefaultLimit
	}
	br := bufio.NewReaderSize(r, 64<<10)
	format, err := sniff(br)
	if err != nil {
		return nil, err
	}
	a := &AudioReader{limit: limit, budget: int64(limit.Seconds() * float64(rate))}
	var from int
	switch format {
	case ogg:
		from, err = a.openOgg(br, rate)
	case mp3File:
		from, err = a.openMP3(br)
	default:
		from, err = a.openWAV(br)
	}
	if err != nil {
		return nil, err
	}
	if from != rate {
		a.src = &resampled{src: a.src, r: NewResampler(from, rate)}
	}
	return a, nil
}

// ReadAudio reads a whole file, see OpenAudio. With an error it also returns the samples read
// before it.
func ReadAudio(r io.Reader, rate int, limit time.Duration) ([]float32, error) {
	a, err := OpenAudio(r, rate, limit)
	if err != nil {
		return nil, err
	}
	var all []float32
	for {
		piece, err := a.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return all, err
		}
		all = append(all, piece...)
	}
}

// Read fills dst with as many samples as there are and returns their number. It returns an error,
// io.EOF at the end, only when there are no samples before it.
func (a *AudioReader) Read(dst []float32) (n int, err error) {
	for n < len(dst) {
		if len(a.rest) == 0 {
			if a.rest, err = a.next(); err != nil {
				if n > 0 {
					err = nil // the next call returns it
				}
				return n, err
			}
		}
		m := copy(dst[n:], a.rest)
		n, a.rest = n+m, a.rest[m:]
	}
	return n, nil
}

// next returns the next samples, at least one, or an error.
func (a *AudioReader) next() ([]float32, error) {
	for a.err == nil {
		piece, err := a.src.next()
		switch {
		case errors.Is(err, io.EOF) && !a.any:
			a.err = errNoSound()
		case err != nil:
			a.err = err
		case int64(len(piece)) > a.budget:
			a.err = errTooLong(a.limit)
		case len(piece) > 0:
			a.any = true
			a.budget -= int64(len(piece))
			return piece, nil
		}
	}
	return nil, a.err
}

func errNoSound() error {
	return fmt.Errorf("%w: there is no sound in the file, only its headers", ErrNotAudio)
}

func errTooLong(limit time.Duration) error {
	return fmt.Errorf("%w: over %s: cut it into shorter files", ErrTooLong, limit)
}

func (a *AudioReader) openWAV(br *bufio.Reader) (rate int, err error) {
	w, err := newWAVReader(br)
	if err != nil {
		return 0, err
	}
	a.src = w
	a.Format = fmt.Sprintf("WAV, %d Hz, %d channels, %d bits", w.rate, w.channels, w.bits)
	return w.rate, nil
}

func (a *AudioReader) openOgg(br *bufio.Reader, wanted int) (rate int, err error) {
	o, err := NewOggReader(br)
	if err != nil {
		return 0, err
	}
	switch rate = ClockRate; wanted {
	case 8000, 12000, 16000, 24000:
		rate = wanted
	}
	dec, err := newDecoder(rate)
	if err != nil {
		return 0, err
	}
	a.src = newOggSound(o, dec)
	a.Format = fmt.Sprintf("Ogg Opus, %d channels", o.Header.Channels)
	return rate, nil
}

// format is a format of sound files.
type format int

const (
	wav format = iota
	ogg
	mp3File
)

// sniff detects the format of a file from its first bytes.
func sniff(br *bufio.Reader) (format, error) {
	head, err := br.Peek(12)
	if len(head) == 0 {
		if errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("%w: the file is empty", ErrNotAudio)
		}
		return 0, fmt.Errorf("read audio: %w", err)
	}
	const advice = "convert it to WAV, Ogg Opus or MP3"
	for _, known := range []struct{ magic, name string }{
		{"OggS", ""}, {"RIFF", ""}, {"RF64", ""}, {"BW64", ""},
		{"RIFX", "big-endian WAV"}, {"fLaC", "FLAC"}, {"\xff\xf1", "AAC"}, {"\xff\xf9", "AAC"},
		{"\x1aE\xdf\xa3", "WebM or Matroska"}, {"FORM", "AIFF"}, {".snd", "AU"}, {"caff", "CAF"},
		{"#!AMR", "AMR"}, {"0&\xb2u", "Windows Media"},
	} {
		if !bytes.HasPrefix(head, []byte(known.magic)) {
			continue
		}
		if known.name != "" {
			return 0, fmt.Errorf("%w: the file is %s: %s", ErrUnsupported, known.name, advice)
		}
		if known.magic == "OggS" {
			return ogg, nil
		}
		return wav, nil
	}
	if isMP3(head) {
		return mp3File, nil
	}
	if len(head) >= 8 && string(head[4:8]) == "ftyp" {
		return 0, fmt.Errorf("%w: the file is MP4 or M4A: %s", ErrUnsupported, advice)
	}
	return 0, fmt.Errorf("%w: neither WAV, Ogg Opus nor MP3, judging by its first bytes %q: %s",
		ErrNotAudio, head, advice)
}

// oggSound decodes an Ogg Opus stream from the end of its pre-skip to its end. It implements
// blocks.
type oggSound struct {
	ogg  *OggReader
	dec  *Decoder
	gain float32
	skip int64 // samples of the pre-skip left to drop
	pos  int64 // position of the next sample, from the first packet's start
	err  error
}

func newOggSound(o *OggReader, dec *Decoder) *oggSound {
	return &oggSound{
		ogg: o, dec: dec, gain: float32(math.Pow(10, o.Header.GainDB/20)),
		skip: int64(o.Header.PreSkip) * int64(dec.rate) / ClockRate,
	}
}

func (s *oggSound) next() ([]float32, error) {
	if s.err != nil {
		return nil, s.err
	}
	var out []float32
	if packet, samples, err := s.ogg.Next(); err == nil {
		out = s.dec.Decode(Packet{Payload: packet, Samples: samples})
	} else {
		s.err = err
		out = s.dec.Flush()
	}
	if end := s.ogg.End(); end >= 0 {
		left := max(0, (end*int64(s.dec.rate)+ClockRate-1)/ClockRate-s.pos)
		out = out[:min(int64(len(out)), left)]
	}
	s.pos += int64(len(out))
	skipped := min(s.skip, int64(len(out)))
	s.skip -= skipped
	out = out[skipped:]
	if s.gain != 1 {
		for i := range out {
			out[i] *= s.gain
		}
	}
	return out, nil
}

// resampled converts the rate of blocks. It implements blocks.
type resampled struct {
	src blocks
	r   *Resampler
	err error
}

func (s *resampled) next() ([]float32, error) {
	if s.err != nil {
		return nil, s.err
	}
	in, err := s.src.next()
	if err != nil {
		s.err = err
		return s.r.Flush(), nil
	}
	return s.r.Write(in), nil
}
