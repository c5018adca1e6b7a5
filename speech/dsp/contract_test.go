package dsp_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"bedside/speech/dsp"
	"bedside/store"
)

func TestSoundWithoutSpeech(t *testing.T) {
	dc := make([]float32, dsp.SampleRate)
	for i := range dc {
		dc[i] = 0.4
	}
	for name, x := range map[string][]float32{
		"nothing":               nil,
		"one sample":            {0.5},
		"shorter than a frame":  make([]float32, 159),
		"one frame":             make([]float32, 160),
		"shorter than a window": tone(0.03, 200, 0.5),
		"digital silence":       silence(3),
		"comfort noise":         noisy(silence(3), -75),
		"loud noise":            noisy(silence(3), -12),
		"DC":                    dc,
		"mains hum":             noisy(tone(5, 50, 0.1), -60),
		"a click": concat(silence(1), []float32{1, -1, 0.7, -0.3},
			silence(1)),
		"a click in noise": noisy(
			concat(silence(1), []float32{1, -1, 0.7, -0.3}, silence(1)), -60),
		"a burst of noise": noisy(
			concat(silence(1), noisy(silence(0.3), -20), silence(1)), -60),
		"denormal": {
			math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
		},
		"as loud as it may be": concat(silence(1),
			[]float32{dsp.MaxSample, -dsp.MaxSample}, silence(1)),
		"full-scale noise then a gap": concat(noisy(silence(1), 0), silence(5)),
		"very short voice, then quiet": concat(silence(1), voice(0.02, 0.5, steady(150)),
			silence(1)),
	} {
		t.Run(name, func(t *testing.T) {
			r := analyse(t, x)
			if len(r.Speech) != 0 || len(r.Pauses) != 0 || len(r.Syllables) != 0 ||
				len(r.Pitch) != 0 {
				t.Errorf("found speech %v, pauses %v, syllables %v, %d pitch points", r.Speech,
					r.Pauses, r.Syllables, len(r.Pitch))
			}
			if r.Speech == nil || r.Pauses == nil || r.Syllables == nil || r.Pitch == nil ||
				r.Intensity == nil || r.Peaks == nil {
				t.Error("a slice is nil")
			}
			noise := r.Measures.NoiseFloorDB
			r.Measures.NoiseFloorDB = nil
			if r.Measures != (store.Measures{}) {
				t.Errorf("measures of no speech: %+v", r.Measures)
			}
			if noise != nil && (*noise < -120 || *noise > 40) {
				t.Errorf("noise floor %g dB", *noise)
			}
			if _, err := json.Marshal(r.Analysis); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestResultDoesNotDependOnChunks(t *testing.T) {
	x := noisy(talk(), -60)
	x = x[:len(x)-37] // no whole number of frames
	whole := analyse(t, x)
	random := rand.New(rand.NewPCG(3, 4))
	for name, size := range map[string]func() int{
		"single samples": func() int { return 1 },
		"20 ms":          func() int { return 320 },
		"of any size":    func() int { return random.IntN(5000) },
	} {
		t.Run(name, func(t *testing.T) {
			a := dsp.NewAnalyzer()
			for rest := x; len(rest) > 0; {
				n := min(size(), len(rest))
				chunk := append([]float32(nil), rest[:n]...)
				if err := a.Write(chunk); err != nil {
					t.Fatal(err)
				}
				clear(chunk) // the analyzer must not keep the slice
				rest = rest[n:]
			}
			if got := a.Finish(); !reflect.DeepEqual(got, whole) {
				t.Error("the result differs from that of a single write")
			}
		})
	}
}

func TestRefusedWriteChangesNothing(t *testing.T) {
	x := talk()
	want := analyse(t, x)
	a := dsp.NewAnalyzer()
	if err := a.Write(x[:10000]); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []float32{
		float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 101, -math.MaxFloat32,
	} {
		if err := a.Write([]float32{0.1, 0.2, bad, 0.3}); !errors.Is(err, dsp.ErrSample) {
			t.Errorf("%v: error %v", bad, err)
		}
	}
	if err := a.Write(x[10000:]); err != nil {
		t.Fatal(err)
	}
	if got := a.Finish(); !reflect.DeepEqual(got, want) {
		t.Error("a refused write changed the result")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	x := minutes(1)
	a := dsp.NewAnalyzer()
	before := heap()
	const n = 2
	for range n {
		if err := a.Write(x); err != nil {
			t.Fatal(err)
		}
	}
	perMinute := (heap() - before) / n
	t.Logf("%.2f MB for each minute of audio", perMinute/1e6)
	if perMinute > 1e6 {
		t.Errorf("%.2f MB kept for each minute of audio", perMinute/1e6)
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(x)

	if err := a.Write(make([]float32,
		dsp.MaxSeconds*dsp.SampleRate-len(x))); !errors.Is(err, dsp.ErrTooLong) {
		t.Errorf("four hours more: %v", err)
	}
}

// FuzzAnalyzer checks that any samples are either refused or yield a consistent result.
func FuzzAnalyzer(f *testing.F) {
	seed := func(x []float32) {
		var b []byte
		for _, v := range x {
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(v*32767)))
		}
		f.Add(b, 1.0)
	}
	seed(talk()[dsp.SampleRate/2:][:dsp.SampleRate/4])
	seed(noisy(silence(0.1), -30))
	seed(tone(0.1, 50, 1))
	f.Add([]byte{0, 128, 255, 127}, 1e6)
	f.Add([]byte{1, 2, 3, 4, 5, 6}, math.Inf(1))
	f.Fuzz(func(t *testing.T, b []byte, gain float64) {
		x := make([]float32, len(b)/2)
		for i := range x {
			x[i] = float32(float64(int16(binary.LittleEndian.Uint16(b[2*i:]))) / 32768 * gain)
		}
		a := dsp.NewAnalyzer()
		if err := a.Write(x); err != nil {
			if !errors.Is(err, dsp.ErrSample) {
				t.Fatal(err)
			}
			return
		}
		r := a.Finish()
		if _, err := json.Marshal(r.Analysis); err != nil {
			t.Fatal(err)
		}
		last := 0.0
		for i, s := range r.Speech {
			if s.StartS < last || s.EndS <= s.StartS || s.EndS > r.DurationS {
				t.Fatalf("speech %v in %v s", r.Speech, r.DurationS)
			}
			if i > 0 && s.StartS-last < 0.25-1e-9 {
				t.Fatalf("pause of %v s", s.StartS-last)
			}
			last = s.EndS
		}
		if len(r.Pauses) != max(0, len(r.Speech)-1) ||
			len(r.Syllables) != r.Measures.SyllableCount ||
			r.Measures.PauseCount != len(r.Pauses) {
			t.Fatal("counts do not agree")
		}
	})
}
