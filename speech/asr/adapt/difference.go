package adapt

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"bedside/speech/asr/acoustic"
)

// An adapted model is stored as its difference from the packaged one, which is a quarter of its
// size:
//
//	"BSA1"                       what the file is
//	SHA-256 of the packaged model, 32 bytes
//	SHA-256 of what follows, 32 bytes
//	deflated:
//	  int8 for each mean         in 32nds of the packaged standard deviation
//	  int8 for each variance     logarithm of the ratio, in 32nds
//	  uint8 for each weight      new byte less packaged byte, modulo 256
//
// Means and variances so lose a little precision, less than 0.02 standard deviations.
const (
	magic     = "BSA1"
	precision = 32
)

// ErrOther is returned by Decode when a model was adapted from another packaged model than the one
// that is installed.
var ErrOther = errors.New("adapted from another packaged model")

// Encode returns the file of an adapted model.
func Encode(packaged, m *acoustic.Model) ([]byte, error) {
	raw := make([]byte, 0, 2*len(m.Means)+len(m.Weights))
	for i, v := range m.Means {
		deviation := math.Sqrt(float64(packaged.Variances[i]))
		raw = append(raw, step(float64(v-packaged.Means[i])/deviation))
	}
	for i, v := range m.Variances {
		raw = append(raw, step(math.Log(float64(v)/float64(packaged.Variances[i]))))
	}
	for i, v := range m.Weights {
		raw = append(raw, v-packaged.Weights[i])
	}
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	from, sum := fingerprint(packaged), sha256.Sum256(deflated.Bytes())
	return bytes.Join([][]byte{[]byte(magic), from[:], sum[:], deflated.Bytes()}, nil), nil
}

// step returns a signed byte as an unsigned one.
func step(v float64) byte {
	if math.IsNaN(v) {
		return 0
	}
	return byte(int8(max(-127, min(127, math.Round(v*precision)))))
}

// Decode returns the model of a file that Encode made. Its error is ErrOther when it was adapted
// from another model than the packaged one, and else wraps acoustic.ErrFormat.
func Decode(packaged *acoustic.Model, data []byte) (*acoustic.Model, error) {
	const head = len(magic) + 2*sha256.Size
	if len(data) < head || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: not an adapted model", acoustic.ErrFormat)
	}
	if sum := sha256.Sum256(data[head:]); !bytes.Equal(sum[:], data[head-sha256.Size:head]) {
		return nil, fmt.Errorf("%w: the adapted model is damaged", acoustic.ErrFormat)
	}
	if from := fingerprint(packaged); !bytes.Equal(from[:], data[len(magic):][:sha256.Size]) {
		return nil, ErrOther
	}
	n := len(packaged.Means)
	raw := make([]byte, 2*n+len(packaged.Weights))
	r := flate.NewReader(bytes.NewReader(data[head:]))
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("%w: the adapted model is too short", acoustic.ErrFormat)
	}
	if more, err := r.Read(make([]byte, 1)); more != 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: the adapted model is too long", acoustic.ErrFormat)
	}
	m := packaged.Clone()
	for i := range m.Means {
		if d := int8(raw[i]); d != 0 {
			deviation := math.Sqrt(float64(packaged.Variances[i]))
			m.Means[i] += float32(float64(d) / precision * deviation)
		}
		if d := int8(raw[n+i]); d != 0 {
			m.Variances[i] *= float32(math.Exp(float64(d) / precision))
		}
	}
	for i := range m.Weights {
		m.Weights[i] += raw[2*n+i]
	}
	return m, nil
}

// fingerprint returns a hash of a model's parameters.
func fingerprint(m *acoustic.Model) (sum [sha256.Size]byte) {
	h := sha256.New()
	scratch := make([]byte, 0, 4*len(m.Means))
	for _, values := range [][]float32{m.Means, m.Variances} {
		scratch = scratch[:0]
		for _, v := range values {
			scratch = binary.LittleEndian.AppendUint32(scratch, math.Float32bits(v))
		}
		h.Write(scratch)
	}
	h.Write(m.Weights)
	h.Sum(sum[:0])
	return sum
}
