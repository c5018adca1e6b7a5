package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
)

// The document is a report as it was stored before reports had a version.
func TestReportWithoutVersionIsReadable(t *testing.T) {
	b, err := os.ReadFile("testdata/report-without-version.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("schema_version")) {
		t.Fatal("the document has a version")
	}
	r, err := ParseReport(b)
	if err != nil {
		t.Fatal(err)
	}
	if r.SchemaVersion != 1 || r.StartedAt.IsZero() || len(r.Speakers) != 2 {
		t.Fatalf("version %d, started at %v, %d speakers", r.SchemaVersion, r.StartedAt,
			len(r.Speakers))
	}
	m := r.Speakers[0].Analysis.Measures
	if m.SyllableCount != 23 || m.SpeechDurationS != 5.02 || m.F0MedianHz == nil ||
		*m.F0MedianHz != 97.435 || m.NoiseFloorDB != nil {
		t.Errorf("measures %+v", m)
	}
	if r.Turns.CandidateTurns != 2 || *r.Turns.GapMedianS != -0.54 {
		t.Errorf("turns %+v", r.Turns)
	}
	// Written again, the report has the same values.
	r.SchemaVersion = 0
	again, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal(b, &before), json.Unmarshal(again, &after)); err != nil {
		t.Fatal(err)
	}
	sameValues(t, "report", before, after)
}

// sameValues checks that got has all values of want. Objects may have more keys: those of fields
// that were added later.
func sameValues(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for key, value := range want {
			sameValues(t, path+"."+key, value, object[key])
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			t.Errorf("%s has %d values, want %d", path, len(list), len(want))
			return
		}
		for i, value := range want {
			sameValues(t, fmt.Sprintf("%s[%d]", path, i), value, list[i])
		}
	default:
		if want != got {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestReportOfALaterVersionIsRefused(t *testing.T) {
	_, err := ParseReport(fmt.Appendf(nil, `{"schema_version": %d}`, ReportVersion+1))
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := ParseReport([]byte("{")); err == nil {
		t.Error("malformed JSON is read without an error")
	}
}
