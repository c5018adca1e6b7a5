package opus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	libopus "github.com/hraban/opus"
)

// PacketSource reads a file as Opus packets, for a headless participant to send. It encodes a WAV
// file in packets of 20 ms. It passes on the packets of an Ogg Opus file whose first packet lasts
// 20 ms: the pre-skip is then audible, and packets of other durations keep them. Other Ogg Opus
// files are decoded and encoded again. Not safe for concurrent use.
type PacketSource struct {
	next func() (packet []byte, samples48k int, level uint8, err error)
}

// NewPacketSource reads the file's headers. The caller owns r. It and Next return the errors of
// OpenAudio, and Next returns ErrTooLong for sound beyond DefaultLimit.
func NewPacketSource(r io.Reader, cfg EncoderConfig) (*PacketSource, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	format, err := sniff(br)
	if err != nil {
		return nil, err
	}
	a := &AudioReader{limit: DefaultLimit, budget: int64(DefaultLimit.Seconds()) * ClockRate}
	if format != ogg {
		open := a.openWAV
		if format == mp3File {
			open = a.openMP3
		}
		from, err := open(br)
		if err != nil {
			return nil, err
		}
		if from != ClockRate {
			a.src = &resampled{src: a.src, r: NewResampler(from, ClockRate)}
		}
		return encoded(a, cfg)
	}
	o, err := NewOggReader(br)
	if err != nil {
		return nil, err
	}
	_, samples, err := o.Next()
	if errors.Is(err, io.EOF) {
		return nil, errNoSound()
	} else if err != nil {
		return nil, err
	}
	o.unread()
	if samples == frame20ms && o.Header.GainDB == 0 {
		return passed(o)
	}
	dec, err := newDecoder(ClockRate)
	if err != nil {
		return nil, err
	}
	a.src = newOggSound(o, dec)
	return encoded(a, cfg)
}

// Next returns the next packet, valid until the next call, its duration, and its level for RTP's
// audio level extension (RFC 6464): dB below full scale, from 0 for the loudest to 127 for
// silence. After the last packet it returns io.EOF.
func (s *PacketSource) Next() (packet []byte, samples48k int, level uint8, err error) {
	return s.next()
}

// encoded returns a source that encodes sound at ClockRate. It pads the end, because the encoder's
// delay would cut it off otherwise.
func encoded(a *AudioReader, cfg EncoderConfig) (*PacketSource, error) {
	enc, err := NewEncoder(cfg)
	if err != nil {
		return nil, err
	}
	pcm := make([]float32, FrameSamples)
	tail := encoderDelay // samples of padding left to encode after the end of the sound
	return &PacketSource{func() ([]byte, int, uint8, error) {
		n, err := a.Read(pcm)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, 0, err
		}
		clear(pcm[n:])
		if n == 0 && tail <= 0 {
			return nil, 0, 0, io.EOF
		}
		tail -= len(pcm) - n
		packet, err := enc.Encode(pcm)
		return packet, FrameSamples, Level(pcm), err
	}}, nil
}

// passed returns a source that passes on the packets of an Ogg file. It decodes them for their
// level only.
func passed(o *OggReader) (*PacketSource, error) {
	const rate = 8000
	lib, err := libopus.NewDecoder(rate, 1)
	if err != nil {
		return nil, fmt.Errorf("opus decoder at %d Hz: %w", rate, err)
	}
	pcm := make([]float32, maxDuration*rate/ClockRate)
	pos, limit := int64(0), int64(DefaultLimit.Seconds())*ClockRate
	return &PacketSource{func() ([]byte, int, uint8, error) {
		packet, samples, err := o.Next()
		if err != nil {
			return nil, 0, 0, err
		}
		if end := o.End(); end >= 0 && pos >= end {
			return nil, 0, 0, io.EOF
		}
		if pos += int64(samples); pos > limit {
			return nil, 0, 0, errTooLong(DefaultLimit)
		}
		n, err := lib.DecodeFloat32(packet, pcm)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("%w: packet before byte %d: %w", ErrDamaged,
				o.pages.offset, err)
		}
		return packet, samples, Level(pcm[:n]), nil
	}}, nil
}

// Level returns the sound's Level in dB below that of a full-scale square wave, at most 127.
func Level(pcm []float32) uint8 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return 127
	}
	return uint8(math.Round(min(127, max(0, -10*math.Log10(sum/float64(len(pcm)))))))
}
