package patient

import (
	"os"
	"slices"
	"testing"

	"bedside/speech/asr"
	"bedside/store/scenario"
)

// actExamples returns the examples of all shipped scenarios, and the acts of their intents. Those
// of shared moves come once.
func actExamples(t *testing.T) (sentences [][]string, labels []int) {
	t.Helper()
	all, err := scenario.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range all {
		if len(s.Dialogue) == 0 {
			continue
		}
		doc, err := parse(s.Dialogue)
		if err != nil {
			t.Fatal(err)
		}
		d := &Dialogue{doc: doc, intents: map[string]*Intent{}}
		if err := d.addMoves(); err != nil {
			t.Fatal(err)
		}
		for _, i := range slices.Concat(d.sorted(), doc.Intents) {
			for _, text := range i.Examples {
				if key := string(i.Act) + text; !seen[key] {
					seen[key] = true
					sentences = append(sentences, asr.Words(text))
					labels = append(labels, slices.Index(Acts(), i.Act))
				}
			}
		}
	}
	return sentences, labels
}

// TestActs checks that acts are known from words. With UPDATE set, it trains the classifier on the
// examples of all shipped scenarios and writes acts.bin.
func TestActs(t *testing.T) {
	sentences, labels := actExamples(t)
	if os.Getenv("UPDATE") != "" {
		var inputs []input
		for _, s := range sentences {
			f := actWords(s)
			inputs = append(inputs, input{active: f, scale: scaleOf(f)})
		}
		data, err := train(inputs, labels, len(Acts())).encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("acts.bin", data, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("trained on %d sentences", len(sentences))
		return
	}
	right, a := 0, loadActs()
	for i, s := range sentences {
		p := a.probabilities(s)
		best := slices.MaxFunc(Acts(), func(x, y Act) int {
			if p[x] > p[y] {
				return 1
			}
			return -1
		})
		if best == Acts()[labels[i]] {
			right++
		}
	}
	if right < len(sentences)*75/100 {
		t.Errorf("the acts of %d of %d examples are known", right, len(sentences))
	}
}
