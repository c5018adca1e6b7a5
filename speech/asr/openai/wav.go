package openai

import (
	"encoding/binary"
	"math"

	"bedside/speech/asr"
)

// wav returns samples as a WAV file of 16 bits.
func wav(samples []float32) []byte {
	const header = 44
	size := 2 * len(samples)
	b := make([]byte, 0, header+size)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(header-8+size))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channels
	b = binary.LittleEndian.AppendUint32(b, asr.SampleRate)
	b = binary.LittleEndian.AppendUint32(b, 2*asr.SampleRate)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	for _, v := range samples {
		b = binary.LittleEndian.AppendUint16(b,
			uint16(int16(math.Round(max(-1, min(1, float64(v)))*math.MaxInt16))))
	}
	return b
}
