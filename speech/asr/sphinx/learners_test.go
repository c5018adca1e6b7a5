//go:build linux

package sphinx_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/speech/asr"
	"bedside/speech/asr/adapt"
	"bedside/speech/asr/asrtest"
	"bedside/speech/asr/sphinx"
	"bedside/speech/opus"
	"bedside/speech/patient"
)

// A set of sentences is judged as a scenario: each sentence is an intent, whose examples are the
// sentence with words dropped, replaced and swapped. A speaker first reads three other sentences,
// as at the sound check.
const (
	setSize       = 25
	soundCheck    = 3
	examples      = 8
	drop, replace = 1.0 / 6, 1.0 / 6 // shares of the words of an example
)

// saying is a sentence that somebody said.
type saying struct {
	text    string
	samples []float32
	child   bool
}

// talker is a speaker with what he or she said.
type talker struct {
	name   string
	check  []sphinx.Reading
	said   []saying
	fit    sphinx.Fit
	fitErr error
}

// outcome is what was made of a saying: the confidence of the best intent and its lead over the
// next, and whether it is the right one.
type outcome struct {
	set              int
	child, right     bool
	confidence, lead float64
	wrong, words     int
	audio, cpu       float64
}

// heldOut returns the speakers of speechocean762 whom the adapted model has never heard.
func heldOut(t *testing.T, n int) []talker {
	t.Helper()
	root := cmp.Or(os.Getenv("BEDSIDE_DATA"), "../../../../shared/data")
	root = filepath.Join(root, "speechocean762-train")
	table, err := os.ReadFile(filepath.Join(root, "utterances.tsv"))
	if err != nil {
		t.Skip("no data: set BEDSIDE_DATA to the folder that holds speechocean762-train")
	}
	var all []talker
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		f := strings.Split(line, "\t")
		if !adapt.HeldOut(f[2]) {
			continue
		}
		if len(all) == 0 || all[len(all)-1].name != f[2] {
			if len(all) == n {
				break
			}
			all = append(all, talker{name: f[2]})
		}
		s := &all[len(all)-1]
		age, err := strconv.Atoi(f[3])
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(filepath.Join(root, f[1]))
		if err != nil {
			t.Fatal(err)
		}
		samples, err := opus.ReadAudio(file, asr.SampleRate, time.Minute)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ToLower(f[5])
		if len(s.check) < soundCheck {
			s.check = append(s.check, sphinx.Reading{Text: text, Samples: samples})
		} else {
			s.said = append(s.said, saying{text, samples, age < 19})
		}
	}
	return all
}

// natives returns synthetic voices that say the sentences of learners.
func natives(t *testing.T, learners []talker) []talker {
	t.Helper()
	var all []talker
	for i, voice := range []string{"slt", "rms", "awb", "kal16", "festival"} {
		say := func(text string) []float32 {
			if voice == "festival" {
				return festival(t, text)
			}
			return speak(t, voice, text)
		}
		s := talker{name: voice}
		for _, text := range []string{
			"how are you feeling this morning", "could you tell me about the pain in your chest",
			"please take two of these tablets every day after your breakfast",
		} {
			s.check = append(s.check, sphinx.Reading{Text: text, Samples: say(text)})
		}
		for _, l := range learners[2*i%len(learners):][:2] {
			for _, said := range l.said {
				if len(s.said) < setSize {
					s.said = append(s.said, saying{text: said.text, samples: say(said.text)})
				}
			}
		}
		all = append(all, s)
	}
	return all
}

// festival returns a text as spoken by festival, with half a second of silence.
func festival(t *testing.T, text string) []float32 {
	t.Helper()
	if _, err := exec.LookPath("text2wave"); err != nil {
		t.Skip("festival is not installed")
	}
	wav := filepath.Join(t.TempDir(), "line.wav")
	cmd := exec.Command("text2wave", "-F", "16000", "-o", wav)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("text2wave: %v: %s", err, out)
	}
	f, err := os.Open(wav)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, err := opus.ReadAudio(f, asr.SampleRate, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return append(samples, make([]float32, asr.SampleRate/2)...)
}

// corrupted returns examples of an intent.
func corrupted(text string, vocabulary []string, random *rand.Rand) []string {
	var list []string
	for range examples {
		var words []string
		for _, w := range asr.Words(text) {
			switch x := random.Float64(); {
			case x < drop:
			case x < drop+replace:
				words = append(words, vocabulary[random.IntN(len(vocabulary))])
			default:
				words = append(words, w)
			}
		}
		if n := len(words); n > 2 {
			i := random.IntN(n - 1)
			words[i], words[i+1] = words[i+1], words[i]
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

// scene is a set of sentences as a scenario.
type scene struct {
	matcher *patient.Matcher
	texts   []string
	ids     map[string]string // sentence -> intent
}

func newScene(said []saying, r *sphinx.Recogniser, n uint64) scene {
	random := rand.New(rand.NewPCG(n, 7))
	s := scene{ids: map[string]string{}}
	var vocabulary []string
	for _, u := range said {
		vocabulary = append(vocabulary, asr.Words(u.text)...)
	}
	var intents []patient.Intent
	for i, u := range said {
		id := fmt.Sprint("s", i)
		intent := patient.Intent{
			ID: id, Act: patient.Explain, Examples: corrupted(u.text, vocabulary, random),
		}
		intents, s.ids[u.text] = append(intents, intent), id
		s.texts = append(s.texts, intent.Examples...)
	}
	s.matcher = patient.NewMatcher(intents, r.Phones)
	return s
}

// method is how the speakers are heard.
type method struct {
	name    string
	speaker func(*talker) asr.Speaker
}

func methods() []method {
	with := func(model string) func(*talker) asr.Speaker {
		return func(s *talker) asr.Speaker {
			return asr.Speaker{Model: model, Mean: s.fit.Speaker.Mean}
		}
	}
	return []method{
		{"packaged", with(asr.Packaged)}, {"adapted", with(asr.Adapted)},
		{"chosen", func(s *talker) asr.Speaker { return s.fit.Speaker }},
	}
}

// judge lets every speaker say all sentences in each of the ways.
func judge(t *testing.T, r *sphinx.Recogniser, talkers []talker) map[string][]outcome {
	t.Helper()
	results := map[string][]outcome{}
	var mu sync.Mutex // guards results
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for n := range talkers {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			s := &talkers[n]
			s.fit, s.fitErr = r.Fit(t.Context(), s.check)
			said := slices.Clone(s.said)
			for i := 1; len(said) < setSize && i < len(talkers); i++ {
				others := talkers[(n+i)%len(talkers)].said
				said = append(said, others[:min(len(others), setSize-len(said))]...)
			}
			scene := newScene(said, r, uint64(n))
			t.Logf("%s: gain %+.2f, %s", s.name, s.fit.Gain, s.fit.Speaker.Model)
			heard := map[string][]outcome{} // by model
			for _, m := range methods() {
				list, done := heard[m.speaker(s).Model]
				if !done {
					list = listenTo(t, r, s, m.speaker(s), scene, n)
					heard[m.speaker(s).Model] = list
				}
				right, wrong := count(list, 0.5, 0.1)
				t.Logf("%s: %s: %d right, %d wrong of %d", s.name, m.name, right, wrong, len(list))
				mu.Lock()
				results[m.name] = append(results[m.name], list...)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return results
}

func listenTo(t *testing.T, r *sphinx.Recogniser, s *talker, speaker asr.Speaker, scene scene,
	set int) []outcome {
	stream, err := r.Open(t.Context(), asr.Context{Texts: scene.texts, Speaker: speaker})
	if err != nil {
		t.Error(err)
		return nil
	}
	defer stream.Close()
	var list []outcome
	for _, u := range s.said {
		began := time.Now()
		for frame := range slices.Chunk(u.samples, asr.SampleRate/50) {
			if err := stream.Write(frame); err != nil {
				t.Error(err)
				return nil
			}
		}
		result, err := stream.End()
		if err != nil {
			t.Error(err)
			return nil
		}
		o := outcome{
			set: set, child: u.child, words: len(asr.Words(u.text)),
			wrong: asrtest.WordErrors(strings.Fields(text(result)), asr.Words(u.text)),
			audio: float64(len(u.samples)) / asr.SampleRate, cpu: time.Since(began).Seconds(),
		}
		if matches := scene.matcher.Match(result.Best); len(matches) > 1 {
			o.confidence = matches[0].Confidence
			o.lead = o.confidence - matches[1].Confidence
			o.right = matches[0].Intent == scene.ids[u.text]
		}
		list = append(list, o)
	}
	return list
}

// thresholds returns those with which most is right and at most 4 % wrong: a little less than is
// allowed, since other speakers are judged with them.
func thresholds(list []outcome) (confidence, lead float64) {
	most := -1
	for c := 0.02; c < 1; c += 0.02 {
		for l := 0.0; l < 0.5; l += 0.04 {
			right, wrong := count(list, c, l)
			if float64(wrong) <= 0.04*float64(len(list)) && right > most {
				most, confidence, lead = right, c, l
			}
		}
	}
	return confidence, lead
}

func count(list []outcome, confidence, lead float64) (right, wrong int) {
	for _, o := range list {
		switch {
		case o.confidence < confidence || o.lead < lead || o.confidence == 0:
		case o.right:
			right++
		default:
			wrong++
		}
	}
	return right, wrong
}

// row is a line of the table, in percent.
type row struct {
	n                                     int
	wordErrors, top, right, wrong, repair float64
	rtf                                   float64
}

// summarise judges each half of the sets with the thresholds of the other half.
func summarise(list []outcome, keep func(outcome) bool) row {
	var r row
	var top, right, wrong, wrongWords, words int
	var audio, cpu float64
	for half := range 2 {
		var fit, judged []outcome
		for _, o := range list {
			if o.set%2 == half {
				if keep(o) {
					judged = append(judged, o)
				}
			} else {
				fit = append(fit, o)
			}
		}
		c, l := thresholds(fit)
		a, b := count(judged, c, l)
		right, wrong, r.n = right+a, wrong+b, r.n+len(judged)
		for _, o := range judged {
			if o.right {
				top++
			}
			wrongWords, words = wrongWords+o.wrong, words+o.words
			audio, cpu = audio+o.audio, cpu+o.cpu
		}
	}
	percent := func(a, b int) float64 { return 100 * float64(a) / float64(max(1, b)) }
	r.wordErrors, r.top = percent(wrongWords, words), percent(top, r.n)
	r.right, r.wrong = percent(right, r.n), percent(wrong, r.n)
	r.repair, r.rtf = 100-r.right-r.wrong, cpu/max(1, audio)
	return r
}

func (r row) String() string {
	return fmt.Sprintf("%4d sentences, word errors %4.1f, top-1 %5.1f, right/wrong/repair "+
		"%4.1f /%4.1f /%5.1f, RTF %.2f", r.n, r.wordErrors, r.top, r.right, r.wrong, r.repair,
		r.rtf)
}

// TestLearnersAreUnderstood prints how well learners and native-like voices are understood, and
// fails when it is worse than promised. It takes a quarter of an hour of a core and so runs only
// with BEDSIDE_EVAL=long; BEDSIDE_EVAL=short judges six speakers and fails for nothing.
func TestLearnersAreUnderstood(t *testing.T) {
	speakers := map[string]int{"short": 6, "long": 1000}[os.Getenv("BEDSIDE_EVAL")]
	if speakers == 0 {
		t.Skip("set BEDSIDE_EVAL to short or long")
	}
	r := recogniser(t)
	learners := heldOut(t, speakers)
	all := func(outcome) bool { return true }
	heard := judge(t, r, learners)
	rows := map[string]row{}
	for _, m := range methods() {
		list := heard[m.name]
		rows[m.name] = summarise(list, all)
		rows[m.name+", adults"] = summarise(list, func(o outcome) bool { return !o.child })
		t.Logf("learners, %-24s all    %v", m.name, rows[m.name])
		t.Logf("learners, %-24s adults %v", m.name, rows[m.name+", adults"])
	}
	reportChoice(t, learners)
	voices := natives(t, learners)
	native := map[string]row{}
	for name, list := range judge(t, r, voices) {
		native[name] = summarise(list, all)
	}
	for _, m := range methods() {
		t.Logf("voices, %-26s all    %v", m.name, native[m.name])
	}
	reportChoice(t, voices)
	if os.Getenv("BEDSIDE_EVAL") != "long" {
		return
	}
	for _, c := range []struct {
		name         string
		row          row
		right, wrong float64
	}{
		{"packaged", rows["packaged"], 68, 5}, {"adapted", rows["adapted"], 86, 6},
		{"adapted, adults", rows["adapted, adults"], 78, 6},
		{"voices, chosen", native["chosen"], native["packaged"].right - 2, 100},
	} {
		if c.row.right < c.right || c.row.wrong > c.wrong {
			t.Errorf("%s: %v; at least %.1f right and at most %.1f wrong were promised", c.name,
				c.row, c.right, c.wrong)
		}
	}
}

func reportChoice(t *testing.T, talkers []talker) {
	t.Helper()
	chosen := map[string]int{}
	var gains []string
	for _, s := range talkers {
		if s.fitErr != nil {
			t.Logf("%s: %v", s.name, s.fitErr)
			chosen["refused"]++
			continue
		}
		chosen[s.fit.Speaker.Model]++
		age := ""
		if len(s.said) > 0 && s.said[0].child {
			age = "c"
		}
		gains = append(gains, fmt.Sprintf("%s%s %+.2f", s.name, age, s.fit.Gain))
	}
	t.Logf("chosen: %v; gains in nats a frame: %s", chosen, strings.Join(gains, ", "))
}

// Audiobooks, as pocketsphinx-testdata has them, are read by native speakers.
func TestNativeReadersAreNotTakenForLearners(t *testing.T) {
	const folder = "/usr/share/pocketsphinx/test/data/librivox"
	transcript, err := os.ReadFile(filepath.Join(folder, "transcription"))
	if err != nil {
		t.Skip("pocketsphinx-testdata is not installed")
	}
	r := recogniser(t)
	lines := strings.Split(strings.TrimSpace(string(transcript)), "\n")
	for _, line := range lines[1:3] { // the shorter ones
		text, name, _ := strings.Cut(strings.TrimSpace(line), " </s> (")
		f, err := os.Open(filepath.Join(folder, strings.TrimSuffix(name, ")")+".wav"))
		if err != nil {
			t.Fatal(err)
		}
		samples, err := opus.ReadAudio(f, asr.SampleRate, time.Minute)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		fit, err := r.Fit(t.Context(), []sphinx.Reading{{
			Text: strings.TrimPrefix(text, "<s> "), Samples: samples,
		}})
		if err != nil || fit.Speaker.Model == asr.Adapted {
			t.Errorf("%q: %+v, %v", text, fit, err)
		}
		t.Logf("gain %+.2f: %s", fit.Gain, text)
	}
}
