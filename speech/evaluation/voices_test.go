package evaluation

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"bedside/speech/asr"
	"bedside/speech/opus"
)

// voice is a synthetic voice. None was used to fit anything: what was fitted saw text only.
type voice struct {
	name string
	say  func(text, wav string) *exec.Cmd
}

// voices returns those that are installed.
func voices(t *testing.T) (list []voice) {
	t.Helper()
	if _, err := exec.LookPath("flite"); err == nil {
		for _, name := range []string{"slt", "rms", "awb", "kal"} {
			list = append(list, voice{"flite " + name, func(text, wav string) *exec.Cmd {
				return exec.Command("flite", "-voice", name, "-t", text, "-o", wav)
			}})
		}
	}
	if _, err := exec.LookPath("text2wave"); err == nil {
		list = append(list, voice{"festival kal", func(text, wav string) *exec.Cmd {
			c := exec.Command("text2wave", "-o", wav)
			c.Stdin = bytes.NewBufferString(text)
			return c
		}})
	}
	if len(list) == 0 {
		t.Skip("neither flite nor festival is installed")
	}
	return list
}

// speak returns a text as a voice says it, at 48 kHz.
func (v voice) speak(t *testing.T, text string) []float32 {
	t.Helper()
	wav := filepath.Join(t.TempDir(), "line.wav")
	if out, err := v.say(text, wav).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", v.name, err, out)
	}
	f, err := os.Open(wav)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, err := opus.ReadAudio(f, opus.ClockRate, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	// Turn-taking waits for silence, which the recogniser hears too.
	return append(samples, make([]float32, opus.ClockRate*2/5)...)
}

// addNoise adds low-passed noise, so much weaker than the speech as decibels say.
func addNoise(samples []float32, decibels float64, random *rand.Rand) []float32 {
	power := 0.0
	loud := 0
	for _, x := range samples {
		if math.Abs(float64(x)) > 0.01 {
			power += float64(x) * float64(x)
			loud++
		}
	}
	noise := make([]float64, len(samples))
	noisy, last := 0.0, 0.0
	for i := range noise {
		last = 0.9*last + random.NormFloat64()
		noise[i] = last
		noisy += last * last
	}
	scale := math.Sqrt(power / float64(max(loud, 1)) / (noisy / float64(len(noise))) *
		math.Pow(10, -decibels/10))
	out := make([]float32, len(samples))
	for i, x := range samples {
		out[i] = float32(max(-1, min(1, float64(x)+scale*noise[i])))
	}
	return out
}

// transmit encodes sound with Opus at 24 kb/s, loses packets, and returns what the speech worker
// decodes, at asr.SampleRate.
func transmit(t *testing.T, samples []float32, loss float64, random *rand.Rand) []float32 {
	t.Helper()
	encoder, err := opus.NewEncoder(opus.EncoderConfig{Bitrate: 24000})
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := opus.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	for at := 0; at+opus.FrameSamples <= len(samples); at += opus.FrameSamples {
		payload, err := encoder.Encode(samples[at : at+opus.FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		p := opus.Packet{Payload: payload, Start: int64(at), Samples: opus.FrameSamples}
		if at > 0 && random.Float64() < loss {
			p.Payload, p.Filler, p.Lost = payload[:1], true, 1
		}
		out = append(out, decoder.Decode(p)...)
	}
	return append(out, decoder.Flush()...)
}

// heard is what a recogniser made of an utterance.
type heard struct {
	result asr.Result
	cpu    time.Duration // in all
	after  time.Duration // of it, after the last frame
	sound  time.Duration
}

// listen lets a recogniser hear an utterance in frames of 20 ms.
func listen(t *testing.T, s asr.Stream, samples []float32) (h heard) {
	t.Helper()
	const frame = asr.SampleRate / 50
	h.sound = time.Duration(len(samples)) * time.Second / asr.SampleRate
	began := threadCPU(t)
	for at := 0; at < len(samples); at += frame {
		if err := s.Write(samples[at:min(at+frame, len(samples))]); err != nil {
			t.Fatal(err)
		}
	}
	written := threadCPU(t)
	var err error
	if h.result, err = s.End(); err != nil {
		t.Fatal(err)
	}
	ended := threadCPU(t)
	h.cpu, h.after = ended-began, ended-written
	return h
}

func percent(a, b int) string { return fmt.Sprintf("%.1f", 100*float64(a)/float64(max(b, 1))) }
