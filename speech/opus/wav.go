package opus

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xFFFE

	maxChannels = 32
	wavBlock    = 2048 // frames converted at a time

	// unknownSize is the smallest size that means "unknown". Programs that write to a pipe set
	// such a size; which one differs between them.
	unknownSize = 0x7FFFF000
	// fullScale is the largest sample accepted, in multiples of full scale. Larger numbers are not
	// sound but another number format.
	fullScale = 64
)

// wavReader reads a WAV file as the mean of its channels. It implements blocks.
type wavReader struct {
	r        *bufio.Reader
	rate     int
	channels int
	width    int // bytes of one sample
	format   uint16
	bits     int
	left     int64 // bytes of sound left to read; -1: up to the end of the file
	read     int64
	odd      int // bytes read after the last complete frame
	raw      []byte
	mono     []float32
}

// newWAVReader reads the file up to its first sample.
func newWAVReader(r *bufio.Reader) (*wavReader, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, wavCut("its header", err)
	}
	if string(head[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: a RIFF file of type %q instead of WAVE: convert it to WAV",
			ErrUnsupported, head[8:])
	}
	w := &wavReader{r: r}
	var large int64 = -1 // RF64 files have a separate chunk for the size of the sound
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return nil, wavCut("its chunks, before any sound", err)
		}
		id, size := string(chunk[:4]), int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch {
		case id == "data":
			return w, w.begin(size, large)
		case id == "fmt " || id == "ds64":
			body, err := readChunk(r, id, size)
			if err != nil {
				return nil, err
			}
			if id == "ds64" {
				large = sizeOf64(body)
			} else if err := w.readFormat(body); err != nil {
				return nil, err
			}
		default:
			if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
				return nil, wavCut(fmt.Sprintf("its %q chunk", id), err)
			}
		}
	}
}

// readChunk reads a chunk that must be small.
func readChunk(r io.Reader, id string, size int64) ([]byte, error) {
	if size < 16 || size > 4096 {
		return nil, fmt.Errorf("%w: a %q chunk of %d bytes in the WAV file", ErrDamaged, id, size)
	}
	body := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, wavCut(fmt.Sprintf("its %q chunk", id), err)
	}
	return body, nil
}

func sizeOf64(ds64 []byte) int64 {
	size := binary.LittleEndian.Uint64(ds64[8:])
	if size == 0 || size > math.MaxInt64 {
		return -1
	}
	return int64(size)
}

func wavCut(where string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the WAV file stops inside %s: copy it again", ErrTruncated, where)
	}
	return fmt.Errorf("read WAV: %w", err)
}

func (w *wavReader) readFormat(b []byte) error {
	w.format = binary.LittleEndian.Uint16(b)
	w.channels = int(binary.LittleEndian.Uint16(b[2:]))
	w.rate = int(binary.LittleEndian.Uint32(b[4:]))
	align := int(binary.LittleEndian.Uint16(b[12:]))
	w.bits = int(binary.LittleEndian.Uint16(b[14:]))
	if w.format == wavExtensible {
		if len(b) < 40 {
			return fmt.Errorf("%w: an extensible WAV format of %d bytes, too few", ErrDamaged,
				len(b))
		}
		// The sub-format's GUID begins with the plain format.
		w.format = binary.LittleEndian.Uint16(b[24:])
	}
	if w.format != wavPCM && w.format != wavFloat {
		return fmt.Errorf("%w: WAV with codec %#04x: convert it to WAV with plain PCM samples",
			ErrUnsupported, w.format)
	}
	if w.channels < 1 || w.channels > maxChannels {
		return fmt.Errorf("%w: WAV with %d channels, must be 1 to %d", ErrUnsupported, w.channels,
			maxChannels)
	}
	if err := checkRate(w.rate); err != nil {
		return err
	}
	w.width = align / w.channels
	known := w.width >= 1 && w.width <= 4
	if w.format == wavFloat {
		known = w.width*8 == w.bits && (w.bits == 32 || w.bits == 64)
	}
	if align%w.channels != 0 || w.bits < 1 || w.bits > 8*w.width || !known {
		return fmt.Errorf(
			"%w: WAV with %d bits a sample, %d bytes a frame of %d channels: convert it to 16-bit PCM",
			ErrUnsupported, w.bits, align, w.channels)
	}
	return nil
}

// begin prepares reading the data chunk, which has the given size. large is that of RF64.
func (w *wavReader) begin(size, large int64) error {
	if w.channels == 0 {
		return fmt.Errorf("%w: the WAV file has no format before its sound", ErrDamaged)
	}
	w.left = size
	if size == 0 || size >= unknownSize { // written to a pipe: the size was not known yet
		w.left = -1
		if size == math.MaxUint32 {
			w.left = large
		}
	}
	w.raw = make([]byte, wavBlock*w.channels*w.width)
	w.mono = make([]float32, wavBlock)
	return nil
}

func (w *wavReader) next() ([]float32, error) {
	if w.left == 0 {
		return nil, io.EOF
	}
	raw := w.raw
	if w.left > 0 {
		raw = raw[:min(int64(len(raw)), w.left)]
	}
	n, err := io.ReadFull(w.r, raw)
	w.read += int64(n)
	if w.left > 0 {
		w.left -= int64(n)
	}
	whole := n - n%(w.channels*w.width)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read WAV: %w", err)
	}
	if whole == 0 {
		return nil, w.ended(n)
	}
	w.odd = n - whole
	return w.mix(raw[:whole])
}

// ended returns the error for the end of complete frames: io.EOF or ErrTruncated. Bytes after the
// last frame of a chunk come from a wrong size and are ignored.
func (w *wavReader) ended(odd int) error {
	if w.left > 0 {
		return fmt.Errorf("%w: the WAV file holds %d of %d bytes of sound: copy it again",
			ErrTruncated, w.read, w.read+w.left)
	}
	if w.left < 0 && odd+w.odd > 0 {
		return fmt.Errorf("%w: the WAV file stops in the middle of a sample: copy it again",
			ErrTruncated)
	}
	return io.EOF
}

// mix returns the mean of the channels.
func (w *wavReader) mix(raw []byte) ([]float32, error) {
	frames := len(raw) / (w.channels * w.width)
	share := 1 / float64(w.channels)
	for i := range frames {
		var sum float64
		for range w.channels {
			sum += w.sample(raw)
			raw = raw[w.width:]
		}
		if sum *= share; !(math.Abs(sum) <= fullScale) { // this form is also true for NaN
			return nil, fmt.Errorf(
				"%w: a sample of the WAV file is %g where full scale is 1: convert it to 16-bit PCM",
				ErrDamaged, sum)
		}
		w.mono[i] = float32(sum)
	}
	return w.mono[:frames], nil
}

// sample reads one sample. Full scale is 1.
func (w *wavReader) sample(b []byte) float64 {
	if w.format == wavFloat {
		if w.width == 8 {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	switch w.width {
	case 1:
		return (float64(b[0]) - 128) / 128
	case 2:
		return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case 3:
		return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
	default:
		return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
	}
}

const (
	minRate = 8000
	maxRate = 192000
)

func checkRate(rate int) error {
	if rate < minRate || rate > maxRate {
		return fmt.Errorf("%w: %d samples per second, must be %d to %d", ErrUnsupported, rate,
			minRate, maxRate)
	}
	return nil
}
