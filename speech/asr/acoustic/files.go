package acoustic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
)

const (
	byteOrder = 0x11223344 // the first word of binary data, as written
	// weightUnit is the weight's unit: a logarithm to base 1.0001, shifted by 10 bits.
	weightUnit = 1024
	logBase    = 1.0001
	leastLog   = -255
)

// Weight returns the weight that a byte of Model.Weights stands for.
func Weight(b uint8) float64 { return math.Exp(-float64(b) * weightUnit * math.Log(logBase)) }

// EncodeWeight returns the byte that is nearest to a weight.
func EncodeWeight(w float64) uint8 {
	q := math.Round(-math.Log(max(w, 1e-11)) / (weightUnit * math.Log(logBase)))
	return uint8(max(0, min(q, -leastLog)))
}

func formatError(name, what string) error {
	return fmt.Errorf("%w: %s: %s", ErrFormat, name, what)
}

// readGaussians reads means or variances: a text header, the byte order, the numbers of
// codebooks, streams and densities, the sizes of the streams, the number of values, and these.
func readGaussians(folder fs.FS, name string, codebooks int) ([]float32, error) {
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, fmt.Errorf("acoustic model: %w", err)
	}
	const end = "endhdr\n"
	at := bytes.Index(data, []byte(end))
	if at < 0 {
		return nil, formatError(name, "its header has no end")
	}
	data = data[at+len(end):]
	total := codebooks * Streams * Densities * Size
	want := gaussianHeader(codebooks, total)
	size := 4 * len(want)
	if len(data) < size+4*total {
		return nil, formatError(name, "it is too short")
	}
	for i, v := range want {
		if binary.LittleEndian.Uint32(data[4*i:]) != v {
			return nil, formatError(name, "its dimensions are others")
		}
	}
	values := make([]float32, total)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[size+4*i:]))
		if v := float64(values[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, formatError(name, "a value is not a number")
		}
	}
	return values, nil
}

func gaussianHeader(codebooks, total int) []uint32 {
	return []uint32{
		byteOrder, uint32(codebooks), Streams, Densities, Size, Size, Size, uint32(total),
	}
}

// encodeGaussians writes no checksum: the header does not announce one.
func encodeGaussians(values []float32, codebooks int) []byte {
	out := []byte("s3\nversion 1.0\nendhdr\n")
	for _, v := range gaussianHeader(codebooks, len(values)) {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// readWeights reads a sendump: a header of strings, each after its length, until a length of 0;
// the numbers of densities and senones; and a byte for each stream, density and senone.
func readWeights(folder fs.FS, senones int) (header []byte, weights []uint8, err error) {
	const name = "sendump"
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, nil, fmt.Errorf("acoustic model: %w", err)
	}
	at := 0
	for {
		if at+4 > len(data) {
			return nil, nil, formatError(name, "its header has no end")
		}
		n := int(binary.LittleEndian.Uint32(data[at:]))
		at += 4
		if n == 0 {
			break
		}
		if n > len(data)-at {
			return nil, nil, formatError(name, "its header is damaged")
		}
		at += n
	}
	total := Streams * Densities * senones
	if len(data) != at+8+total {
		return nil, nil, formatError(name, "its size is another")
	}
	if binary.LittleEndian.Uint32(data[at:]) != Densities ||
		binary.LittleEndian.Uint32(data[at+4:]) != uint32(senones) {
		return nil, nil, formatError(name, "its dimensions are others")
	}
	return data[:at+8], data[at+8:], nil
}
