package acoustic_test

import (
	"encoding/binary"
	"math"
	"testing/fstest"

	"bedside/speech/asr/acoustic"
)

// smallSenones is how many the small model has: it has three phones, and no triphones.
const smallSenones = 3 * acoustic.States

// smallDefinition returns the file mdef of the small model.
func smallDefinition() []byte {
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	const phones, nodes = 3, 4
	out := append(u32(u32([]byte("BMDF"), 1), 4), "text"...)
	for _, n := range []uint32{
		phones, phones, acoustic.States, smallSenones, smallSenones, phones, phones, 3, nodes, 0,
	} {
		out = u32(out, n)
	}
	out = append(out, "SIL\x00AA\x00B\x00\x00\x00\x00"...)
	for position := range uint16(nodes) {
		out = u32(u16(u16(out, position), 0), math.MaxUint32)
	}
	for phone := range uint32(phones) {
		out = append(u32(u32(out, phone), phone), 0, 0, 0, 0)
	}
	out = u32(out, phones*acoustic.States)
	for senone := range uint16(smallSenones) {
		out = u16(out, senone)
	}
	return out
}

func smallGaussians(value float32) []byte {
	const total = 3 * acoustic.Streams * acoustic.Densities * acoustic.Size
	out := []byte("s3\nversion 1.0\nendhdr\n")
	for _, v := range []uint32{
		0x11223344, 3, acoustic.Streams, acoustic.Densities, acoustic.Size, acoustic.Size,
		acoustic.Size, total,
	} {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	for range total {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(value))
	}
	return out
}

func smallWeights() []byte {
	u32 := binary.LittleEndian.AppendUint32
	out := append(u32(nil, 4), "text"...)
	out = u32(u32(u32(out, 0), acoustic.Densities), smallSenones)
	return append(out, make([]byte, acoustic.Streams*acoustic.Densities*smallSenones)...)
}

// smallFiles are the files of the small model.
func smallFiles() fstest.MapFS {
	return fstest.MapFS{
		"mdef": {Data: smallDefinition()}, "means": {Data: smallGaussians(0)},
		"variances": {Data: smallGaussians(1)}, "sendump": {Data: smallWeights()},
	}
}
