package patient

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// actFeatures is the number of features from which acts are known.
const actFeatures = 1 << 14

//go:embed acts.bin
var actsFile []byte

// acts tells from the words alone whether an utterance is an open question, an explanation, and so
// on: a linear classifier that was trained on the examples of all shipped scenarios. It knows a
// question about something that the scenario's examples of questions have other words for.
type acts struct {
	weights []int8 // by feature, then by act; in units of scale
	scale   float64
}

// loadActs reads the classifier that is part of the program.
func loadActs() *acts {
	a := &acts{weights: make([]int8, actFeatures*len(Acts()))}
	file := bytes.NewReader(actsFile)
	var scale float32
	if binary.Read(file, binary.LittleEndian, &scale) != nil ||
		binary.Read(file, binary.LittleEndian, a.weights) != nil {
		return &acts{weights: a.weights} // an empty file: each act is as likely
	}
	a.scale = float64(scale)
	return a
}

// actWords returns the features of words: each, each pair and each three in a row.
func actWords(words []string) []uint32 {
	var list []uint32
	padded := slices.Concat([]string{"<s>"}, words, []string{"</s>"})
	for i := range padded {
		for n := 1; n <= 3 && i+n <= len(padded); n++ {
			list = append(list, hashFeature('a', padded[i:i+n]...)%actFeatures)
		}
	}
	return list
}

// probabilities returns how likely each act is.
func (a *acts) probabilities(words []string) map[Act]float64 {
	list := Acts()
	z := make([]float64, len(list))
	active := actWords(words)
	scale := a.scale / math.Sqrt(float64(len(active)))
	for _, f := range active {
		for c := range z {
			z[c] += scale * float64(a.weights[int(f)*len(list)+c])
		}
	}
	top, sum := slices.Max(z), 0.0
	for c := range z {
		z[c] = math.Exp(z[c] - top)
		sum += z[c]
	}
	p := map[Act]float64{}
	for c, act := range list {
		p[act] = z[c] / sum
	}
	return p
}

// encode returns the file of a classifier.
func (m *linear) encode() ([]byte, error) {
	top := float32(0)
	used := m.weights[:actFeatures*m.classes]
	for _, w := range used {
		top = max(top, w, -w)
	}
	var out bytes.Buffer
	if err := binary.Write(&out, binary.LittleEndian, top/127); err != nil {
		return nil, fmt.Errorf("acts: %w", err)
	}
	for _, w := range used {
		out.WriteByte(byte(int8(math.Round(float64(w / top * 127)))))
	}
	return out.Bytes(), nil
}
