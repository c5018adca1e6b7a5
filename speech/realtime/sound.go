package realtime

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"

	"bedside/speech/opus"
)

// rate is that of the API's sound, in Hz.
const rate = 24000

// pcm16 returns samples as 16-bit numbers.
func pcm16(samples []float32) []byte {
	b := make([]byte, 0, 2*len(samples))
	for _, v := range samples {
		b = binary.LittleEndian.AppendUint16(b,
			uint16(int16(math.Round(max(-1, min(1, float64(v)))*math.MaxInt16))))
	}
	return b
}

// readPCM16 reads 16-bit numbers in base64.
func readPCM16(text string) ([]float32, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%2 != 0 {
		return nil, errors.New("the realtime API sends what is no sound")
	}
	samples := make([]float32, len(b)/2)
	for i := range samples {
		samples[i] = float32(int16(binary.LittleEndian.Uint16(b[2*i:]))) / (math.MaxInt16 + 1)
	}
	return samples, nil
}

// Frame is an Opus packet of 20 ms.
type Frame struct {
	Payload []byte
	Level   uint8 // in -dBov (RFC 6464): 0 is the loudest, 127 is silence
}

// encoder turns the API's sound into frames.
type encoder struct {
	up   *opus.Resampler
	opus *opus.Encoder
	rest []float32 // less than a frame, at 48 kHz
}

func newEncoder() (*encoder, error) {
	e, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		return nil, err
	}
	return &encoder{up: opus.NewResampler(rate, opus.ClockRate), opus: e}, nil
}

// write returns the frames that are complete.
func (e *encoder) write(samples []float32) ([]Frame, error) {
	return e.frames(e.up.Write(samples))
}

// flush returns the last frame, filled up with silence.
func (e *encoder) flush() ([]Frame, error) {
	last := e.up.Flush()
	if n := (len(e.rest) + len(last)) % opus.FrameSamples; n > 0 {
		last = append(last, make([]float32, opus.FrameSamples-n)...)
	}
	return e.frames(last)
}

func (e *encoder) frames(samples []float32) ([]Frame, error) {
	e.rest = append(e.rest, samples...)
	var list []Frame
	for len(e.rest) >= opus.FrameSamples {
		packet, err := e.opus.Encode(e.rest[:opus.FrameSamples])
		if err != nil {
			return nil, err
		}
		list = append(list, Frame{
			append([]byte(nil), packet...), opus.Level(e.rest[:opus.FrameSamples]),
		})
		e.rest = append(e.rest[:0], e.rest[opus.FrameSamples:]...)
	}
	return list, nil
}
