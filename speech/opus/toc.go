package opus

import "fmt"

// layout describes a packet as its framing declares it (RFC 6716, section 3).
type layout struct {
	frameSize int    // samples of one frame at 48 kHz
	frames    int    // 1 to 48
	first     []byte // the first frame's data
	silent    bool   // no frame has data: discontinuous transmission, or a filler
	celt      bool   // coded by CELT only, which has neither voice activity flags nor FEC
	stereo    bool
}

// PacketDuration returns the duration of an Opus packet in samples at 48 kHz. The error is
// ErrMalformed.
func PacketDuration(packet []byte) (samples48k int, err error) {
	l, err := parse(packet)
	return l.duration(), err
}

func (l layout) duration() int { return l.frameSize * l.frames }

// hasFEC reports whether the packet carries a copy of the frame before its first one. The LBRR
// flag says so; it follows the voice activity flags at the start of the SILK data (RFC 6716,
// section 4.2.3). These flags are coded as equiprobable, so they are plain bits of the byte.
func (l layout) hasFEC() bool {
	if l.celt || len(l.first) < 2 {
		return false
	}
	n := l.silkFrames()
	fec := l.first[0]>>(7-n)&1 != 0
	if l.stereo {
		fec = fec || l.first[0]>>(6-2*n)&1 != 0
	}
	return fec
}

// voiced reports whether the encoder detected voice activity in the first frame. CELT has no such
// flag, so its packets count as voiced.
func (l layout) voiced() bool {
	if l.celt || len(l.first) == 0 {
		return true
	}
	n := l.silkFrames()
	voiced := l.first[0]>>(8-n) != 0
	if l.stereo {
		voiced = voiced || l.first[0]>>(7-2*n)&(1<<n-1) != 0
	}
	return voiced
}

// silkFrames returns the number of SILK frames (of at most 20 ms) in the first Opus frame.
func (l layout) silkFrames() int { return max(1, l.frameSize/frame20ms) }

// frameSize returns the duration that a TOC byte declares for each frame, in samples at 48 kHz.
func frameSize(toc byte) int {
	switch config := toc >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		return tick << (config & 3)
	}
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// parse reads a packet's framing and checks it against the rules of RFC 6716, section 3.4. libopus
// accepts every packet that passes.
func parse(packet []byte) (layout, error) {
	if len(packet) == 0 {
		return layout{}, malformed("it is empty")
	}
	toc, data := packet[0], packet[1:]
	l := layout{frameSize: frameSize(toc), frames: 1, celt: toc>>7 != 0, stereo: toc&4 != 0}
	var err error
	switch toc & 3 {
	case 0:
		err = l.equal(data)
	case 1:
		l.frames = 2
		err = l.equal(data)
	case 2:
		l.frames = 2
		err = l.variable(data)
	case 3:
		err = l.many(data)
	}
	if err != nil {
		return layout{}, err
	}
	return l, nil
}

// many reads the framing of code 3: a count byte, padding, then frames of equal or coded sizes.
func (l *layout) many(data []byte) error {
	if len(data) == 0 {
		return malformed("its frame count is missing")
	}
	head, data := data[0], data[1:]
	l.frames = int(head & 63)
	if l.frames == 0 || l.duration() > maxDuration {
		return malformed("%d frames of %g ms", l.frames, float64(l.frameSize)/48)
	}
	if head&64 != 0 {
		padding := 0
		for more := true; more; {
			if len(data) == 0 {
				return malformed("its padding length is cut off")
			}
			n := int(data[0])
			data = data[1:]
			if more = n == 255; more {
				n = 254
			}
			padding += n
			if padding > len(data) {
				return malformed("its padding is longer than the packet")
			}
		}
		data = data[:len(data)-padding]
	}
	if head&128 != 0 {
		return l.variable(data)
	}
	return l.equal(data)
}

const maxFrameBytes = 1275

// equal splits data into frames of the same size.
func (l *layout) equal(data []byte) error {
	size := len(data) / l.frames
	if size*l.frames != len(data) || size > maxFrameBytes {
		return malformed("%d bytes in %d frames", len(data), l.frames)
	}
	l.first, l.silent = data[:size], size <= 1
	return nil
}

// variable reads the sizes of all frames but the last, which takes the remaining bytes.
func (l *layout) variable(data []byte) error {
	firstSize, sum := 0, 0
	l.silent = true
	for i := range l.frames - 1 {
		if len(data) == 0 {
			return malformed("a frame's size is cut off")
		}
		size, used := int(data[0]), 1
		if size >= 252 {
			if len(data) < 2 {
				return malformed("a frame's size is cut off")
			}
			size, used = size+4*int(data[1]), 2
		}
		data = data[used:]
		if i == 0 {
			firstSize = size
		}
		sum += size
		l.silent = l.silent && size <= 1
	}
	last := len(data) - sum
	if last < 0 || last > maxFrameBytes {
		return malformed("frames of %d bytes in a packet with %d", sum, len(data))
	}
	if l.frames == 1 {
		firstSize = last
	}
	l.silent = l.silent && last <= 1
	l.first = data[:firstSize]
	return nil
}
