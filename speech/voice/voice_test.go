package voice

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/dsp"
	"bedside/speech/line"
	"bedside/speech/opus"
	"bedside/speech/patient"
	"bedside/store"
)

// tone is an engine whose lines are tones of a second, with silence around them.
type tone struct {
	called string
	level  float64
	err    error
	far    bool          // remote
	block  chan struct{} // closed to let render go on; nil lets it
	takes  time.Duration
	mu     sync.Mutex // guards texts
	texts  []string
}

func (e *tone) name() string                { return e.called }
func (e *tone) version(s style) string      { return "1 " + s.sex + string(s.emotion) }
func (e *tone) remote() bool                { return e.far }
func (e *tone) speaks(language string) bool { return language == "en" }

func (e *tone) render(ctx context.Context, text string, _ style) (sound, error) {
	e.mu.Lock()
	e.texts = append(e.texts, text)
	e.mu.Unlock()
	time.Sleep(e.takes)
	if e.block != nil {
		select {
		case <-e.block:
		case <-ctx.Done():
			return sound{}, ctx.Err()
		}
	}
	if e.err != nil {
		return sound{}, e.err
	}
	s := sound{samples: make([]float32, 24000), rate: 16000}
	for i := range 16000 {
		s.samples[4000+i] = float32(e.level * math.Sin(float64(i)/5))
	}
	return s, nil
}

func (e *tone) rendered() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.texts)
}

// files is a folder in memory.
type files struct {
	mu   sync.Mutex
	data map[string][]byte
	err  error // of Put
}

func (f *files) Open(_ context.Context, key string) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.data[key]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return nil, store.ErrNotFound
}

func (f *files) Put(_ context.Context, key string, r io.Reader, _ string) (int64, error) {
	b, err := io.ReadAll(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := errors.Join(err, f.err); err != nil {
		return 0, err
	}
	f.data[key] = b
	return int64(len(b)), nil
}

func open(t *testing.T, f Files, engines ...engine) *Voices {
	t.Helper()
	v, err := newVoices(Config{}.withDefaults(), engines, f, nil, slog.New(slog.DiscardHandler),
		nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func speak(t *testing.T, v *Voices, text string) Clip {
	t.Helper()
	clip, err := v.Line(t.Context(), patient.Line{Text: text}, patient.Voice{Sex: "female"})
	if err != nil {
		t.Fatal(err)
	}
	return clip
}

// decode returns the samples of a clip at opus.ClockRate.
func decode(t *testing.T, c Clip) []float32 {
	t.Helper()
	var file bytes.Buffer
	w, err := opus.NewOggWriter(&file)
	for _, f := range c.Frames {
		err = errors.Join(err, w.WritePacket(f.Payload, opus.FrameSamples))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	pcm, err := opus.ReadAudio(&file, opus.ClockRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func TestLinesAreTrimmedAndEquallyLoud(t *testing.T) {
	for _, level := range []float64{0.01, 0.1, 0.9} {
		v := open(t, nil, &tone{called: "tone", level: level})
		clip := speak(t, v, "I'm fine.")
		if d := clip.Duration(); d < time.Second || d > 1240*time.Millisecond {
			t.Errorf("a tone of 1 s with silence around it lasts %v", d)
		}
		meter := dsp.NewLoudness(1)
		meter.Add(decode(t, clip))
		if l := meter.Integrated(); math.Abs(l-line.Target) > 0.5 {
			t.Errorf("level %g: %.1f LUFS", level, l)
		}
		if middle := clip.Frames[25].Level; middle < 18 || middle > 28 {
			t.Errorf("level of a frame: %d", middle)
		}
	}
}

func TestLinesAreRenderedOnce(t *testing.T) {
	f, e := &files{data: map[string][]byte{}}, &tone{called: "tone", level: 0.1}
	first := speak(t, open(t, f, e), "I'm fine.")
	v := open(t, f, e) // another process
	speak(t, v, "I'm fine.")
	again := speak(t, v, " I'm\nfine. ")
	if n := len(e.rendered()); n != 1 || len(f.data) != 1 {
		t.Errorf("rendered %d times, %d files", n, len(f.data))
	}
	if !slices.EqualFunc(first.Frames, again.Frames, func(a, b Frame) bool {
		return bytes.Equal(a.Payload, b.Payload) && a.Level == b.Level
	}) {
		t.Error("the line from its file differs")
	}
	for _, l := range []patient.Line{
		{Text: "I'm fine now."}, {Text: "I'm fine.", Emotion: patient.Anxious},
	} {
		if _, err := v.Line(t.Context(), l, patient.Voice{Sex: "female"}); err != nil {
			t.Error(err)
		}
	}
	if len(f.data) != 3 {
		t.Errorf("%d files of three lines", len(f.data))
	}
}

func TestImprovisedLinesAreNotKept(t *testing.T) {
	f, e := &files{data: map[string][]byte{}}, &tone{called: "tone", level: 0.1}
	v := open(t, f, e)
	for range 2 {
		if _, err := v.Line(t.Context(), patient.Line{Text: "I'm Dennis.", Improvised: true},
			patient.Voice{}); err != nil {
			t.Error(err)
		}
	}
	if len(e.rendered()) != 2 || len(f.data) != 0 || len(v.memory.clips) != 0 {
		t.Errorf("%d files, %d clips", len(f.data), len(v.memory.clips))
	}
}

func TestDamagedFileIsRenderedAgain(t *testing.T) {
	f, e := &files{data: map[string][]byte{}}, &tone{called: "tone", level: 0.1}
	speak(t, open(t, f, e), "I'm fine.")
	for key, b := range f.data {
		f.data[key] = b[:len(b)/2]
	}
	speak(t, open(t, f, e), "I'm fine.")
	if n := len(e.rendered()); n != 2 {
		t.Errorf("rendered %d times", n)
	}
}

func TestStoreThatRefusesIsNoSilence(t *testing.T) {
	f := &files{data: map[string][]byte{}, err: errors.New("disk full")}
	v := open(t, f, &tone{called: "tone", level: 0.1})
	speak(t, v, "I'm fine.")
}

func TestNextVoiceSpeaksWhenOneFails(t *testing.T) {
	now := time.Unix(0, 0)
	bad := &tone{called: "bad", err: errors.New("no")}
	mute := &tone{called: "mute"}
	good := &tone{called: "good", level: 0.1}
	v := open(t, nil, bad, mute, good)
	v.cfg.Clock = func() time.Time { return now }
	if c := speak(t, v, "One."); c.Engine != "good" {
		t.Errorf("spoken by %s", c.Engine)
	}
	speak(t, v, "Two.")
	if len(bad.rendered()) != 1 || len(mute.rendered()) != 1 {
		t.Error("a voice that failed is asked again at once")
	}
	now = now.Add(restFor)
	bad.err, bad.level = nil, 0.1
	if c := speak(t, v, "Three."); c.Engine != "bad" {
		t.Errorf("spoken by %s after a rest", c.Engine)
	}
}

func TestLinesThatCannotBeSpoken(t *testing.T) {
	v := open(t, nil, &tone{called: "bad", err: errors.New("no")})
	for _, text := range []string{"", " \x00\n", strings.Repeat("a", maxText+1), "I'm fine."} {
		if _, err := v.Line(t.Context(), patient.Line{Text: text},
			patient.Voice{}); !errors.Is(err, ErrUnspoken) {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

func TestLineIsSharedAndOutlivesWhoAskedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &tone{called: "tone", level: 0.1, block: make(chan struct{})}
		v := open(t, nil, e)
		l := patient.Line{Text: "I'm fine."}
		ctx, cancel := context.WithCancel(t.Context())
		var gone, got error
		go func() { _, gone = v.Line(ctx, l, patient.Voice{}) }()
		synctest.Wait()
		go func() { _, got = v.Line(t.Context(), l, patient.Voice{}) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(gone, context.Canceled) {
			t.Errorf("who left got %v", gone)
		}
		close(e.block)
		synctest.Wait()
		if got != nil || len(e.rendered()) != 1 {
			t.Errorf("got %v after %d renderings", got, len(e.rendered()))
		}
	})
}

func TestCloseEndsWhatIsRendered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := open(t, nil, &tone{called: "tone", block: make(chan struct{})})
		var got error
		go func() { _, got = v.Line(t.Context(), patient.Line{Text: "a"}, patient.Voice{}) }()
		synctest.Wait()
		v.Close()
		synctest.Wait()
		if !errors.Is(got, errClosed) {
			t.Errorf("got %v", got)
		}
		if _, err := v.Line(t.Context(), patient.Line{Text: "b"}, patient.Voice{}); err == nil {
			t.Error("a line after Close")
		}
	})
}

func TestPrepareKeepsTheOrderAndLetsLinesPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &tone{called: "tone", level: 0.1, block: make(chan struct{})}
		v := open(t, nil, e)
		done := make(chan error, 2)
		for _, names := range []string{"ab", "c"} {
			lines := make([]patient.Line, 0, len(names))
			for _, name := range names {
				lines = append(lines, patient.Line{Text: string(name)})
			}
			go func() { done <- v.Prepare(t.Context(), lines, patient.Voice{}) }()
			synctest.Wait()
		}
		go func() { _, _ = v.Line(t.Context(), patient.Line{Text: "now"}, patient.Voice{}) }()
		synctest.Wait()
		if got := e.rendered(); !slices.Equal(got, []string{"a", "now"}) {
			t.Errorf("rendered at once: %v", got)
		}
		close(e.block)
		time.Sleep(time.Minute) // of the bubble's clock
		if err := errors.Join(<-done, <-done); err != nil || len(e.rendered()) != 4 {
			t.Errorf("rendered %v, %v", e.rendered(), err)
		}
	})
}

func TestPrepareTakesAThirdOfACore(t *testing.T) {
	for _, c := range []struct {
		far  bool
		want time.Duration
	}{
		{false, 9 * time.Second}, // three lines of a second each
		{true, 3*time.Second + 3*remoteRest},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := open(t, nil, &tone{called: "t", level: 0.1, far: c.far, takes: time.Second})
			began := time.Now()
			err := v.Prepare(t.Context(), []patient.Line{{Text: "a"}, {Text: "b"}, {Text: "c"}},
				patient.Voice{})
			if took := time.Since(began); err != nil || took != c.want {
				t.Errorf("far %v: %v, %v", c.far, took, err)
			}
		})
	}
}

// human has one recording.
type human map[string][]byte

func (h human) Recording(_ context.Context, media string) (io.ReadCloser, error) {
	if b, ok := h[media]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return nil, store.ErrNotFound
}

func TestRecordedLinesComeFirst(t *testing.T) {
	e := &tone{called: "tone", level: 0.1}
	raw, err := e.render(t.Context(), "recorded", style{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := raw.encode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := open(t, nil, e)
	v.human = human{"good": file, "damaged": file[:len(file)/2]}
	for media, engine := range map[string]string{
		"good": recorded, "damaged": "tone", "gone": "tone", "": "tone",
	} {
		clip, err := v.Line(t.Context(), patient.Line{Text: "I'm fine.", Media: media},
			patient.Voice{})
		if err != nil || clip.Engine != engine {
			t.Errorf("%q: spoken by %s, %v", media, clip.Engine, err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(1000)
	clip := func() Clip { return Clip{Frames: []Frame{{Payload: make([]byte, 252)}}} } // 300
	m.put("a", clip())
	m.put("b", clip())
	m.put("c", clip())
	m.get("a")
	m.put("d", clip())
	m.put("d", clip())
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, ok := m.get(key); ok != want {
			t.Errorf("%s is there: %v", key, ok)
		}
	}
	m.put("large", Clip{Frames: []Frame{{Payload: make([]byte, 2000)}}})
	if len(m.clips) != 0 || m.left != 1000 {
		t.Errorf("%d clips, %d bytes left", len(m.clips), m.left)
	}
}
