package bus

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"bedside/speech/event"
	"bedside/speech/part"
	"bedside/store"

	"github.com/nats-io/nats.go"
)

// answers makes a worker of a test, which answers each message on a subject.
func answers(t *testing.T, b *Bus, subject string, answer func(part.Message) part.Message) {
	t.Helper()
	_, err := b.conn.Subscribe(subject, func(m *nats.Msg) {
		got, err := part.Parse(m.Data)
		if err != nil {
			t.Error(err)
			return
		}
		data, err := part.Marshal(answer(got))
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = b.subscribed()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRoomsCallActors(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir()})
	call := part.Call{
		Attempt: "a1", Generation: 1, Scenario: "s", Mode: store.ModePractice, Candidate: "u",
	}
	if _, _, err := b.CallActor(t.Context(), call); err != ErrNoWorker {
		t.Errorf("nobody answers: %v", err)
	}
	busy := func(part.Message) part.Message { return part.Busy{Place: 2} }
	answers(t, b, part.CallSubject, busy)
	if worker, place, err := b.CallActor(t.Context(), call); worker != "" || place != 2 ||
		err != nil {
		t.Errorf("all are busy: %q, place %d, %v", worker, place, err)
	}
	answers(t, b, part.CallSubject, func(m part.Message) part.Message {
		if !reflect.DeepEqual(m, call) {
			t.Errorf("the worker was asked %+v", m)
		}
		return part.Taken{Worker: "w"}
	})
	if worker, _, err := b.CallActor(t.Context(), call); worker != "w" || err != nil {
		t.Errorf("one is free: %q, %v", worker, err)
	}
	for _, stale := range []bool{false, true} {
		b := open(t, Config{Dir: t.TempDir()})
		answers(t, b, part.ConfirmSubject, func(part.Message) part.Message {
			return part.Reply{Stale: stale}
		})
		c := part.Confirm{Attempt: "a1", Generation: 1, Worker: "w"}
		if taken, err := b.ConfirmActor(t.Context(), c); taken == stale || err != nil {
			t.Errorf("stale %v: %v, %v", stale, taken, err)
		}
	}
}

func TestRoomsAndActorsTalk(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir()})
	heard := make(chan part.Alive, 1)
	act := part.Act{Generation: 3, Number: 1, Doing: part.Thinking}
	stop, err := b.ListenToActor("a1", func(a part.Act) part.Reply {
		return part.Reply{Stale: !reflect.DeepEqual(a, act)}
	}, func(a part.Alive) { heard <- a })
	if err != nil {
		t.Fatal(err)
	}
	data, err := part.Marshal(act)
	if err != nil {
		t.Fatal(err)
	}
	// With a context: other requests share timers with the tests that run in synctest's bubbles.
	m, err := b.conn.RequestWithContext(t.Context(), part.ActSubject("a1"), data)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := part.Parse(m.Data); err != nil || got != (part.Reply{}) {
		t.Errorf("the act was answered %+v, %v", got, err)
	}
	alive := part.Alive{Generation: 3, Ready: true, Recogniser: "ears"}
	if data, err = part.Marshal(alive); err != nil {
		t.Fatal(err)
	}
	if err := b.conn.Publish(part.AliveSubject("a1"), data); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != alive {
		t.Errorf("the room heard %+v", got)
	}
	stop()
	told := part.Told{Generation: 3, Number: 1, Notice: part.Talk{On: true}}
	answers(t, b, part.ToldSubject("a1"), func(m part.Message) part.Message {
		return part.Reply{Stale: !reflect.DeepEqual(m, told)}
	})
	if r, err := b.TellActor(t.Context(), "a1", told); r.Stale || err != nil {
		t.Errorf("told: %+v, %v", r, err)
	}
}

// The next media server reads the last snapshot.
func TestLastPatient(t *testing.T) {
	b, now := open(t, Config{Dir: t.TempDir()}), time.Now()
	if _, ok, err := b.LastPatient(t.Context(), "a1"); ok || err != nil {
		t.Errorf("there is none: %v, %v", ok, err)
	}
	for i := range 3 {
		b.RecordPatient("a1", now, event.Patient{
			Generation: 1, State: json.RawMessage(`{"turn":1}`), HeardTo: int64(i),
		})
	}
	if err := b.Suspend(t.Context(), "a1"); err != nil {
		t.Fatal(err)
	}
	got, ok, err := b.LastPatient(t.Context(), "a1")
	if err != nil || !ok || got.HeardTo != 2 || string(got.State) != `{"turn":1}` {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
}

// Somebody who listens does not wait for a whole batch.
func TestLiveTapPublishesAtOnce(t *testing.T) {
	b, now := open(t, Config{Dir: t.TempDir(), BatchTime: time.Hour}), time.Now()
	b.Open("a1", now, 1)
	b.SetLive("a1", true)
	b.RecordPatient("a1", now, event.Patient{Generation: 1, State: json.RawMessage(`{}`)})
	for {
		_, ok, err := b.LastPatient(t.Context(), "a1")
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
	}
}
