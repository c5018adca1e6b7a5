package browser

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/asr"
)

const second = asr.SampleRate

func tone(n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(0.3 * math.Sin(float64(i)/5))
	}
	return list
}

// words returns words of 0.3 s, the first of which begins at a time.
func words(at float64, text string) (list []asr.Word) {
	for _, w := range strings.Fields(text) {
		list = append(list, asr.Word{Text: w, From: at, To: at + 0.3, Confidence: 0.8})
		at += 0.3
	}
	return list
}

func text(list []asr.Word) string {
	var words []string
	for _, w := range list {
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}

// open opens a stream that begins 10 s after the feed's time line.
func open(t *testing.T, f *asr.Feed) asr.Stream {
	t.Helper()
	s, err := Recogniser{}.Open(t.Context(), asr.Context{Browser: f, Began: 10})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, s asr.Stream, samples []float32) {
	t.Helper()
	if err := s.Write(samples); err != nil {
		t.Fatal(err)
	}
}

func TestWordsOfTheBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := asr.NewFeed()
		f.Add(words(8, "before the stream"), true)
		s := open(t, f)
		write(t, s, tone(second))
		f.Add(words(10, "how"), false)
		f.Add(words(10, "how are"), false)
		if got := s.Partial().Words; text(got) != "how are" || got[0].From != 0 ||
			math.Abs(got[1].To-0.6) > 1e-9 {
			t.Errorf("so far: %+v", got)
		}
		time.AfterFunc(300*time.Millisecond, func() { f.Add(words(10, "how are you"), true) })
		r, err := s.End()
		if err != nil || text(r.Words) != "how are you" || len(r.Best) != 1 {
			t.Errorf("at the end: %+v, %v", r, err)
		}
		write(t, s, tone(second))
		f.Add(words(10, "how are you"), true) // sent again
		f.Add(words(11.2, "do you sleep"), true)
		if r, err := s.End(); err != nil || text(r.Words) != "do you sleep" {
			t.Errorf("the next turn: %+v, %v", r, err)
		}
	})
}

// TestSoundWithGaps lets the stream hear only what was said, as actors do: what it has not heard
// moves the feed's zero.
func TestSoundWithGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := asr.NewFeed()
		f.Add(words(1010, "how are you"), true)
		f.Zero(1000)
		s := open(t, f)
		write(t, s, tone(second))
		if r, err := s.End(); err != nil || text(r.Words) != "how are you" {
			t.Errorf("%+v, %v", r, err)
		}
		f.Zero(1020) // twenty seconds later
		f.Add(words(1031, "do you sleep"), true)
		write(t, s, tone(second))
		if r, err := s.End(); err != nil || text(r.Words) != "do you sleep" ||
			math.Abs(r.Words[0].From-1) > 1e-9 {
			t.Errorf("after the gap: %+v, %v", r, err)
		}
	})
}

func TestSilenceNeedsNoWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := asr.NewFeed()
		f.Add(words(0, "yes"), true)
		s := open(t, f)
		began := time.Now()
		write(t, s, make([]float32, 5*second))
		write(t, s, tone(second/10)) // a knock
		if r, err := s.End(); err != nil || len(r.Words) > 0 || time.Since(began) > 0 {
			t.Errorf("%+v, %v after %v", r, err, time.Since(began))
		}
	})
}

func TestSpeechWithoutWordsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := asr.NewFeed()
		f.Add(words(0, "yes"), true)
		s := open(t, f)
		write(t, s, tone(second))
		began := time.Now()
		if _, err := s.End(); !errors.Is(err, errSilent) || time.Since(began) != patience {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		f.Add(words(10, "only interim"), false)
		if r, err := s.End(); err != nil || text(r.Words) != "only interim" {
			t.Errorf("without final words: %+v, %v", r, err)
		}
	})
}

func TestEndIsInterrupted(t *testing.T) {
	f := asr.NewFeed()
	f.Add(words(0, "yes"), true)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Recogniser{}.Open(ctx, asr.Context{Browser: f})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, tone(5*second))
	cancel()
	if _, err := s.End(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNotUsedWithoutWords(t *testing.T) {
	for _, f := range []*asr.Feed{nil, asr.NewFeed()} {
		if _, err := (Recogniser{}).Open(t.Context(), asr.Context{Browser: f}); !errors.Is(err,
			asr.ErrNotSet) {
			t.Error(err)
		}
	}
}
