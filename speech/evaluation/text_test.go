package evaluation

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"bedside/speech/asr"
	"bedside/speech/patient"
)

// report collects the tables, and writes them to the file that EVAL_OUT names, if any.
type report struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *report) addf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
}

func (r *report) row(name string, t patient.Tally) {
	r.addf("%-44s %5d %7.1f %9.1f %7.1f %12.1f %8.1f", name, t.Total(), 100*t.Share(patient.Right),
		100*t.Share(patient.Confirmed), 100*t.Share(patient.Wrong),
		100*t.Share(patient.Misconfirmed), 100*t.Share(patient.NotTaken))
}

func (r *report) head(title string) {
	r.addf("\n%-44s %5s %7s %9s %7s %12s %8s", title, "n", "right", "confirmed", "wrong",
		"misconfirmed", "repair")
}

// write logs the tables, and appends them to the file that EVAL_OUT names, if any.
func (r *report) write(t *testing.T) {
	t.Helper()
	t.Log(r.text.String())
	name := os.Getenv("EVAL_OUT")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(r.text.String()); err != nil {
		t.Fatal(err)
	}
}

func typed(text string) patient.Utterance {
	return patient.Utterance{Best: [][]string{asr.Words(text)}}
}

// TestText checks how the patient takes typed paraphrases, and sentences without a place in the
// scenario.
func TestText(t *testing.T) {
	if testing.Short() {
		t.Skip("trains the matchers of all scenarios: run make eval-patient")
	}
	var out report
	out.head("paraphrases as text, percent")
	list, without := subjects(t)
	thresholds := patient.DefaultThresholds()
	all := map[bool]patient.Tally{true: {}, false: {}}
	strange := map[bool]patient.Tally{true: {}, false: {}} // sentences on even lines are fitted
	for _, s := range list {
		d := s.dialogue(t, nil)
		own := patient.Tally{}
		for _, p := range s.paraphrases {
			v := d.Judge(typed(p.text), p.intent, thresholds)
			own[v]++
			all[s.fitted()][v]++
			if v == patient.Wrong && os.Getenv("EVAL_WRONG") != "" {
				m := d.Match(typed(p.text))
				t.Logf("%s: %q is %s, taken as %v", s.slug, p.text, p.intent, m[:2])
			}
		}
		for i, text := range offTopic(t) {
			if s.fitted() || i%2 == 1 {
				strange[s.fitted()][d.Judge(typed(text), "", thresholds)]++
			}
		}
		name := s.slug
		if s.fitted() {
			name += " (fitted)"
		}
		out.row(name, own)
	}
	out.row("fitted", all[true])
	out.row("judged", all[false])
	out.row("off-topic, fitted", strange[true])
	out.row("off-topic, judged", strange[false])
	out.addf("without paraphrases: %s", strings.Join(without, ", "))
	out.write(t)
	judged := all[false]
	if right := judged.Share(patient.Right); right < 0.78 { // the aim is 0.85
		t.Errorf("%.3f of the paraphrases are answered", right)
	}
	if both := judged.Share(patient.Right) + judged.Share(patient.Confirmed); both < 0.82 {
		t.Errorf("%.3f of the paraphrases are answered, at once or after a question", both)
	}
	if wrong := judged.Share(patient.Wrong); wrong > 0.05 {
		t.Errorf("%.3f of the paraphrases are answered wrongly", wrong)
	}
	if refused := 1 - strange[false].Share(patient.Wrong); refused < 0.9 {
		t.Errorf("%.3f of the sentences off the topic are refused", refused)
	}
}
