package event

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestBatchesAreReadAsWritten(t *testing.T) {
	want := []Event{
		Opened{1}, Moved{4}, Alive{2}, Changed{3, "candidate", "muted", true},
		Clock{5, 6, true, true, 7}, Stream{"patient", 7, 1 << 31, 12},
		Sent{"candidate", 9, 1234, OriginClient},
		Sent{"patient", 10, 5, OriginReport},
		Words{"candidate", []Word{{"tablets", 6, 7, 0.9}}, "pocketsphinx", false},
		Heard{
			At: 8, Outcome: "answer", Act: "open_question", Intents: []Intent{{"tablets", 0.8}},
			Understood: []string{"tablets"}, Evidence: []string{"D1"}, Against: []string{"D3"},
		},
		Fact{9, "needles"}, Cue{10, "mother"}, Mood{11, "warm", new(int(60)), nil},
		Recogniser{12, "pocketsphinx", "it is always there"},
	}
	b, err := Append(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEventsOfUnknownTypesAreSkipped(t *testing.T) {
	got, err := Parse([]byte(`[{"type":"dance","data":{}},{"type":"alive","data":{"at":5}}]`))
	if err != nil || !reflect.DeepEqual(got, []Event{Alive{5}}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMalformedBatches(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":           "",
		"no list":           `{"type":"alive","data":{"at":5}}`,
		"more behind it":    `[] []`,
		"no speaker":        `[{"type":"changed","data":{"cause":"muted"}}]`,
		"negative count":    `[{"type":"sent","data":{"speaker":"x","packets":-1}}]`,
		"impossible count":  `[{"type":"sent","data":{"speaker":"x","packets":10000001}}]`,
		"words backwards":   `[{"type":"words","data":{"speaker":"x","words":[{"from":2,"to":1}]}}]`,
		"overconfident":     `[{"type":"heard","data":{"outcome":"answer","intents":[{"id":"x","confidence":2}]}}]`,
		"a fact of no name": `[{"type":"fact","data":{"at":1}}]`,
		"a gauge over 100":  `[{"type":"mood","data":{"emotion":"warm","trust":101}}]`,
		"data of no object": `[{"type":"opened","data":[]}]`,
		"too many":          "[" + strings.Repeat(`{"type":"x"},`, MaxBatch) + `{"type":"x"}]`,
		"too long":          "[" + strings.Repeat(" ", MaxBytes) + "]",
	} {
		if got, err := Parse([]byte(data)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"type":"opened","data":{"at":5}}]`))
	f.Add([]byte(`[{"type":"heard","data":{"outcome":"repair","intents":[],"against":null}}]`))
	f.Add([]byte(`[{"type":"words","data":{"speaker":"x","words":[{"text":"a","to":1}]}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		batch, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Append(nil, batch)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(again); err != nil && len(again) <= MaxBytes ||
			err == nil && !reflect.DeepEqual(got, batch) {
			t.Errorf("%v became %v, %v", batch, got, err)
		}
	})
}
