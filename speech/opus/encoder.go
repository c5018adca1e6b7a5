package opus

import (
	"fmt"

	libopus "github.com/hraban/opus"
)

// EncoderConfig configures an Encoder. The zero value means 32 kb/s at complexity 5 with FEC for
// 10 % loss and without DTX (discontinuous transmission).
type EncoderConfig struct {
	Bitrate     int  // bits per second, 6000 to 128000; 0: 32000
	Complexity  int  // 1 to 10; 0: 5
	LossPercent int  // packet loss that FEC prepares for, 1 to 50; 0: 10
	NoFEC       bool // no in-band forward error correction
	DTX         bool // in pauses, encode packets of one or two bytes, which need not be sent
}

const (
	// FrameSamples is the number of samples that an Encoder takes at a time: 20 ms.
	FrameSamples = frame20ms
	// encoderDelay is the delay of libopus's voice encoder in samples at 48 kHz.
	encoderDelay = 312
)

// Encoder encodes mono sound at 48 kHz to Opus packets of 20 ms, tuned for voice. Not safe for
// concurrent use.
type Encoder struct {
	lib *libopus.Encoder
	buf []byte
}

// NewEncoder returns an encoder. The error says which setting is out of range.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	lib, err := libopus.NewEncoder(ClockRate, 1, libopus.AppVoIP)
	if err != nil {
		return nil, fmt.Errorf("opus encoder: %w", err)
	}
	for _, s := range []struct {
		name       string
		value      int
		unset      int
		least, top int
		set        func(int) error
	}{
		{"bitrate", cfg.Bitrate, 32000, 6000, 128000, lib.SetBitrate},
		{"complexity", cfg.Complexity, 5, 1, 10, lib.SetComplexity},
		{"loss percentage", cfg.LossPercent, 10, 1, 50, lib.SetPacketLossPerc},
	} {
		if s.value == 0 {
			s.value = s.unset
		}
		if s.value < s.least || s.value > s.top {
			return nil, fmt.Errorf("opus encoder: %s is %d, must be from %d to %d", s.name,
				s.value, s.least, s.top)
		}
		if err := s.set(s.value); err != nil {
			return nil, fmt.Errorf("opus encoder: %s %d: %w", s.name, s.value, err)
		}
	}
	if err := lib.SetInBandFEC(!cfg.NoFEC); err != nil {
		return nil, fmt.Errorf("opus encoder: FEC: %w", err)
	}
	if err := lib.SetDTX(cfg.DTX); err != nil {
		return nil, fmt.Errorf("opus encoder: DTX: %w", err)
	}
	return &Encoder{lib: lib, buf: make([]byte, 1+maxFrameBytes)}, nil
}

// Encode returns the packet for exactly FrameSamples samples. It is valid until the next call.
func (e *Encoder) Encode(pcm []float32) ([]byte, error) {
	if len(pcm) != FrameSamples {
		return nil, fmt.Errorf("opus encoder: %d samples, must be %d", len(pcm), FrameSamples)
	}
	n, err := e.lib.EncodeFloat32(pcm, e.buf)
	if err != nil {
		return nil, fmt.Errorf("opus encoder: %w", err)
	}
	return e.buf[:n], nil
}

// EncodeInt16 does what Encode does, for 16-bit samples.
func (e *Encoder) EncodeInt16(pcm []int16) ([]byte, error) {
	if len(pcm) != FrameSamples {
		return nil, fmt.Errorf("opus encoder: %d samples, must be %d", len(pcm), FrameSamples)
	}
	n, err := e.lib.Encode(pcm, e.buf)
	if err != nil {
		return nil, fmt.Errorf("opus encoder: %w", err)
	}
	return e.buf[:n], nil
}
