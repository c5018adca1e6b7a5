// Package acoustic reads, scores and writes acoustic models of pocketsphinx whose Gaussians are
// tied by phone (PTM), such as the packaged model of US English.
//
// Such a model describes how the states of phones sound. Each phone has a codebook: 128 Gaussian
// densities for each of three streams of 13 features (cepstra, their changes, the changes of
// those). A state, called senone, belongs to a codebook and has a weight for each density. A phone
// between two other phones (a triphone) is three senones, which the model definition names.
//
// Three files hold what adaptation changes: means, variances and weights (sendump). All else, such
// as the definition, stays as packaged.
package acoustic

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dimensions of the models that this package reads.
const (
	Streams   = 3
	Size      = 13 // features of a stream
	Densities = 128
	States    = 3 // of a phone
)

// ErrFormat is returned for files that are not those of a PTM model with the package's dimensions.
var ErrFormat = errors.New("not an acoustic model of the expected form")

// Files are the files of a model that adaptation changes.
func Files() []string { return []string{"means", "variances", "sendump"} }

// Model is an acoustic model. Reading it from several goroutines is safe while none changes it.
type Model struct {
	Definition *Definition
	// Means and Variances have a Gaussian of Size values for each codebook, stream and density.
	Means, Variances []float32
	// Weights are the senones' weights as the file has them: a byte for each stream, density and
	// senone, a logarithm; see Weight.
	Weights []uint8
	header  []byte // of sendump
}

// Read reads a model from its folder.
func Read(folder fs.FS) (*Model, error) {
	d, err := readDefinition(folder)
	if err != nil {
		return nil, err
	}
	m := &Model{Definition: d}
	if m.Means, err = readGaussians(folder, "means", len(d.Phones)); err != nil {
		return nil, err
	}
	if m.Variances, err = readGaussians(folder, "variances", len(d.Phones)); err != nil {
		return nil, err
	}
	m.header, m.Weights, err = readWeights(folder, d.Senones())
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Write writes the Files into a folder.
func (m *Model) Write(folder string) error {
	for name, data := range m.Encode() {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return fmt.Errorf("acoustic model: %w", err)
		}
	}
	return nil
}

// Encode returns the contents of Files by their names.
func (m *Model) Encode() map[string][]byte {
	return map[string][]byte{
		"means":     encodeGaussians(m.Means, len(m.Definition.Phones)),
		"variances": encodeGaussians(m.Variances, len(m.Definition.Phones)),
		"sendump":   append(append([]byte(nil), m.header...), m.Weights...),
	}
}

// Clone returns a copy whose parameters can be changed.
func (m *Model) Clone() *Model {
	return &Model{
		Definition: m.Definition,
		Means:      append([]float32(nil), m.Means...),
		Variances:  append([]float32(nil), m.Variances...),
		Weights:    append([]uint8(nil), m.Weights...),
		header:     m.header,
	}
}

// Gaussian returns where a density begins in Means and Variances.
func Gaussian(codebook, stream, density int) int {
	return ((codebook*Streams+stream)*Densities + density) * Size
}

// WeightAt returns where the weight of a senone is in Weights.
func (m *Model) WeightAt(stream, density, senone int) int {
	return (stream*Densities+density)*m.Definition.Senones() + senone
}
