package dsp_test

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"bedside/speech/dsp"
	"bedside/store"
)

// TestSyntheticSpeech joins sentences of synthetic voices with pauses of known length, adds noise
// and changes the level. Speech duration must be exact within 2 %, phonation time within 5 %.
func TestSyntheticSpeech(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	sentences := []string{
		"Good morning, Mrs Baker. My name is Doctor Shaw and I am one of the physicians here.",
		"Have you noticed any swelling in your ankles, or shortness of breath?",
		"First, I will explain what the tablets do. Second, I will tell you how to take them.",
	}
	for _, voice := range [][]string{
		{"espeak-ng", "-v", "en-gb"}, {"espeak-ng", "-v", "en-us+f3"}, {"flite", "-voice", "slt"},
		{"flite", "-voice", "awb"},
	} {
		t.Run(fmt.Sprint(voice), func(t *testing.T) {
			need(t, voice[0])
			x, spoken := speak(t, voice, sentences)
			for _, c := range []struct {
				name string
				x    []float32
			}{
				{"clean", x},
				{"quiet", gained(x, -40)},
				{"noise 25 dB below, quiet", gained(under(x, spoken, 25), -30)},
				{"noise 15 dB below", under(x, spoken, 15)},
				{"through Opus", throughOpus(t, under(x, spoken, 40))},
			} {
				r := analyse(t, c.x)
				truth := 0.0
				for _, s := range spoken {
					truth += s.EndS - s.StartS
				}
				duration := spoken[len(spoken)-1].EndS - spoken[0].StartS
				phonationOff := r.Measures.PhonationTimeS/truth - 1
				durationOff := r.Measures.SpeechDurationS/duration - 1
				t.Logf("%-26s speech duration %+.2f %%, phonation %+.2f %%, %d stretches of %d",
					c.name, 100*durationOff, 100*phonationOff, len(r.Speech), len(spoken))
				if math.Abs(durationOff) > 0.02 || math.Abs(phonationOff) > 0.05 {
					t.Errorf("%s: the error is too large", c.name)
				}
			}
		})
	}
}

// speak synthesises the sentences with pauses of at least 0.8 s between them, and returns where
// there is sound. Gaps under 0.25 s count as sound.
func speak(t *testing.T, voice, sentences []string) (x []float32, spoken []store.Span) {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, s := range sentences {
		file := filepath.Join(dir, fmt.Sprintf("%d.wav", i))
		args := append(append([]string(nil), voice[1:]...), "-w", file, s)
		if voice[0] == "flite" {
			args = append(append([]string(nil), voice[1:]...), "-t", s, "-o", file)
		}
		if said, err := exec.Command(voice[0], args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", voice, err, said)
		}
		files = append(files, file)
	}
	x = silence(1)
	for i, sentence := range decode(t, files...) {
		peak := float32(0)
		for _, v := range sentence {
			peak = max(peak, v, -v)
		}
		for k := range sentence {
			sentence[k] *= 0.5 / peak
		}
		for _, s := range sounding(sentence) {
			at := float64(len(x)) / dsp.SampleRate
			s = store.Span{StartS: s.StartS + at, EndS: s.EndS + at}
			if last := len(spoken) - 1; last >= 0 && s.StartS-spoken[last].EndS < 0.25 {
				spoken[last].EndS = s.EndS
			} else {
				spoken = append(spoken, s)
			}
		}
		x = concat(x, sentence, silence(0.8+0.4*float64(i)))
	}
	return x, spoken
}

// throughOpus encodes and decodes a sound as a room does: in packets of 20 ms at 24 kb/s.
func throughOpus(t *testing.T, x []float32) []float32 {
	t.Helper()
	dir := t.TempDir()
	wav, ogg := filepath.Join(dir, "x.wav"), filepath.Join(dir, "x.ogg")
	writeWAV(t, wav, x)
	if said, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", wav, "-c:a", "libopus",
		"-application", "voip", "-b:a", "24k", "-frame_duration", "20",
		ogg).CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("ffmpeg with libopus: %v: %s", err, said))
	}
	return decode(t, ogg)[0]
}

// sounding returns the blocks of 5 ms that are at most 40 dB below the loudest block.
func sounding(x []float32) []store.Span {
	const size = dsp.SampleRate / 200
	var power []float64
	loudest := 0.0
	for i := 0; i+size <= len(x); i += size {
		sum := 0.0
		for _, v := range x[i : i+size] {
			sum += float64(v) * float64(v)
		}
		power = append(power, sum)
		loudest = max(loudest, sum)
	}
	var spans []store.Span
	for i, p := range power {
		if p > loudest*1e-4 {
			spans = append(spans, store.Span{StartS: float64(i) / 200, EndS: float64(i+1) / 200})
		}
	}
	return spans
}

// under adds white noise whose level is db below the mean power of the speech.
func under(x []float32, spoken []store.Span, db float64) []float32 {
	sum, n := 0.0, 0
	for _, s := range spoken {
		for _, v := range x[int(s.StartS*dsp.SampleRate):int(s.EndS*dsp.SampleRate)] {
			sum += float64(v) * float64(v)
			n++
		}
	}
	return noisy(x, 10*math.Log10(sum/float64(n))-db)
}
