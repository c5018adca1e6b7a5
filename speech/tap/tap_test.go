package tap

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"bedside/sfu"
	"bedside/speech/bus"
	"bedside/speech/frame"
	"bedside/store"
)

func TestPacketsOfSpeakersReachTheLog(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	b, err := bus.Open(t.Context(), bus.Config{Dir: t.TempDir()}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	const attempt = "a1"
	audio, now := NewAudio(b, log), time.Now()
	if err := audio.Begin(t.Context(), attempt, now); err != nil {
		t.Fatal(err)
	}
	tap := audio.Tap(attempt, now, 0)
	if s := tap.Sink(attempt, "observer"); s != nil {
		t.Errorf("an observer's track has the sink %v", s)
	}
	sink := tap.Sink(attempt, "candidate")
	if sink == nil {
		t.Fatal("the candidate's track has no sink")
	}
	sink.WriteRTP(&sfu.Packet{Sequence: 7, Timestamp: 960, Arrival: now, Payload: []byte{1, 2}})
	sink.WriteRTP(&sfu.Packet{Sequence: 8, Timestamp: 1920, Arrival: now}) // padding only
	sink.Close()
	if err := audio.Finish(t.Context(), attempt); err != nil {
		t.Fatal(err)
	}
	claim, err := b.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	for {
		d, err := claim.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d.End {
			break
		}
		for _, f := range d.Batch.Frames {
			frames++
			want := frame.Frame{
				Epoch: f.Epoch, Sequence: 6 + uint16(frames), Timestamp: 960 * uint32(frames),
				Arrival: now.UnixMicro(), Payload: []byte{1, 2},
			}
			if frames == 2 {
				want.Payload = []byte{}
			}
			if d.Speaker != "candidate" || !reflect.DeepEqual(f, want) {
				t.Errorf("%s: %+v", d.Speaker, f)
			}
		}
	}
	if frames != 2 {
		t.Errorf("the log has %d frames, want 2", frames)
	}
	if err := claim.Done(t.Context()); err != nil {
		t.Error(err)
	}
}

// The next media server reads the clock as the room has recorded it.
func TestClockReachesTheLog(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	b, err := bus.Open(t.Context(), bus.Config{Dir: t.TempDir()}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	const attempt = "a1"
	audio, now := NewAudio(b, log), time.Now()
	if err := audio.Begin(t.Context(), attempt, now); err != nil {
		t.Fatal(err)
	}
	want := store.PlayClock{Left: 4 * time.Minute, Partner: true, Stood: 90 * time.Second}
	audio.Tap(attempt, now, 0).Clock(want, now)
	if err := audio.Suspend(t.Context(), attempt); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := audio.LastClock(t.Context(), attempt); got != want || !ok || err != nil {
		t.Errorf("%+v, %v, %v; want %+v", got, ok, err, want)
	}
}
