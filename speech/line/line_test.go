package line

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"testing"
	"time"

	"bedside/speech/dsp"
	"bedside/speech/opus"
)

// wav returns a WAV file of 16 bits and one channel.
func wav(rate int, pcm []float64) []byte {
	data := make([]byte, 0, 2*len(pcm))
	for _, x := range pcm {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(x*32767)))
	}
	head := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+len(data)))...)
	head = append(head, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	head = binary.LittleEndian.AppendUint32(head, uint32(rate))
	head = binary.LittleEndian.AppendUint32(head, uint32(2*rate))
	head = append(head, "\x02\x00\x10\x00data"...)
	return append(binary.LittleEndian.AppendUint32(head, uint32(len(data))), data...)
}

// voice returns syllables of a low tone with pauses, whose peaks have a level in dBFS.
func voice(rate int, seconds, db float64) []float64 {
	pcm := make([]float64, int(seconds*float64(rate)))
	for i := range pcm {
		at := float64(i) / float64(rate)
		envelope := math.Abs(math.Sin(2 * math.Pi * 2 * at))
		if math.Mod(at, 2) > 1.4 {
			envelope = 0
		}
		pcm[i] = math.Pow(10, db/20) * envelope *
			(0.7*math.Sin(2*math.Pi*180*at) + 0.3*math.Sin(2*math.Pi*1260*at))
	}
	return pcm
}

// measure decodes a file and returns its length, loudness and peak.
func measure(t *testing.T, file []byte) (time.Duration, float64, float64) {
	t.Helper()
	pcm, err := opus.ReadAudio(bytes.NewReader(file), opus.ClockRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := dsp.NewLoudness(1)
	l.Add(pcm)
	return time.Duration(len(pcm)) * time.Second / opus.ClockRate, l.Integrated(), l.TruePeak()
}

func TestLinesAreEquallyLoud(t *testing.T) {
	for name, c := range map[string]struct {
		rate int
		db   float64
	}{"quiet": {16000, -40}, "loud": {44100, -1}, "medium": {48000, -20}, "phone": {8000, -25}} {
		var out bytes.Buffer
		facts, err := Encode(t.Context(), bytes.NewReader(wav(c.rate, voice(c.rate, 4, c.db))),
			&out)
		if err != nil {
			t.Fatal(name, err)
		}
		length, loudness, peak := measure(t, out.Bytes())
		if math.Abs(loudness-Target) > 0.5 || math.Abs(facts.Loudness-Target) > 0.01 {
			t.Errorf("%s: %.2f LUFS, said %.2f", name, loudness, facts.Loudness)
		}
		if peak > MaxPeak+1 {
			t.Errorf("%s: %.2f dBTP", name, peak)
		}
		if facts.Duration != 4*time.Second || length < 4*time.Second ||
			length > 4*time.Second+50*time.Millisecond {
			t.Errorf("%s: said %v, is %v", name, facts.Duration, length)
		}
	}
}

// TestPeaksLimitTheLoudness encodes clicks: at -23 LUFS their peaks would be far above full scale.
func TestPeaksLimitTheLoudness(t *testing.T) {
	pcm := make([]float64, 3*48000)
	for i := range pcm {
		pcm[i] = 0.002 * math.Sin(float64(i)/20)
		if i%24000 < 4 {
			pcm[i] = 0.3
		}
	}
	facts, err := Encode(t.Context(), bytes.NewReader(wav(48000, pcm)), io.Discard)
	if err != nil || facts.TruePeak > MaxPeak+1e-9 || facts.Loudness > Target-3 {
		t.Errorf("%+v, %v", facts, err)
	}
}

func TestMP3IsRead(t *testing.T) {
	file, err := os.ReadFile("../opus/testdata/tone.mp3")
	if err != nil {
		t.Fatal(err)
	}
	facts, err := Encode(t.Context(), bytes.NewReader(file), io.Discard)
	if err != nil || facts.Duration < time.Second || facts.Duration > 1150*time.Millisecond {
		t.Errorf("%+v, %v", facts, err)
	}
}

func TestUnreadableLines(t *testing.T) {
	mp3, err := os.ReadFile("../opus/testdata/tone.mp3")
	if err != nil {
		t.Fatal(err)
	}
	good := wav(48000, voice(48000, 1, -20))
	lying := bytes.Clone(good)
	binary.LittleEndian.PutUint32(lying[40:], 1<<24) // bytes of sound
	manyChannels := bytes.Clone(good)
	binary.LittleEndian.PutUint16(manyChannels[22:], 65535)
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty": {nil, ErrUnreadable}, "a page": {[]byte("<html>sound"), ErrUnreadable},
		"silence":   {wav(48000, make([]float64, 48000)), ErrSilent},
		"no sound":  {wav(48000, nil), ErrUnreadable},
		"truncated": {good[:len(good)/2], ErrUnreadable}, "lying": {lying, ErrUnreadable},
		"channels":   {manyChannels, ErrUnreadable},
		"only a tag": {[]byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"), ErrUnreadable},
		"too long":   {wav(8000, voice(8000, 3, -20)), ErrTooLong},
		"hours":      {bytes.Repeat(mp3, 3000), ErrTooLong},
	} {
		if _, err := encode(t.Context(), bytes.NewReader(c.file), io.Discard,
			2*time.Second); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Encode(ctx, bytes.NewReader(good), io.Discard); !errors.Is(err,
		context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestHostileSoundsNeedLittleMemory checks what is allocated, in all, for files that claim much.
func TestHostileSoundsNeedLittleMemory(t *testing.T) {
	good := wav(48000, voice(48000, 1, -20))
	lying := bytes.Clone(good)
	binary.LittleEndian.PutUint32(lying[40:], 0xfffffff0)
	for name, file := range map[string][]byte{
		"a tag that claims 256 MB": append([]byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"),
			make([]byte, 1000)...),
		"a WAV that claims 4 GB": lying,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Encode(t.Context(), bytes.NewReader(file), io.Discard)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

func FuzzEncode(f *testing.F) {
	mp3, err := os.ReadFile("../opus/testdata/tone.mp3")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(mp3[:2000])
	f.Add(wav(16000, voice(16000, 0.2, -20)))
	f.Fuzz(func(t *testing.T, file []byte) {
		facts, err := Encode(t.Context(), bytes.NewReader(file), io.Discard)
		if err == nil && (facts.Duration <= 0 || facts.Duration > Limit) {
			t.Errorf("%+v", facts)
		}
	})
}
