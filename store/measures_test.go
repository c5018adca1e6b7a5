package store

import (
	"reflect"
	"strings"
	"testing"
)

func TestEveryMeasureIsDescribed(t *testing.T) {
	fields := reflect.TypeFor[Measures]().NumField()
	if n := len(VoiceMeasures()); n != fields {
		t.Errorf("%d of %d fields of Measures have a name tag", n, fields)
	}
	seen := map[string]bool{}
	for of, measures := range map[reflect.Type][]Measure{
		reflect.TypeFor[Measures](): VoiceMeasures(), reflect.TypeFor[Turns](): TurnMeasures(),
	} {
		for _, m := range measures {
			field := of.Field(m.field)
			if m.Key == "" || strings.Contains(m.Key, ",") || m.Name == "" || seen[m.Key] {
				t.Errorf("%s: key %q, name %q", field.Name, m.Key, m.Name)
			}
			seen[m.Key] = true
			if _, ok := field.Tag.Lookup("unit"); !ok {
				t.Errorf("%s has no unit tag", field.Name)
			}
			if !strings.HasSuffix(m.Doc, ".") || m.Hint != "" && !strings.HasSuffix(m.Hint, ".") {
				t.Errorf("%s: %q and %q are not sentences", field.Name, m.Doc, m.Hint)
			}
			if canBeNull := field.Type.Kind() == reflect.Pointer; canBeNull != (m.Null != "") {
				t.Errorf("%s: its tags say that it is null when: %q", field.Name, m.Null)
			}
		}
	}
}

func TestMeasureText(t *testing.T) {
	rate, ratio := 3.4567, 0.614
	m := Measures{SpeechRateSyllPerS: &rate, PhonationTimeRatio: &ratio, PauseCount: 7}
	text := map[string]string{}
	for _, measure := range VoiceMeasures() {
		text[measure.Key] = measure.Text(m)
	}
	for key, want := range map[string]string{
		"speech_rate_syll_per_s": "3.46 syllables/s", "phonation_time_ratio": "61 %",
		"pause_count": "7", "f0_median_hz": "-", "pause_total_s": "0.0 s",
	} {
		if text[key] != want {
			t.Errorf("%s is shown as %q, want %q", key, text[key], want)
		}
	}
}
