package frame

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func sample() Batch {
	return Batch{Dropped: 3, Frames: []Frame{
		{Epoch: 1, Sequence: 65535, Timestamp: 1 << 31, Arrival: 1_790_000_000_123_456, Payload: []byte{0x78, 1, 2}},
		{Epoch: 1, Sequence: 0, Timestamp: 960, Arrival: -5, Payload: bytes.Repeat([]byte{7}, MaxPayload)},
	}}
}

func TestBatchRoundTrip(t *testing.T) {
	for name, want := range map[string]Batch{"heartbeat": {}, "drops only": {Dropped: 9}, "frames": sample()} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseBatch(want.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestEveryCutIsNoticed(t *testing.T) {
	whole := Batch{Frames: sample().Frames[:1]}.Append(nil)
	for n := range whole {
		if n == 2 { // version and drops alone make a heartbeat
			continue
		}
		if _, err := ParseBatch(whole[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut at %d: got %v", n, err)
		}
	}
}

func TestLimits(t *testing.T) {
	long := Batch{Frames: []Frame{{Payload: make([]byte, MaxPayload+1)}}}
	if _, err := ParseBatch(long.Append(nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a payload over the limit: got %v", err)
	}
	many := Batch{Frames: make([]Frame, MaxFrames+1)}
	if _, err := ParseBatch(many.Append(nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("too many frames: got %v", err)
	}
}

func TestSubjects(t *testing.T) {
	for subject, want := range map[string]struct {
		kind    Kind
		speaker string
	}{
		AudioSubject("a-1", "patient"): {KindAudio, "patient"},
		AliveSubject("a-1"):            {KindAlive, ""},
		EndSubject("a-1"):              {KindEnd, ""},
	} {
		if kind, speaker, err := ParseAudioSubject(subject); kind != want.kind || speaker != want.speaker || err != nil {
			t.Errorf("%s: got %v %q %v", subject, kind, speaker, err)
		}
	}
	for _, bad := range []string{"", "audio.a", "audio.a.b.c", "audio.*.b", "audio.a.>", "video.a.b"} {
		if _, _, err := ParseAudioSubject(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzParseBatch(f *testing.F) {
	f.Add(sample().Append(nil))
	f.Add(Batch{}.Append(nil))
	f.Add([]byte{1, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBatch(data)
		if err != nil {
			return
		}
		again, err := ParseBatch(b.Append(nil))
		if err != nil || !reflect.DeepEqual(b, again) {
			t.Errorf("a batch that was read does not survive being written: %v", err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	batch := Batch{Frames: make([]Frame, 10)}
	for i := range batch.Frames {
		batch.Frames[i] = Frame{Sequence: uint16(i), Timestamp: uint32(i * 960), Arrival: 1_790_000_000_000_000, Payload: make([]byte, 80)}
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = batch.Append(buf[:0])
	}
}
