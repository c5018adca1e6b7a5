package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

func sample() Batch {
	return Batch{Dropped: 3, Frames: []Frame{
		{
			Epoch: 1, Sequence: 65535, Timestamp: 1 << 31, Arrival: 1_790_000_000_123_456,
			Payload: []byte{0x78, 1, 2},
		},
		{
			Epoch: 1, Sequence: 0, Timestamp: 960, Arrival: -5,
			Payload: bytes.Repeat([]byte{7}, MaxPayload),
		},
	}}
}

func TestBatchRoundTrip(t *testing.T) {
	for name, want := range map[string]Batch{
		"empty": {}, "drops only": {Dropped: 9}, "frames": sample(),
	} {
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

func TestParseBatchRefusesTruncatedBatch(t *testing.T) {
	whole := Batch{Frames: sample().Frames[:1]}.Append(nil)
	for n := range whole {
		if n == 2 { // a version and a number of drops are a whole batch
			continue
		}
		if _, err := ParseBatch(whole[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut at %d: got %v", n, err)
		}
	}
}

func TestParseBatchRefusesWhatIsOverALimit(t *testing.T) {
	long := Batch{Frames: []Frame{{Payload: make([]byte, MaxPayload+1)}}}
	if _, err := ParseBatch(long.Append(nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a payload over the limit: got %v", err)
	}
	many := Batch{Frames: make([]Frame, MaxFrames+1)}
	if _, err := ParseBatch(many.Append(nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("too many frames: got %v", err)
	}
}

func TestParseAudioSubject(t *testing.T) {
	for subject, want := range map[string]struct {
		kind    Kind
		speaker string
	}{
		AudioSubject("a-1", "patient"): {KindAudio, "patient"},
		AliveSubject("a-1"):            {KindAlive, ""},
		EventSubject("a-1"):            {KindEvents, ""},
		ClockSubject("a-1"):            {KindEvents, ""},
		EndSubject("a-1"):              {KindEnd, ""},
	} {
		if kind, speaker, err := ParseAudioSubject(subject); kind != want.kind ||
			speaker != want.speaker || err != nil {
			t.Errorf("%s: got %v %q %v", subject, kind, speaker, err)
		}
	}
	for _, bad := range []string{
		"", "audio.a", "audio.a.b.c", "audio.*.b", "audio.a.>", "video.a.b",
	} {
		if _, _, err := ParseAudioSubject(bad); err == nil {
			t.Errorf("%q was accepted", bad)
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
			t.Errorf("a batch changes when it is written and read again: %v", err)
		}
	})
}

func FuzzParseJob(f *testing.F) {
	f.Add([]byte(`{"attempt_id":"a-1","started_at":"2026-01-02T03:04:05.678901Z"}`))
	f.Add([]byte(`{"attempt_id":"a.b","started_at":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"started_at":"0001-01-01T00:00:00Z"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		job, err := ParseJob(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseJob(again); err != nil || got.AttemptID != job.AttemptID ||
			!got.StartedAt.Equal(job.StartedAt) || !ValidToken(job.AttemptID) {
			t.Errorf("%s becomes %s: %v", data, again, err)
		}
	})
}

func FuzzParseAudioSubject(f *testing.F) {
	f.Add(AudioSubject("a", "candidate"))
	f.Add(EndSubject("a"))
	f.Add(AliveSubject("a"))
	f.Add("audio..")
	f.Fuzz(func(t *testing.T, subject string) {
		kind, speaker, err := ParseAudioSubject(subject)
		if err == nil && (kind == KindAudio) != ValidSpeaker(speaker) {
			t.Errorf("%q: %v %q", subject, kind, speaker)
		}
	})
}

func TestParseJob(t *testing.T) {
	good := `{"attempt_id":"a-1","started_at":"2026-01-02T03:04:05.678901Z"}`
	job, err := ParseJob([]byte(good))
	if want := (Job{
		AttemptID: "a-1", StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
	}); err != nil || job != want {
		t.Errorf("got %+v, %v", job, err)
	}
	if again, err := json.Marshal(job); err != nil || string(again) != good {
		t.Errorf("written again: %s, %v", again, err)
	}
	for _, bad := range []string{
		"", "null", "{}", `{"attempt_id":"a"}`, `{"attempt_id":"a","started_at":"soon"}`,
		`{"attempt_id":"a.b","started_at":"2026-01-02T03:04:05Z"}`,
	} {
		if job, err := ParseJob([]byte(bad)); err == nil {
			t.Errorf("%s was read as %+v", bad, job)
		}
	}
}

func TestValidSpeakerRefusesMarkers(t *testing.T) {
	for name, want := range map[string]bool{
		"candidate": true, "patient": true, "end": false, "alive": false, "events": false,
		"clock": false, "": false, "a.b": false, "*": false,
	} {
		if got := ValidSpeaker(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	batch := Batch{Frames: make([]Frame, 10)}
	for i := range batch.Frames {
		batch.Frames[i] = Frame{
			Sequence: uint16(i), Timestamp: uint32(i * 960), Arrival: 1_790_000_000_000_000,
			Payload: make([]byte, 80),
		}
	}
	data := batch.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseBatch(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	batch := Batch{Frames: make([]Frame, 10)}
	for i := range batch.Frames {
		batch.Frames[i] = Frame{
			Sequence: uint16(i), Timestamp: uint32(i * 960), Arrival: 1_790_000_000_000_000,
			Payload: make([]byte, 80),
		}
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = batch.Append(buf[:0])
	}
}
