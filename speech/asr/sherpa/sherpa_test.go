package sherpa

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bedside/speech/asr"
)

// tryVariable makes the test binary a program that tries an engine and a model.
const tryVariable = "TRY_SHERPA"

func TestMain(m *testing.M) {
	if os.Getenv(tryVariable) != "" {
		if err := Try(os.Stdout, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// withEngine returns a configuration with the engine, or skips the test.
func withEngine(t *testing.T) Config {
	t.Helper()
	c := Config{Library: os.Getenv("BEDSIDE_SHERPA_LIBRARY"), Try: []string{os.Args[0]}}
	if _, err := c.library(); err != nil {
		t.Skipf("the engine is not installed (.ci/setup test installs it): %v", err)
	}
	t.Setenv(tryVariable, "1")
	return c
}

// folder writes a model into a folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func toneFiles() map[string]string {
	return map[string]string{
		"tokens.txt": toneTokens, "model.onnx": string(toneNetwork(toneMetadata())),
	}
}

// sweep returns tones one after the other, or silence for those of 0 Hz.
func sweep(seconds float64, hertz ...float64) []float32 {
	n := int(seconds * asr.SampleRate)
	var list []float32
	for _, f := range hertz {
		for i := range n {
			at := 2 * math.Pi * f * float64(i) / asr.SampleRate
			list = append(list, float32(0.3*math.Sin(at)))
		}
	}
	return list
}

func write(t *testing.T, s asr.Stream, samples []float32) {
	t.Helper()
	for len(samples) > 0 {
		n := min(asr.SoundFrame, len(samples))
		if err := s.Write(samples[:n]); err != nil {
			t.Fatal(err)
		}
		samples = samples[n:]
	}
}

// tones returns a recogniser of tones.
func tones(t *testing.T) *Recogniser {
	t.Helper()
	c := withEngine(t)
	c.Model = folder(t, toneFiles())
	r, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func open(t *testing.T, r *Recogniser) asr.Stream {
	t.Helper()
	s, err := r.Open(t.Context(), asr.Context{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func said(r asr.Result) string {
	if len(r.Best) == 0 {
		return ""
	}
	return strings.Join(r.Best[0], " ")
}

// near reports whether a word was heard at a time, in seconds.
func near(w asr.Word, text string, at float64) bool {
	return w.Text == text && math.Abs(w.From-at) < 0.15 && w.To > w.From && w.To < at+0.7
}

func TestRealEngineRecognises(t *testing.T) {
	s := open(t, tones(t))
	for i := range 2 {
		begins := 6.5 * float64(i)
		write(t, s, make([]float32, 5*asr.SampleRate))
		write(t, s, sweep(0.3, 200, 800, 0))
		if got := s.Partial().Words; len(got) != 1 || !near(got[0], "yes", begins+5) {
			t.Errorf("so far: %+v", got)
		}
		write(t, s, sweep(0.3, 0, 5000))
		r, err := s.End()
		if err != nil || said(r) != "yes no" || !near(r.Words[0], "yes", begins+5) ||
			!near(r.Words[1], "no", begins+6.2) {
			t.Errorf("%+v, %v", r, err)
		}
	}
	write(t, s, make([]float32, asr.SampleRate))
	if r, err := s.End(); err != nil || len(r.Words) > 0 || len(s.Partial().Words) > 0 {
		t.Errorf("silence: %+v, %v", r, err)
	}
}

func TestStreamsAtTheSameTime(t *testing.T) {
	r := tones(t)
	var all sync.WaitGroup
	for i := range 8 {
		s, want, audio := open(t, r), "yes no", sweep(0.3, 200, 800, 0, 0, 5000)
		if i%2 == 1 {
			want, audio = "no yes", sweep(0.3, 5000, 0, 0, 200, 800, 0)
		}
		all.Go(func() {
			for range 3 {
				write(t, s, audio)
				if r, err := s.End(); err != nil || said(r) != want {
					t.Errorf("%+v, %v", r, err)
				}
			}
		})
	}
	all.Wait()
}

func TestModelsThatAreRefused(t *testing.T) {
	with := func(name, text string) map[string]string {
		f := toneFiles()
		f[name] = text
		return f
	}
	network := func(change func(map[string]string)) string {
		m := toneMetadata()
		change(m)
		return string(toneNetwork(m))
	}
	whole := network(func(map[string]string) {})
	for name, c := range map[string]struct {
		files map[string]string
		want  string
		tried bool // the engine is asked
	}{
		"nothing":           {nil, "tokens.txt", false},
		"no network":        {map[string]string{"tokens.txt": toneTokens}, "no .onnx", false},
		"tokens of a model": {with("tokens.txt", whole), "no token", false},
		"no blank":          {with("tokens.txt", "a 0\nb 1\n"), "no blank", false},
		"endless tokens": {with("tokens.txt", strings.Repeat("a 0\n", 2<<20)),
			"bytes", false},
		"part of a transducer": {with("encoder.onnx", whole), "lacks",
			false},
		"a page": {with("model.onnx", "<!doctype html>"),
			"not an ONNX", false},
		"half a file": {with("model.onnx", whole[:len(whole)/2]),
			"not an ONNX", false},
		"not streaming": {with("model.onnx", network(func(m map[string]string) {
			delete(m, "chunk_shift")
		})), "not a streaming model", false},
		"metadata missing": {with("model.onnx", network(func(m map[string]string) {
			delete(m, "cache_last_time_dim2")
		})), "cache_last_time_dim2", true},
		"damaged": {with("model.onnx", strings.Replace(whole, "MatMul", "MutMal", 1)),
			"MutMal", true},
		"never enough audio": {with("model.onnx", network(func(m map[string]string) {
			m["window_size"] = "1000000000"
		})), "has decoded nothing", true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Library: os.Args[0]}
			if c.tried {
				cfg = withEngine(t)
			}
			cfg.Model = folder(t, c.files)
			_, err := New(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestLibrariesThatAreRefused(t *testing.T) {
	t.Setenv(tryVariable, "1")
	dir := folder(t, map[string]string{"text.so": "no library"})
	libc, err := filepath.Glob("/lib/*/libc.so.6")
	if err != nil || len(libc) == 0 {
		t.Skip("no libc to load")
	}
	for library, want := range map[string]string{
		filepath.Join(dir, "text.so"):    "cannot be loaded",
		filepath.Join(dir, "missing.so"): "speech.sherpa_library",
		libc[0]:                          "SherpaOnnxGetVersionStr",
	} {
		_, err := New(t.Context(), Config{
			Library: library, Model: folder(t, toneFiles()), Try: []string{os.Args[0]},
		})
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, asr.ErrNotSet) {
			t.Errorf("%s: %v", library, err)
		}
	}
}

func TestTryIsBelieved(t *testing.T) {
	for says, want := range map[string]string{
		`{"version": "1.13.8", "load": 2, "cost": 0.1}`: "",
		`{"version": "1.13.8", "load": 2, "cost": 1.5}`: "1.5 s for a second",
		``: "says nothing",
	} {
		r, err := New(t.Context(), Config{
			Library: os.Args[0], Model: folder(t, toneFiles()),
			Try: []string{"sh", "-c", "echo '" + says + "'"},
		})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", says, err)
		}
		if err == nil {
			if _, tried := r.Model(); tried.Version != "1.13.8" {
				t.Errorf("%+v", tried)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Config{
		Library: os.Args[0], Model: folder(t, toneFiles()), Try: []string{"sleep", "inf"},
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("a try that is cancelled: %v", err)
	}
}

func TestVersions(t *testing.T) {
	for version, ok := range map[string]bool{
		"1.12.11": true, "1.13.8": true, "1.12.10": false, "1.14.0": false, "2.0.0": false,
		"1.13": false, "": false, "a.b.c": false,
	} {
		if err := checkVersion(version); (err == nil) != ok {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestPlacesOfEngineAndModel(t *testing.T) {
	none := Config{Installed: t.TempDir()}
	if _, err := none.model(); !errors.Is(err, asr.ErrNotSet) {
		t.Errorf("nothing installed: %v", err)
	}
	dir := t.TempDir()
	c := Config{Installed: dir}
	engine := filepath.Join(dir, "node_modules", npmPackage())
	for _, d := range []string{engine, filepath.Join(dir, "first"), filepath.Join(dir, "other")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	copyTo := func(to string, files map[string]string) {
		if err := os.CopyFS(to, os.DirFS(folder(t, files))); err != nil {
			t.Fatal(err)
		}
	}
	copyTo(engine, map[string]string{engineName: "engine"})
	copyTo(filepath.Join(dir, "first"), toneFiles())
	if path, err := c.library(); err != nil || path != filepath.Join(engine, engineName) {
		t.Errorf("%s, %v", path, err)
	}
	if path, err := c.model(); err != nil || path != filepath.Join(dir, "first") {
		t.Errorf("the only model: %s, %v", path, err)
	}
	copyTo(filepath.Join(dir, "other"), toneFiles())
	if _, err := c.model(); err == nil || !strings.Contains(err.Error(), "several") {
		t.Errorf("two models: %v", err)
	}
	c.Model = "other"
	if path, err := c.model(); err != nil || path != filepath.Join(dir, "other") {
		t.Errorf("by name: %s, %v", path, err)
	}
	c.Model = "../escapes"
	if _, err := c.model(); err == nil {
		t.Error("a name leads out of the folder")
	}
}

func TestTokensBecomeWords(t *testing.T) {
	s := stream{begins: 2 * asr.SampleRate, written: 5 * asr.SampleRate}
	r, err := s.parse(`{"text": "", "tokens": [" HOW", " FE", "EL", "▁it's", " ."],
		"timestamps": [0.1, 0.4, 0.5, 2.9, 2.95], "ys_probs": [-0.1, 0.5, -1, -50, 0]}`)
	want := []asr.Word{
		{Text: "how", From: 2.1, To: 2.35, Confidence: math.Exp(-0.1)},
		{Text: "feel", From: 2.4, To: 2.75, Confidence: math.Exp(-1)},
		{Text: "it's", From: 4.9, To: 5, Confidence: math.Exp(-50)},
	}
	if err != nil || len(r.Words) != len(want) {
		t.Fatalf("%+v, %v", r, err)
	}
	for i, w := range r.Words {
		if w.Text != want[i].Text || math.Abs(w.From-want[i].From) > 1e-9 ||
			math.Abs(w.To-want[i].To) > 1e-9 || math.Abs(w.Confidence-want[i].Confidence) > 1e-9 {
			t.Errorf("%+v, want %+v", w, want[i])
		}
	}
	if _, err := s.parse("no JSON"); err == nil {
		t.Error("no JSON is accepted")
	}
}
