package opus

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// readPackets reads a source to its end.
func readPackets(t *testing.T, file []byte) (packets []Packet, levels []uint8, err error) {
	t.Helper()
	src, err := NewPacketSource(bytes.NewReader(file), EncoderConfig{})
	if err != nil {
		return nil, nil, err
	}
	for {
		p, samples, level, err := src.Next()
		if errors.Is(err, io.EOF) {
			return packets, levels, nil
		} else if err != nil {
			return packets, levels, err
		}
		packets = append(packets, Packet{Payload: bytes.Clone(p), Samples: samples})
		levels = append(levels, level)
	}
}

func TestSourceEncodesWAV(t *testing.T) {
	pcm := voice(3, 44100)
	packets, levels, err := readPackets(t,
		wavFile(wavSpec{format: wavPCM, bits: 16, channels: 2, rate: 44100, size: -1}, pcm))
	if err != nil || len(packets) != 151 { // 150, and one for the encoder's delay
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	got, _ := decode(t, packets)
	if ratio := power(got) / power(pcm); ratio < 0.7 || ratio > 1.3 {
		t.Errorf("power ratio %g", ratio)
	}
	if levels[20] > 40 || levels[140] < levels[20]+20 {
		t.Errorf("levels %d in speech, %d in the pause", levels[20], levels[140])
	}
}

func TestSourcePassesOggThrough(t *testing.T) {
	payloads := lossy(encode(t, voice(2, ClockRate), EncoderConfig{}), func(i int) bool {
		return i == 30
	})
	want := slots(payloads)
	got, levels, err := readPackets(t, recording(t, want))
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	for i := range got {
		if !bytes.Equal(got[i].Payload, want[i].Payload) || got[i].Samples != frame20ms {
			t.Fatalf("packet %d differs", i)
		}
	}
	if levels[20] > 40 {
		t.Errorf("level %d in speech", levels[20])
	}
	trimmed, _, err := readPackets(t, foreign(t, payloads[:30], 312, 0, 20*frame20ms+1))
	if err != nil || len(trimmed) != 21 {
		t.Errorf("%d packets of 20 ms and a sample, %v", len(trimmed), err)
	}
}

func TestSourceReencodesOtherDurations(t *testing.T) {
	var packets []Packet
	for _, p := range encode(t, voice(2, ClockRate), EncoderConfig{}) {
		joined := append([]byte{p[0] | 1}, p[1:]...) // the same frame twice: 40 ms
		packets = append(packets, Packet{
			Payload: append(joined, p[1:]...), Samples: 2 * frame20ms,
		})
	}
	got, _, err := readPackets(t, recording(t, packets))
	if err != nil || len(got) != 201 {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	for i, p := range got {
		if p.Samples != frame20ms {
			t.Fatalf("packet %d lasts %d", i, p.Samples)
		}
	}
}

func TestSourceRefusesInvalidFiles(t *testing.T) {
	wav := wavFile(wavSpec{format: wavPCM, bits: 16, channels: 1, rate: SampleRate, size: -1},
		make([]float32, 9000))
	for _, c := range []struct {
		file []byte
		want error
	}{
		{nil, ErrNotAudio}, {recording(t, nil), ErrNotAudio}, {wav[:9000], ErrTruncated},
		{wav[:20], ErrTruncated}, {[]byte("fLaC"), ErrUnsupported},
	} {
		if _, _, err := readPackets(t, c.file); !errors.Is(err, c.want) {
			t.Errorf("%d bytes: %v, want %v", len(c.file), err, c.want)
		}
	}
}

func TestLevel(t *testing.T) {
	square := []float32{1, -1, 1, -1}
	tenth := []float32{0.1, -0.1, 0.1, -0.1}
	for want, pcm := range map[uint8][]float32{0: square, 20: tenth, 127: make([]float32, 9)} {
		if got := Level(pcm); got != want {
			t.Errorf("level %d, want %d", got, want)
		}
	}
}
