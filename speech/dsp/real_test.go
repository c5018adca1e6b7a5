package dsp_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bedside/speech/dsp"
)

// utterance is a sentence that a learner read, with the experts' score of its fluency.
type utterance struct {
	id, path, speaker, text string
	age                     int
	fluency                 float64
}

// learners returns every step-th utterance of speechocean762. BEDSIDE_DATA_STEP sets another
// step, 1 for all utterances. Without the data it skips the test.
func learners(t *testing.T, step int) []utterance {
	t.Helper()
	root := os.Getenv("BEDSIDE_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	root = filepath.Join(root, "speechocean762-train")
	table, err := os.ReadFile(filepath.Join(root, "utterances.tsv"))
	if err != nil {
		missing(t, "the data speechocean762-train: set BEDSIDE_DATA to the folder that holds it")
	}
	need(t, "ffmpeg")
	if s := os.Getenv("BEDSIDE_DATA_STEP"); s != "" {
		if step, err = strconv.Atoi(s); err != nil || step < 1 {
			t.Fatalf("BEDSIDE_DATA_STEP=%q is not a positive number", s)
		}
	}
	if testing.Short() {
		t.Skip("speechocean762-train is not read in short tests")
	}
	var all []utterance
	for i, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		if i%step != 0 {
			continue
		}
		f := strings.Split(line, "\t")
		age, err := strconv.Atoi(f[3])
		if err != nil {
			t.Fatal(err)
		}
		fluency, err := strconv.ParseFloat(f[8], 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, utterance{
			id: f[0], path: filepath.Join(root, f[1]), speaker: f[2], text: f[5], age: age,
			fluency: fluency,
		})
	}
	return all
}

// syllables counts the vowels of a text according to the lexicon of the data. It returns 0 when
// the lexicon lacks one of the words.
func syllables(text string, lexicon map[string]int) int {
	sum := 0
	for word := range strings.FieldsSeq(strings.ToUpper(text)) {
		n := lexicon[word]
		if n == 0 {
			return 0
		}
		sum += n
	}
	return sum
}

// vowels returns the number of vowels of each word in its first pronunciation. Vowels are the
// phones with a stress mark.
func vowels(t *testing.T, some utterance) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(some.path, "../../../lexicon.txt"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || count[f[0]] > 0 {
			continue
		}
		for _, phone := range f[1:] {
			if strings.HasSuffix(phone, "0") || strings.HasSuffix(phone, "1") ||
				strings.HasSuffix(phone, "2") {
				count[f[0]]++
			}
		}
	}
	return count
}

// missing skips the test because something that it needs is not on this machine. make test lists
// these lines at its end.
func missing(t *testing.T, what string) {
	t.Helper()
	t.Skipf("MISSING: %s needs %s", t.Name(), what)
}

// need skips the test if a program is not installed.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, "the program "+program)
	}
}

// decode reads audio files as 16-bit samples at the analyzer's rate, several with each process.
func decode(t *testing.T, paths ...string) [][]float32 {
	t.Helper()
	const batch = 50
	dir := t.TempDir()
	var all [][]float32
	for some := range slices.Chunk(paths, batch) {
		args := []string{"-nostdin", "-v", "error", "-y"}
		for _, path := range some {
			args = append(args, "-i", path)
		}
		for i := range some {
			args = append(args, "-map", strconv.Itoa(i), "-f", "s16le", "-ar", "16000", "-ac", "1",
				filepath.Join(dir, strconv.Itoa(i)))
		}
		if said, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, said)
		}
		for i := range some {
			raw, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)))
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, len(raw)/2)
			for k := range x {
				x[k] = float32(int16(binary.LittleEndian.Uint16(raw[2*k:]))) / 32768
			}
			all = append(all, x)
		}
	}
	return all
}

// writeWAV writes 16-bit samples at 16 kHz.
func writeWAV(t *testing.T, path string, x []float32) {
	t.Helper()
	head := []any{
		[]byte("RIFF"), uint32(36 + 2*len(x)), []byte("WAVEfmt "), uint32(16),
		uint16(1), uint16(1), uint32(dsp.SampleRate), uint32(2 * dsp.SampleRate), uint16(2),
		uint16(16), []byte("data"), uint32(2 * len(x)),
	}
	var b bytes.Buffer
	for _, field := range head {
		if err := binary.Write(&b, binary.LittleEndian, field); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range x {
		b.Write(binary.LittleEndian.AppendUint16(nil,
			uint16(int16(max(-32768, min(32767, math.Round(float64(v)*32768)))))))
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func correlation(a, b []float64) float64 {
	var ma, mb float64
	for i := range a {
		ma += a[i] / float64(len(a))
		mb += b[i] / float64(len(b))
	}
	var aa, bb, ab float64
	for i := range a {
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
		ab += (a[i] - ma) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}
