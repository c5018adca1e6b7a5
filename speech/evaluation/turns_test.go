package evaluation

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bedside/speech/patient"
)

// shortestPause is the shortest silence, in seconds, that counts as a pause. The transcripts split
// some sentences where nobody paused.
const shortestPause = 0.1

// utterance is a stretch of speech with its transcript.
type utterance struct {
	from, to float64
	text     string
}

var (
	intervals = regexp.MustCompile(
		`intervals \[\d+\]:\s*xmin = ([\d.]+)\s*xmax = ([\d.]+)\s*text = "([^"]*)"`)
	marks = regexp.MustCompile(`<[^>]*>`)
	word  = regexp.MustCompile(`[a-z']+`)
)

// readGrid reads the utterances of one speaker from a Praat TextGrid.
func readGrid(t *testing.T, path string) (list []utterance) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range intervals.FindAllStringSubmatch(string(data), -1) {
		text := strings.TrimSpace(m[3])
		if text == "" {
			continue
		}
		from, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		to, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.TrimSpace(marks.ReplaceAllString(text, " "))
		list = append(list, utterance{from, to, text})
	}
	return list
}

// act returns what a transcribed sentence does. A dialogue would know it from the matched intent.
func act(text string) patient.Act {
	if strings.HasSuffix(text, "?") {
		return patient.ClosedQuestion
	}
	if len(word.FindAllString(strings.ToLower(text), 1)) == 0 {
		return "" // nothing was made out
	}
	return patient.Explain
}

// cutIns counts the pauses of a doctor.
type cutIns struct {
	turns   int // that the patient answered
	pauses  int // within turns
	cut     int // pauses in which the automatic patient would have begun to speak
	asked   int // of these, after a sentence that was transcribed as a question
	replies []float64
}

// follow plays a consultation to the rules of turn-taking. The doctor pauses when nobody speaks
// and the doctor goes on; the turn is over when the patient speaks.
func (c *cutIns) follow(doctor, other []utterance) {
	var turns patient.Turns
	var words []string
	for i, u := range doctor {
		words = append(words, word.FindAllString(strings.ToLower(u.text), -1)...)
		turns.Voice(u.from, true)
		turns.Voice(u.to, false)
		if i == len(doctor)-1 {
			return
		}
		next := doctor[i+1].from
		_, left := turns.Over(u.to, words, act(u.text))
		switch answered := slices.ContainsFunc(other, func(o utterance) bool {
			return o.from < next && o.to > u.to
		}); {
		case answered:
			c.turns++
			c.replies = append(c.replies, left)
			turns.Next()
			words = nil
		case next-u.to >= shortestPause:
			if c.pauses++; next-u.to > left {
				c.cut++
				if act(u.text).Asks() {
					c.asked++
				}
				turns.Next()
				words = nil
			}
		}
	}
}

// TestPausesWithinTurns counts how often the patient would cut in where doctors pause within their
// turns, in recorded consultations of which the transcripts and their times are known. The share
// of turns is what is judged: the transcripts tell only the long pauses, since they leave short
// ones within an utterance.
func TestPausesWithinTurns(t *testing.T) {
	root := os.Getenv("BEDSIDE_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	files, err := filepath.Glob(filepath.Join(root, "primock57", "*_doctor.TextGrid"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the data primock57 is missing: set BEDSIDE_DATA to the folder that holds it")
	}
	var c cutIns
	for _, name := range files {
		c.follow(readGrid(t, name),
			readGrid(t, strings.Replace(name, "_doctor", "_patient", 1)))
	}
	slices.Sort(c.replies)
	var r report
	r.addf("%d consultations: %d turns, %d pauses of %g s and more within", len(files), c.turns,
		c.pauses, shortestPause)
	r.addf("the patient cuts in at %d (%.1f %% of the pauses, %.1f %% of the turns), %d of them "+
		"after a question", c.cut, 100*float64(c.cut)/float64(c.pauses),
		100*float64(c.cut)/float64(c.turns), c.asked)
	r.addf("it waits %.2f s (p50), %.2f s (p90) at the end of a turn",
		c.replies[len(c.replies)/2], c.replies[len(c.replies)*9/10])
	r.write(t)
	if share := float64(c.cut) / float64(c.turns); share > 0.03 {
		t.Errorf("the patient cuts in at %.1f %% of the turns, 3 %% at most are wanted", 100*share)
	}
}
