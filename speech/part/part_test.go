package part

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"bedside/store"
)

func samples() []Message {
	trust := 40
	return []Message{
		Call{
			Attempt: "a-1", Generation: 2, Since: 5, Scenario: "s", Version: 3,
			Mode: store.ModePractice, Candidate: "u", StartedAt: 7,
			Clock: &Clock{At: 8, StartedAt: 7, Played: 1},
			State: json.RawMessage(`{"a":1}`), HeardTo: 9, Saying: "l",
		},
		Taken{"w"}, Busy{1}, Confirm{"a", 1, "w"}, AskStatus{},
		Status{Worker: "w", Slots: 2, Free: 1},
		Act{
			Generation: 1, Number: 2, Events: json.RawMessage(`[]`), HeardTo: 4, StopSaying: true,
			Say: &Line{
				ID: "l", Text: "It's the needles.", Frames: [][]byte{{1}, {2, 3}},
				Levels: []byte{20, 127},
			},
			Doing: Listening, Mood: &Mood{Emotion: "warm", Trust: &trust},
			Caption: &Caption{"what worries you", true}, Hint: "h", OfferTyping: true,
		},
		Alive{Generation: 1, Ready: true, Recogniser: "pocketsphinx"}, Reply{Stale: true},
		Told{1, 1, Clock{At: 5, StartedAt: 4, Played: 1, Running: true}},
		Told{1, 2, Played{Line: "l", From: 1, To: 2, Cut: true}},
		Told{1, 3, Typed{"hello", 3}}, Told{1, 4, Talk{true, 3}},
		Told{1, 5, Heard{[]Word{{"hello", 1, 2, 0.5}}, true}},
		Told{1, 6, Control{Again, 5}}, Told{1, 7, Ended{"taken over"}},
	}
}

func TestMessagesAreReadAsWritten(t *testing.T) {
	for _, want := range samples() {
		data, err := Marshal(want)
		if err != nil {
			t.Errorf("%+v: %v", want, err)
			continue
		}
		if got, err := Parse(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", data, got, err)
		}
	}
}

func TestMessagesOverALimitAreRefused(t *testing.T) {
	long := strings.Repeat("x", MaxText+1)
	line := func(n int, frame []byte) *Line {
		l := &Line{ID: "l", Levels: make([]byte, n)}
		for range n {
			l.Frames = append(l.Frames, frame)
		}
		return l
	}
	loud := line(1, []byte{1})
	loud.Levels[0] = 128
	for name, m := range map[string]Message{
		"attempt in a subject": Call{
			Attempt: "a.>", Generation: 1, Scenario: "s", Mode: store.ModeExam,
		},
		"no generation": Call{Attempt: "a", Scenario: "s", Mode: store.ModeExam},
		"unknown mode":  Call{Attempt: "a", Generation: 1, Scenario: "s", Mode: "fun"},
		"a long snapshot": Act{
			Generation: 1, Number: 1,
			State: json.RawMessage(`"` + strings.Repeat("x", MaxState) + `"`),
		},
		"a snapshot that is no JSON": Act{
			Generation: 1, Number: 1, State: json.RawMessage(`{`),
		},
		"too many frames": Act{Generation: 1, Number: 1, Say: line(MaxFrames+1, []byte{1})},
		"a long frame":    Act{Generation: 1, Number: 1, Say: line(1, make([]byte, MaxFrame+1))},
		"an empty frame":  Act{Generation: 1, Number: 1, Say: line(1, nil)},
		"a bad level":     Act{Generation: 1, Number: 1, Say: loud},
		"a level too few": Act{
			Generation: 1, Number: 1, Say: &Line{ID: "l", Frames: [][]byte{{1}}},
		},
		"a long caption": Act{Generation: 1, Number: 1, Caption: &Caption{Text: long}},
		"a gauge":        Act{Generation: 1, Number: 1, Mood: &Mood{Trust: new(int(101))}},
		"a typed novel":  Told{1, 1, Typed{Text: long}},
		"many words":     Told{1, 1, Heard{Words: make([]Word, MaxWords+1)}},
		"no notice":      Told{1, 1, nil},
		"dancing":        Told{1, 1, Control{Action: "dance"}},
		"no UTF-8":       Told{1, 1, Typed{Text: "\xff"}},
	} {
		if _, err := Marshal(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTheLongestLineFits(t *testing.T) {
	l := &Line{ID: "l", Levels: make([]byte, MaxFrames)}
	for range MaxFrames {
		l.Frames = append(l.Frames, make([]byte, 100)) // 40 kb/s
	}
	if _, err := Marshal(Act{Generation: 1, Number: 1, Say: l}); err != nil {
		t.Error(err)
	}
}

func TestMalformedMessages(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":            "",
		"unknown type":       `{"type":"dance","data":{}}`,
		"more behind it":     `{"type":"reply","data":{}} {}`,
		"no data":            `{"type":"taken"}`,
		"unknown notice":     `{"type":"told","data":{"generation":1,"number":1,"type":"x","data":{}}}`,
		"a notice in itself": `{"type":"told","data":{"generation":1,"number":1,"type":"told"}}`,
		"negative place":     `{"type":"busy","data":{"place":-1}}`,
		"too long":           strings.Repeat(" ", MaxBytes+1),
	} {
		if got, err := Parse([]byte(data)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range samples() {
		data, err := Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		once, err := Marshal(m)
		if err != nil {
			return // escaping made it longer than a message may be
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("%s became %s: %v", data, once, err)
		}
		if twice, err := Marshal(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s became %s, %v", once, twice, err)
		}
	})
}
