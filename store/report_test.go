package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
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
	if r.SchemaVersion != ReportVersion || r.StartedAt.IsZero() || len(r.Speakers) != 2 {
		t.Fatalf("version %d, started at %v, %d speakers", r.SchemaVersion, r.StartedAt,
			len(r.Speakers))
	}
	m := r.Speakers[0].Analysis.Measures
	if m.SyllableCount != 23 || m.PhonationTimeS != 4.46 || m.F0MedianHz == nil ||
		*m.F0MedianHz != 97.435 || m.NoiseFloorDB != nil {
		t.Errorf("measures %+v", m)
	}
	if r.Turns.CandidateTurns != 2 || *r.Turns.GapMedianS != -0.54 {
		t.Errorf("turns %+v", r.Turns)
	}
	for _, s := range r.Speakers {
		f, m := s.Frames, s.Analysis.Measures
		if f.Sent != f.Analysed+f.Concealed+f.Lost || f.Sent == 0 {
			t.Errorf("%s: frames %+v do not add up", s.Speaker, f)
		}
		if m.PauseCount != len(s.Analysis.Pauses) || s.Interruptions == nil ||
			math.Abs(m.SpeechDurationS-m.PhonationTimeS-m.PauseTotalS) > 1e-9 {
			t.Errorf("%s: measures %+v of the pauses %v", s.Speaker, m, s.Analysis.Pauses)
		}
	}
	// Written again, the report has the same values, but for those whose meaning has changed.
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

// changedInVersion2 names the fields whose meaning is another since version 2.
func changedInVersion2(path string) bool {
	for _, field := range []string{
		".schema_version", ".pauses", ".pause_", ".pauses_per_min", ".speech_duration_s",
		".speech_rate_", ".phonation_time_ratio", ".lost", ".concealed",
	} {
		if strings.Contains(path, field) {
			return true
		}
	}
	return false
}

// sameValues checks that got has all values of want. Objects may have more keys: those of fields
// that were added later.
func sameValues(t *testing.T, path string, want, got any) {
	t.Helper()
	if changedInVersion2(path) {
		return
	}
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
