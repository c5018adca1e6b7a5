package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

// wavSpec describes a WAV file for a test.
type wavSpec struct {
	format     uint16
	bits       int
	channels   int
	rate       int
	extensible bool
	before     []byte // chunks between format and data
	size       int64  // size of the data in its header; -1: the true one
	magic      string
}

// wavFile returns a WAV file with the same sound in every channel.
func wavFile(s wavSpec, pcm []float32) []byte {
	var data []byte
	for _, v := range pcm {
		for range s.channels {
			data = appendSample(data, s, float64(v))
		}
	}
	le := binary.LittleEndian
	align := s.channels * s.bits / 8
	tag, length := s.format, 16
	if s.extensible {
		tag, length = wavExtensible, 40
	}
	f := le.AppendUint16(nil, tag)
	f = le.AppendUint16(f, uint16(s.channels))
	f = le.AppendUint32(f, uint32(s.rate))
	f = le.AppendUint32(f, uint32(s.rate*align))
	f = le.AppendUint16(f, uint16(align))
	f = le.AppendUint16(f, uint16(s.bits))
	if s.extensible {
		f = le.AppendUint16(f, 22)
		f = le.AppendUint16(f, uint16(s.bits))
		f = le.AppendUint32(f, 0)
		f = le.AppendUint16(f, s.format)
		f = append(f, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71)
	}
	size := uint32(len(data))
	if s.size >= 0 {
		size = uint32(s.size)
	}
	magic := s.magic
	if magic == "" {
		magic = "RIFF"
	}
	out := append([]byte(magic), 0xff, 0xff, 0xff, 0xff)
	out = append(out, "WAVEfmt "...)
	out = le.AppendUint32(out, uint32(length))
	out = append(append(out, f...), s.before...)
	out = append(out, "data"...)
	return append(le.AppendUint32(out, size), data...)
}

func appendSample(dst []byte, s wavSpec, v float64) []byte {
	le := binary.LittleEndian
	switch {
	case s.format == wavFloat && s.bits == 64:
		return le.AppendUint64(dst, math.Float64bits(v))
	case s.format == wavFloat:
		return le.AppendUint32(dst, math.Float32bits(float32(v)))
	case s.bits == 8:
		return append(dst, byte(math.Round(v*128)+128))
	case s.bits == 16:
		return le.AppendUint16(dst, uint16(int16(math.Round(v*(1<<15)))))
	case s.bits == 24:
		u := uint32(int32(math.Round(v * (1 << 23))))
		return append(dst, byte(u), byte(u>>8), byte(u>>16))
	default:
		return le.AppendUint32(dst, uint32(int32(math.Round(v*(1<<31)))))
	}
}

func TestWAVFormats(t *testing.T) {
	pcm := voice(0.5, SampleRate)
	for _, s := range []wavSpec{
		{format: wavPCM, bits: 8}, {format: wavPCM, bits: 16},
		{format: wavPCM, bits: 24}, {format: wavPCM, bits: 32},
		{format: wavFloat, bits: 32}, {format: wavFloat, bits: 64},
	} {
		for _, channels := range []int{1, 2, 6} {
			for _, extensible := range []bool{false, true} {
				s.channels, s.extensible, s.rate, s.size = channels, extensible, SampleRate, -1
				got, err := ReadAudio(bytes.NewReader(wavFile(s, pcm)), SampleRate, 0)
				if err != nil || len(got) != len(pcm) {
					t.Errorf("%+v: %d samples, %v", s, len(got), err)
					continue
				}
				tolerance := math.Pow(2, -float64(min(s.bits, 24))) * 1.01
				for i := range got {
					if math.Abs(float64(got[i]-pcm[i])) > tolerance {
						t.Errorf("%+v: sample %d is %g, want %g", s, i, got[i], pcm[i])
						break
					}
				}
			}
		}
	}
}

func TestWAVStereoIsMixed(t *testing.T) {
	file := wavFile(wavSpec{format: wavPCM, bits: 16, channels: 2, rate: SampleRate, size: -1},
		make([]float32, 100))
	sound := file[len(file)-400:]
	for i := range 100 {
		binary.LittleEndian.PutUint16(sound[4*i:], 16384) // left channel only
	}
	got, err := ReadAudio(bytes.NewReader(file), SampleRate, 0)
	if err != nil || len(got) != 100 || got[50] != 0.25 {
		t.Errorf("%d samples, %v", len(got), err)
	}
}

func TestWAVChunksAndSizes(t *testing.T) {
	pcm := voice(0.2, SampleRate)
	plain := wavSpec{format: wavPCM, bits: 16, channels: 1, rate: SampleRate, size: -1}
	want, err := ReadAudio(bytes.NewReader(wavFile(plain, pcm)), SampleRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	list := []byte("LIST\x05\x00\x00\x00hello\x00") // an odd length is padded
	ds64 := append([]byte("ds64\x1c\x00\x00\x00"), make([]byte, 28)...)
	binary.LittleEndian.PutUint64(ds64[16:], uint64(2*len(pcm)))
	for name, file := range map[string][]byte{
		"odd chunk before": wavFile(wavSpec{wavPCM, 16, 1, SampleRate, false, list, -1, ""},
			pcm),
		"chunk after": append(wavFile(plain, pcm), list...),
		"size zero":   wavFile(wavSpec{wavPCM, 16, 1, SampleRate, false, nil, 0, ""}, pcm),
		"size of a pipe": wavFile(
			wavSpec{wavPCM, 16, 1, SampleRate, false, nil, math.MaxUint32, ""}, pcm),
		"size of sox's pipe": wavFile(
			wavSpec{wavPCM, 16, 1, SampleRate, false, nil, 0x7FFFF000, ""}, pcm),
		"64-bit size": append(
			wavFile(wavSpec{wavPCM, 16, 1, SampleRate, false, ds64, math.MaxUint32, "RF64"}, pcm),
			list...),
	} {
		got, err := ReadAudio(iotest.OneByteReader(bytes.NewReader(file)), SampleRate, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		equalSamples(t, want, got)
	}
}

func TestInvalidWAVIsRefused(t *testing.T) {
	pcm := make([]float32, 1000)
	ok := wavSpec{format: wavPCM, bits: 16, channels: 1, rate: SampleRate, size: -1}
	with := func(change func(s *wavSpec)) []byte {
		s := ok
		change(&s)
		return wavFile(s, pcm)
	}
	nan := wavFile(wavSpec{format: wavFloat, bits: 32, channels: 1, rate: SampleRate, size: -1},
		[]float32{0, float32(math.NaN())})
	loud := wavFile(wavSpec{format: wavFloat, bits: 32, channels: 1, rate: SampleRate, size: -1},
		[]float32{0, 32767})
	noFormat := append([]byte("RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00"), 1, 2, 3, 4)
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, ErrNotAudio},
		{"one byte", []byte("R"), ErrNotAudio},
		{"text", []byte("hello, this is not sound"), ErrNotAudio},
		{"MP3 that is only a tag", []byte("ID3\x04 and so on and on"), ErrTruncated},
		{"MP4", []byte("\x00\x00\x00\x18ftypM4A "), ErrUnsupported},
		{"WebM", []byte("\x1aE\xdf\xa3 and so on"), ErrUnsupported},
		{"AVI", []byte("RIFF\x00\x00\x00\x00AVI LIST"), ErrUnsupported},
		{"A-law", with(func(s *wavSpec) { s.format, s.bits = 6, 8 }), ErrUnsupported},
		{"no channels", with(func(s *wavSpec) { s.channels = 0 }), ErrUnsupported},
		{"slow", with(func(s *wavSpec) { s.rate = 4000 }), ErrUnsupported},
		{"fast", with(func(s *wavSpec) { s.rate = 384000 }), ErrUnsupported},
		{"half float", with(func(s *wavSpec) { s.format = wavFloat }), ErrUnsupported},
		{"cut header", with(func(*wavSpec) {})[:30], ErrTruncated},
		{
			"cut chunk", with(func(s *wavSpec) { s.before = []byte("LIST\xff\xff\xff\x00") }),
			ErrTruncated,
		},
		{"cut sound", with(func(*wavSpec) {})[:1000], ErrTruncated},
		{"cut sample", with(func(s *wavSpec) { s.size = 0 })[:1001], ErrTruncated},
		{"no sound", wavFile(ok, nil), ErrNotAudio},
		{"not a number", nan, ErrDamaged},
		{"beyond scale", loud, ErrDamaged},
		{"no format", noFormat, ErrDamaged},
	} {
		_, err := ReadAudio(bytes.NewReader(c.file), SampleRate, 0)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := ReadAudio(strings.NewReader(""), SampleRate,
		0); !strings.Contains(err.Error(), "the file is empty") {
		t.Errorf("empty: %v", err)
	}
	if _, err := OpenAudio(strings.NewReader(""), 1, 0); !errors.Is(err, ErrUnsupported) {
		t.Errorf("rate 1: %v", err)
	}
}

func TestErrorsOfTheReaderAreReturned(t *testing.T) {
	errNet := errors.New("connection reset")
	file := wavFile(wavSpec{format: wavPCM, bits: 16, channels: 1, rate: 44100, size: -1},
		make([]float32, 9000))
	ogg := recording(t, slots(encode(t, voice(3, ClockRate), EncoderConfig{})))
	for _, data := range [][]byte{nil, file[:5000], ogg[:5000], ogg[:100]} {
		if _, err := ReadAudio(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errNet)),
			SampleRate, 0); !errors.Is(err, errNet) {
			t.Errorf("after %d bytes: %v", len(data), err)
		}
	}
}

func TestTruncatedWAVReturnsTheSamplesBeforeTheCut(t *testing.T) {
	pcm := voice(0.5, SampleRate)
	file := wavFile(wavSpec{format: wavFloat, bits: 32, channels: 1, rate: SampleRate, size: -1},
		pcm)
	got, err := ReadAudio(bytes.NewReader(file[:len(file)-401]), SampleRate, 0)
	if !errors.Is(err, ErrTruncated) {
		t.Errorf("%v", err)
	}
	equalSamples(t, pcm[:len(pcm)-101], got)
}

func TestReadInPiecesOfAnySize(t *testing.T) {
	file := wavFile(wavSpec{format: wavPCM, bits: 16, channels: 1, rate: 44100, size: -1},
		voice(0.5, 44100))
	want, err := ReadAudio(bytes.NewReader(file), SampleRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenAudio(bytes.NewReader(file), SampleRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Format != "WAV, 44100 Hz, 1 channels, 16 bits" {
		t.Errorf("format %q", a.Format)
	}
	var got []float32
	for size := 1; ; size = size*3%1009 + 1 {
		piece := make([]float32, size)
		n, err := a.Read(piece)
		got = append(got, piece[:n]...)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	equalSamples(t, want, got)
}
