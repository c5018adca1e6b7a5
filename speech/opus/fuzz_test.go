package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"bedside/speech/frame"
)

// known reports whether an error explains to people what is wrong with their file.
func known(err error) bool {
	for _, e := range []error{ErrNotAudio, ErrTruncated, ErrDamaged, ErrUnsupported, ErrTooLong} {
		if errors.Is(err, e) {
			return true
		}
	}
	return err == nil
}

// readAll reads a file with each of the package's readers, 20 s of it at most.
func readAll(t *testing.T, file []byte) {
	for _, rate := range []int{SampleRate, 22050} {
		got, err := ReadAudio(bytes.NewReader(file), rate, 20*time.Second)
		if !known(err) || len(got) > 20*rate {
			t.Fatalf("%d samples, %v", len(got), err)
		}
		for i, v := range got {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("sample %d is %g", i, v)
			}
		}
	}
	src, err := NewPacketSource(bytes.NewReader(file), EncoderConfig{Complexity: 1})
	for n := 0; err == nil && n < 50; n++ {
		var p []byte
		var samples int
		if p, samples, _, err = src.Next(); err == nil {
			if d, err := PacketDuration(p); err != nil || d != samples {
				t.Fatalf("a packet of %d samples lasts %d: %v", samples, d, err)
			}
		}
	}
}

// checksummed corrects the checksum of every page, so that fuzzing reaches the code behind the
// check.
func checksummed(file []byte) []byte {
	file = bytes.Clone(file)
	for at := 0; ; {
		i := bytes.Index(file[at:], []byte("OggS"))
		if i < 0 || at+i+pageHeaderSize > len(file) {
			return file
		}
		at += i
		end := at + pageHeaderSize + int(file[at+26])
		if end > len(file) {
			return file
		}
		for _, n := range file[at+pageHeaderSize : end] {
			end += int(n)
		}
		if end > len(file) {
			return file
		}
		clear(file[at+22 : at+26])
		binary.LittleEndian.PutUint32(file[at+22:], pageSum(file[at:end]))
		at = end
	}
}

func FuzzOgg(f *testing.F) {
	sound := encode(f, voice(0.4, ClockRate), EncoderConfig{Bitrate: 8000, Complexity: 1})
	f.Add(recording(f, slots(sound)))
	f.Add(recording(f, slots(lossy(sound, func(i int) bool { return i%3 == 1 })),
		"TITLE=two words"))
	f.Add(foreign(f, sound, 312, 0xFA, 15*frame20ms+7))
	f.Add(recording(f, nil))
	f.Add([]byte("OggS"))
	f.Fuzz(func(t *testing.T, file []byte) {
		readAll(t, file)
		readAll(t, checksummed(file))
	})
}

func FuzzWAV(f *testing.F) {
	pcm := voice(0.02, SampleRate)
	for _, s := range []wavSpec{
		{format: wavPCM, bits: 8, channels: 1, rate: 8000, size: -1},
		{format: wavPCM, bits: 24, channels: 2, rate: 44100, size: math.MaxUint32},
		{format: wavFloat, bits: 64, channels: 3, rate: 16000, size: 0, extensible: true},
		{
			format: wavFloat, bits: 32, channels: 1, rate: 191999, size: -1,
			before: []byte("LIST\x01\x00\x00\x00a\x00"), magic: "RF64",
		},
	} {
		f.Add(wavFile(s, pcm))
	}
	f.Add([]byte{})
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVE"))
	f.Fuzz(func(t *testing.T, file []byte) { readAll(t, file) })
}

func FuzzAssembler(f *testing.F) {
	f.Add([]byte{0, 1, 20, 0, 0, 1, 20, 0, 0, 1, 20, 0}, uint16(65535), uint32(math.MaxUint32))
	f.Add(
		[]byte{
			0, 1, 20, 0, 0, 5, 255, 3, 0, 251, 1, 0, 64, 1, 20, 9, 128, 1, 20, 0, 192, 200, 20, 1,
		},
		uint16(0), uint32(0))
	f.Add(bytes.Repeat([]byte{16, 1, 20, 2}, 300), uint16(9), uint32(9))
	f.Add(bytes.Repeat([]byte{0, 1, 100, 0, 32, 7, 1, 1}, 200), uint16(9), uint32(9))
	f.Fuzz(func(t *testing.T, moves []byte, seq uint16, ts uint32) {
		shapes := [][]byte{
			{9 << 3, 1, 2}, {31 << 3}, {11 << 3, 1, 2, 3}, {16 << 3, 4, 5},
			{9<<3 | 3, 6, 1, 1, 1, 1, 1, 1}, {}, {3, 0}, {13 << 3, 0x60, 5},
		}
		var frames []frame.Frame
		at, latest, epoch := epochStart().UnixMicro(), int64(0), uint16(0)
		for ; len(moves) >= 4; moves = moves[4:] {
			how, step, wait, shape := moves[0], int8(moves[1]), int8(moves[2]), moves[3]
			seq += uint16(step)
			ts += uint32(int32(step) * frame20ms)
			switch how >> 5 { // most frames are ordinary, some jump
			case 1:
				ts += uint32(how&31) << 27
			case 2:
				seq += uint16(how&31) << 11
			case 3:
				epoch += uint16(how & 1)
			case 4:
				at += int64(how&31) * 1_000_000
			case 5:
				ts += uint32(how & 31)
			case 6:
				ts -= uint32(how&31) * frame20ms
			}
			at += int64(wait) * 1000
			latest = max(latest, at-epochStart().UnixMicro())
			frames = append(frames, frame.Frame{
				Epoch: epoch, Sequence: seq, Timestamp: ts, Arrival: at,
				Payload: shapes[int(shape)%len(shapes)],
			})
		}
		packets, _ := assemble(t, frames)
		if n := len(packets); n > 0 {
			bound := latest*48/1000 + 3*maxAhead
			if end := packets[n-1].Start; end > bound || end > timelineEnd {
				t.Fatalf("the time line reaches %d, the last frame arrived at %d", end,
					latest*48/1000)
			}
		}
	})
}

func FuzzDecoder(f *testing.F) {
	var seed []byte
	for _, p := range encode(f, voice(0.5, ClockRate), EncoderConfig{Complexity: 1}) {
		seed = append(append(seed, byte(len(p))), p...)
	}
	f.Add(seed)
	f.Add([]byte{
		1, 9 << 3, 0, 3, 9<<3 | 3, 255, 255, 2, 31 << 3, 0, 9, 15 << 3, 255, 0, 255, 0, 1, 2, 3, 4,
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		dec, err := NewDecoder()
		if err != nil {
			t.Fatal(err)
		}
		want, got, packets := 0, 0, 0
		for len(data) > 0 && packets < 100 {
			n := min(int(data[0]), len(data)-1)
			p := data[1 : 1+n]
			data = data[1+n:]
			d, err := PacketDuration(p)
			if err != nil {
				d = frame20ms
			}
			want += d / 3
			packets++
			got += len(dec.Decode(Packet{Payload: p, Filler: n == 1, Lost: n & 1}))
		}
		if got += len(dec.Flush()); got != want {
			t.Fatalf("%d samples, want %d", got, want)
		}
		if c := dec.Counts(); c.Analysed+c.Corrupt > packets {
			t.Fatalf("%d packets, %+v", packets, c)
		}
	})
}
