package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/asr"

	"github.com/prometheus/client_golang/prometheus"
)

const second = asr.SampleRate

// fake is a recogniser whose words say how much sound it has heard.
type fake struct {
	name                string
	open, write, end    error
	opened, ended, shut int
	heard               int // samples with sound of the last utterance
}

func (f *fake) Name() string { return f.name }

func (f *fake) Open(context.Context, asr.Context) (asr.Stream, error) {
	if f.open != nil {
		return nil, f.open
	}
	f.opened++
	f.heard = 0
	return &fakeStream{fake: f}, nil
}

type fakeStream struct {
	*fake
	written int
}

func (s *fakeStream) Write(samples []float32) error {
	s.written += len(samples)
	for _, v := range samples {
		if v != 0 {
			s.heard++
		}
	}
	return s.write
}

func (s *fakeStream) Partial() asr.Result {
	to := float64(s.written) / second
	return asr.Result{Words: []asr.Word{{Text: s.name, From: to - 1, To: to}}}
}

func (s *fakeStream) End() (asr.Result, error) {
	s.ended++
	defer func() { s.heard = 0 }()
	if s.end != nil {
		return asr.Result{}, s.end
	}
	r := s.Partial()
	r.Best = [][]string{{fmt.Sprintf("%s heard %d", s.name, s.heard)}}
	return r, nil
}

func (s *fakeStream) Close() error { s.shut++; return nil }

func tone(n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(0.01 + math.Abs(math.Sin(float64(i)/5)))
	}
	return list
}

// listener is a chain's stream and what it has said of itself.
type listener struct {
	asr.Stream
	chosen []asr.Choice
	logged strings.Builder
	chain  *Chain
	reg    *prometheus.Registry
}

func listen(t *testing.T, links ...Link) *listener {
	t.Helper()
	l := &listener{reg: prometheus.NewRegistry()}
	var err error
	l.chain, err = New(links, slog.New(slog.NewTextHandler(&l.logged, nil)), l.reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.chain.Close)
	l.Stream, err = l.chain.Open(t.Context(), asr.Context{
		Chosen: func(c asr.Choice) { l.chosen = append(l.chosen, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *listener) write(t *testing.T, samples []float32) {
	t.Helper()
	for len(samples) > 0 {
		n := min(asr.SoundFrame, len(samples))
		if err := l.Write(samples[:n]); err != nil {
			t.Fatal(err)
		}
		samples = samples[n:]
	}
}

// heard ends the utterance and returns the best hypothesis and the time of its end.
func (l *listener) heard(t *testing.T) (string, float64) {
	t.Helper()
	r, err := l.End()
	if err != nil {
		t.Fatal(err)
	}
	return r.Best[0][0], r.Words[0].To
}

func linked(f *fake) Link { return Link{Name: f.name, Recogniser: f} }

var errBroken = errors.New("broken")

func TestNextRecogniserHearsTheWholeUtterance(t *testing.T) {
	for name, fail := range map[string]func(*fake){
		"when it is opened":       func(f *fake) { f.open = errBroken },
		"while somebody speaks":   func(f *fake) { f.write = errBroken },
		"at the end of utterance": func(f *fake) { f.end = errBroken },
	} {
		synctest.Test(t, func(t *testing.T) {
			first, floor := &fake{name: "first"}, &fake{name: "floor"}
			l := listen(t, linked(first), linked(floor))
			l.write(t, make([]float32, 10*second))
			l.write(t, tone(second))
			if got, at := l.heard(t); got != "first heard 16000" || at != 11 {
				t.Errorf("before: %s at %v", got, at)
			}
			if first.open == nil {
				fail(first)
			}
			if first.open != nil { // the stream is open: it fails another way first
				first.write = errBroken
			}
			l.write(t, make([]float32, 10*second))
			l.write(t, tone(2*second))
			if got, at := l.heard(t); got != "floor heard 32000" || at != 23 {
				t.Errorf("%s: %s at %v", name, got, at)
			}
			want := []asr.Choice{{Name: "first"}, {Name: "floor", Why: "first: broken"}}
			if fmt.Sprint(l.chosen) != fmt.Sprint(want) || first.shut != 1 {
				t.Errorf("%s: chosen %v, closed %d times", name, l.chosen, first.shut)
			}
			if !strings.Contains(l.logged.String(), "recogniser=floor why=broken") {
				t.Errorf("%s: logged %s", name, l.logged.String())
			}
			families, err := l.reg.Gather()
			if err != nil || families[0].Metric[0].Counter.GetValue() != 1 {
				t.Errorf("%s: counted %v, %v", name, families, err)
			}
		})
	}
}

func TestRecogniserThatFailedListensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, floor := &fake{name: "first", end: errBroken}, &fake{name: "floor"}
		l := listen(t, linked(first), linked(floor))
		for i, wait := range []time.Duration{30, 60, 120, 240, 300, 300} {
			l.write(t, tone(second))
			if got, _ := l.heard(t); got != "floor heard 16000" || first.ended != i+1 {
				t.Fatalf("failure %d: %s, asked %d times", i, got, first.ended)
			}
			time.Sleep(wait*time.Second - time.Millisecond)
			l.write(t, tone(second))
			if got, _ := l.heard(t); got != "floor heard 16000" || first.ended != i+1 {
				t.Fatalf("failure %d: %s, asked %d times before its rest is over", i, got,
					first.ended)
			}
			time.Sleep(time.Millisecond)
		}
		first.end = nil
		l.write(t, tone(second))
		if got, at := l.heard(t); got != "first heard 16000" || at != 13 {
			t.Errorf("it works again: %s at %v", got, at)
		}
		if c := l.chain.Choice(); c.Name != "first" || c.Why != "" {
			t.Errorf("choice %+v", c)
		}
	})
}

func TestFailureIsKnownToOtherStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, floor := &fake{name: "first", end: errBroken}, &fake{name: "floor"}
		own := &fake{name: "own", end: errBroken}
		l := listen(t, Link{Name: "own", Recogniser: own, Own: true}, linked(first), linked(floor))
		l.write(t, tone(second))
		l.heard(t)
		second, err := l.chain.Open(t.Context(), asr.Context{})
		if err != nil || own.opened != 2 || first.opened != 1 {
			t.Errorf("%v: opened %d and %d times", err, own.opened, first.opened)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		if c := l.chain.Choice(); c.Name != "floor" || c.Why != "first: broken" {
			t.Errorf("choice %+v", c)
		}
	})
}

func TestRecogniserOfTheSpeakerTakesOverWhenItIsThere(t *testing.T) {
	own := &fake{name: "own", open: fmt.Errorf("no words: %w", asr.ErrNotSet)}
	floor := &fake{name: "floor"}
	l := listen(t, Link{Name: "own", Recogniser: own, Own: true}, linked(floor))
	l.write(t, tone(second))
	if got, _ := l.heard(t); got != "floor heard 16000" || l.chosen[0].Why != "" {
		t.Errorf("%s, %v", got, l.chosen)
	}
	own.open = nil
	l.write(t, tone(second))
	if got, _ := l.heard(t); got != "own heard 16000" {
		t.Error(got)
	}
}

func TestMissingRecognisers(t *testing.T) {
	missing := Link{Name: "api", Err: fmt.Errorf("speech.hearing_url: %w", asr.ErrNotSet)}
	broken := Link{Name: "sherpa-onnx", Err: errors.New("the model has no tokens.txt")}
	l := listen(t, missing, broken, linked(&fake{name: "floor"}))
	want := asr.Choice{Name: "floor", Why: "sherpa-onnx: the model has no tokens.txt"}
	if l.chain.Choice() != want || l.chosen[0] != want || l.chain.Name() != "floor" {
		t.Errorf("%+v, %+v", l.chain.Choice(), l.chosen)
	}
	list := l.chain.Available()
	if len(list) != 3 || !errors.Is(list[0].Err, asr.ErrNotSet) || list[1].Err == nil ||
		list[2].Err != nil {
		t.Errorf("%+v", list)
	}
	c, err := New([]Link{missing, broken}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), asr.Context{}); !errors.Is(err, ErrNone) ||
		c.Choice().Name != "" || !strings.Contains(c.Choice().Why, "tokens.txt") {
		t.Errorf("%v, %+v", err, c.Choice())
	}
}

func TestLongUtteranceIsBounded(t *testing.T) {
	first, floor := &fake{name: "first"}, &fake{name: "floor"}
	l := listen(t, linked(first), linked(floor))
	for range 200 {
		l.write(t, tone(second))
	}
	first.end = errBroken
	got, at := l.heard(t)
	if got != fmt.Sprint("floor heard ", 120*second) || at != 200 {
		t.Errorf("%s at %v", got, at)
	}
}

func TestCancelledStreamIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	first := &fake{name: "first", end: context.Canceled}
	c, err := New([]Link{linked(first), linked(&fake{name: "floor"})},
		slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(ctx, asr.Context{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.End(); !errors.Is(err, context.Canceled) || c.Choice().Name != "first" {
		t.Errorf("%v, %+v", err, c.Choice())
	}
}
