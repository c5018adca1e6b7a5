package dsp_test

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bedside/speech/dsp"
)

// measured holds Praat's values for one file.
type measured struct {
	pitch, intensity, nuclei   []float64 // F0 of each frame, level of each frame, times
	pitchStart, intensityStart float64
}

// TestAgainstPraat compares F0, level and syllable nuclei of learners' speech with Praat's values
// for the same samples.
func TestAgainstPraat(t *testing.T) {
	t.Parallel()
	need(t, "praat")
	sample := learners(t, 40)
	dir := t.TempDir()
	var names, paths []string
	for _, u := range sample {
		paths = append(paths, u.path)
		names = append(names, filepath.Join(dir, u.id+".wav"))
	}
	sounds := decode(t, paths...)
	for i, x := range sounds {
		sounds[i] = x[:len(x)/160*160]
		writeWAV(t, names[i], sounds[i])
	}
	praat := runPraat(t, dir, names)
	var c comparison
	lexicon := vowels(t, sample[0])
	for i, x := range sounds {
		c.add(t, x, praat[i], syllables(sample[i].text, lexicon))
	}
	c.report(t)
}

func runPraat(t *testing.T, dir string, names []string) []measured {
	t.Helper()
	list, out := filepath.Join(dir, "list.txt"), filepath.Join(dir, "out.txt")
	if err := os.WriteFile(list, []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/reference.praat")
	if err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("praat", "--run", script, list,
		out).CombinedOutput(); err != nil {
		t.Fatalf("praat: %v: %s", err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var all []measured
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		values := make([]float64, len(fields)-1)
		for i, f := range fields[1:] {
			if values[i], err = strconv.ParseFloat(f, 64); err != nil {
				t.Fatal(err)
			}
		}
		switch fields[0] {
		case "pitch":
			all = append(all, measured{pitchStart: values[0], pitch: values[1:]})
		case "intensity":
			all[len(all)-1].intensityStart, all[len(all)-1].intensity = values[0], values[1:]
		case "nuclei":
			all[len(all)-1].nuclei = values[1:]
		}
	}
	if len(all) != len(names) {
		t.Fatalf("praat measured %d files of %d", len(all), len(names))
	}
	return all
}

type comparison struct {
	frames, voicing, voiced, gross int
	levels                         int
	levelSum, levelSquares         float64
	// ours, theirs and text are the numbers of syllables of files whose text is in the lexicon.
	ours, theirs, text []float64
}

// add compares one file. Praat centres its frames in the file; ours are at 5, 15, 25 ms. If the
// two grids differ by half a hop, 5 ms of silence before the samples aligns them.
func (c *comparison) add(t *testing.T, x []float32, p measured, text int) {
	t.Helper()
	plain := analyse(t, x)
	shifted := analyse(t, concat(silence(0.005), x))
	aligned := func(start float64) (dsp.Result, int) {
		if half := int(math.Round(start * 200)); half%2 == 0 {
			return shifted, half / 2
		} else {
			return plain, (half - 1) / 2
		}
	}
	r, first := aligned(p.pitchStart)
	f0 := make([]float64, len(r.Intensity))
	for _, point := range r.Pitch {
		f0[int(point.TS*100)] = point.Hz
	}
	for i, theirs := range p.pitch {
		ours := f0[first+i]
		c.frames++
		if (ours > 0) != (theirs > 0) {
			c.voicing++
		}
		if ours > 0 && theirs > 0 {
			c.voiced++
			if math.Abs(ours/theirs-1) > 0.2 {
				c.gross++
			}
		}
	}
	r, first = aligned(p.intensityStart)
	for i, theirs := range p.intensity {
		if theirs < 20 {
			continue // digital silence: 16 bits cannot represent the level
		}
		d := r.Intensity[first+i].DB - (theirs - 20*math.Log10(1/2e-5)) // Praat's 0 dB is 20 µPa
		c.levels++
		c.levelSum += d
		c.levelSquares += d * d
	}
	if text > 0 {
		c.ours = append(c.ours, float64(len(plain.Syllables)))
		c.theirs = append(c.theirs, float64(len(p.nuclei)))
		c.text = append(c.text, float64(text))
	}
}

func (c *comparison) report(t *testing.T) {
	t.Helper()
	percent := func(part, of int) float64 { return 100 * float64(part) / float64(of) }
	gross, voicing := percent(c.gross, c.voiced), percent(c.voicing, c.frames)
	mean, rms := c.levelSum/float64(c.levels), math.Sqrt(c.levelSquares/float64(c.levels))
	t.Logf(
		"%d frames: gross pitch error %.2f %%, voicing error %.2f %%; level %+.3f dB, RMS %.3f dB",
		c.frames, gross, voicing, mean, rms)
	ours, oursOff := against(c.ours, c.text)
	theirs, theirsOff := against(c.theirs, c.text)
	alike := correlation(c.ours, c.theirs)
	t.Logf("nuclei of %d texts: ours %.3f of the syllables, off by %.2f a text; "+
		"Praat %.3f, off by %.2f; correlation of the two %.3f, with the text %.3f and %.3f",
		len(c.text), ours, oursOff, theirs, theirsOff, alike, correlation(c.ours, c.text),
		correlation(c.theirs, c.text))
	if gross > 0.5 || voicing > 3 {
		t.Error("F0 differs too much from Praat's")
	}
	if math.Abs(mean) > 0.05 || rms > 0.2 {
		t.Error("the level differs too much from Praat's")
	}
	if alike < 0.8 || oursOff > theirsOff || math.Abs(ours-1) > 0.15 {
		t.Error("the nuclei differ too much from Praat's or from the text")
	}
}

// against returns the sum of the counts divided by the true sum, and the mean absolute error of a
// count.
func against(counts, truth []float64) (ratio, off float64) {
	var sum, all float64
	for i := range counts {
		sum += counts[i]
		all += truth[i]
		off += math.Abs(counts[i]-truth[i]) / float64(len(counts))
	}
	return sum / all, off
}
