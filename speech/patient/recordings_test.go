package patient

import (
	"strings"
	"testing"
)

func TestRecordingsOfLines(t *testing.T) {
	d := newDialogue(t, strings.Replace(insulin, `"repair":`, `"recordings": [
		{"say": "I live with my daughter Karen.", "media": "karen"},
		{"say": "I live with my daughter Karen.", "emotion": "annoyed", "media": "karen, cross"}
	], "repair":`, 1))
	s := d.Begin()
	dec, _ := hear(d, s, 10, "do you live alone")
	if len(dec.Lines) != 1 || dec.Lines[0].Media != "karen" {
		t.Errorf("lines %+v", dec.Lines)
	}
	s.Gauges["trust"] = 0
	if dec, _ = hear(d, s, 20, "do you live alone"); dec.Lines[0].Media != "karen, cross" {
		t.Errorf("annoyed: %+v", dec.Lines)
	}
	lines := d.Lines()
	if lines[0].Emotion != d.Begin().Emotion() {
		t.Errorf("the first line to render is %+v", lines[0])
	}
	found := 0
	for _, l := range lines {
		if strings.HasPrefix(l.Media, "karen") {
			found++
		}
	}
	if found != 4 {
		t.Errorf("%d lines with a recording", found)
	}
}
