package evaluation

import (
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"bedside/speech/asr"
	"bedside/speech/asr/asrtest"
	"bedside/speech/asr/sphinx"
	"bedside/speech/patient"
)

// condition is how an utterance reaches the recogniser.
type condition struct {
	name  string
	loss  float64
	noise float64 // decibels under the speech; 0 is none
}

func conditions() []condition {
	return []condition{
		{"spoken, Opus at 24 kb/s", 0, 0},
		{"the same, 3 % loss", 0.03, 0},
		{"the same, noise at 20 dB", 0, 20},
		{"the same, noise at 10 dB", 0, 10},
	}
}

// measured sums up what was heard under one condition.
type measured struct {
	tally           patient.Tally
	words, wrong    int
	cpu, sound      time.Duration
	after           []time.Duration
	packaged        int // wrong words of the packaged language model
	packagedAgainst int // words that it heard
}

// TestSpoken checks how the patient takes paraphrases that synthetic voices speak, through Opus
// with loss and noise. EVAL=long speaks each of the judged ones, else some are chosen.
func TestSpoken(t *testing.T) {
	if testing.Short() {
		t.Skip("recognises minutes of speech: run make eval-patient")
	}
	recogniser, err := sphinx.New(sphinx.Config{})
	if err != nil {
		t.Skip(err)
	}
	long := os.Getenv("EVAL") == "long"
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	list, _ := subjects(t)
	list = slices.DeleteFunc(list, subject.fitted)
	each := 1 << 30
	if !long {
		list, each = list[:min(2, len(list))], 10
	}
	all := make([]measured, len(conditions()))
	for i := range all {
		all[i].tally = patient.Tally{}
	}
	speakers := voices(t)
	for _, s := range list {
		d := s.dialogue(t, recogniser.Phones)
		hears(t, recogniser, d, s.paraphrases[:min(each, len(s.paraphrases))], speakers, all)
	}
	var out report
	out.head("spoken, percent")
	for i, c := range conditions() {
		out.row(c.name, all[i].tally)
	}
	out.addf("\n%-44s %11s %10s %6s %16s", "the floor recogniser, percent", "word errors",
		"packaged", "rtf", "CPU to end, p95")
	for i, c := range conditions() {
		m := &all[i]
		slices.Sort(m.after)
		out.addf("%-44s %11s %10s %6.2f %16s", c.name, percent(m.wrong, m.words),
			percent(m.packaged, m.packagedAgainst), float64(m.cpu)/float64(max(m.sound, 1)),
			m.after[len(m.after)*95/100].Round(100*time.Microsecond))
	}
	out.addf("voices:")
	for _, v := range speakers {
		out.addf("  %s", v.name)
	}
	out.write(t)
	if !long {
		return // one of a few sentences is worth too many percent
	}
	for i, c := range conditions() {
		right, wrong := all[i].tally.Share(patient.Right), all[i].tally.Share(patient.Wrong)
		if wrong > 0.05 {
			t.Errorf("%s: %.3f are answered wrongly", c.name, wrong)
		}
		if i < 2 && right < 0.65 { // the aim is 0.75
			t.Errorf("%s: %.3f are answered", c.name, right)
		}
	}
	if all[0].wrong*4 > all[0].packaged*3*all[0].words/max(all[0].packagedAgainst, 1) {
		t.Error("the mixed language model saves less than a quarter of the packaged one's errors")
	}
}

// hears speaks sentences under each condition, each by the next of the voices.
func hears(t *testing.T, r *sphinx.Recogniser, d *patient.Dialogue, list []sentence,
	speakers []voice, all []measured) {
	t.Helper()
	mixed := asrtest.Open(t, r, asr.Context{Texts: d.Texts(), Say: d.Say()})
	noisy := asrtest.Open(t, r, asr.Context{
		Texts: d.Texts(), Say: d.Say(), Speaker: asr.Speaker{Noisy: true},
	})
	packaged := asrtest.Open(t, r, asr.Context{Say: d.Say()})
	random := rand.New(rand.NewPCG(7, uint64(len(list))))
	for n, sentence := range list {
		voiced := speakers[n%len(speakers)].speak(t, sentence.text)
		for i, c := range conditions() {
			m, sound, stream := &all[i], voiced, mixed
			if c.noise != 0 {
				sound = addNoise(voiced, c.noise, random)
			}
			if c.noise != 0 && c.noise < 15 {
				stream = noisy // as the sound check would choose
			}
			sound = transmit(t, sound, c.loss, random)
			h := listen(t, stream, sound)
			want := asr.Words(sentence.text)
			u := patient.Utterance{Best: h.result.Best, Sure: h.result.Sure()}
			m.tally[d.Judge(u, sentence.intent, patient.DefaultThresholds())]++
			m.words += len(want)
			m.wrong += asrtest.WordErrors(texts(h.result), want)
			m.cpu, m.sound, m.after = m.cpu+h.cpu, m.sound+h.sound, append(m.after, h.after)
			if i == 0 {
				m.packagedAgainst += len(want)
				m.packaged += asrtest.WordErrors(texts(listen(t, packaged, sound).result), want)
			}
		}
	}
}

func texts(r asr.Result) (words []string) {
	for _, w := range r.Words {
		words = append(words, w.Text)
	}
	return words
}
