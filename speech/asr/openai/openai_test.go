package openai

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/asr"
)

const second = asr.SampleRate

// open opens a stream to a server that answers with h.
func open(t *testing.T, cfg Config, h http.HandlerFunc) *stream {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg.URL, cfg.Key = server.URL+"/v1/", "secret-key"
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Open(t.Context(), asr.Context{
		Texts: []string{"how do you feel"}, Say: map[string]string{"metformin": "M EH T"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(*stream)
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func tone(n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(0.3 * math.Sin(float64(i)/5))
	}
	return list
}

// write writes samples in packets of 20 ms.
func write(t *testing.T, s *stream, samples []float32) {
	t.Helper()
	for len(samples) > 0 {
		n := min(frame, len(samples))
		if err := s.Write(samples[:n]); err != nil {
			t.Fatal(err)
		}
		samples = samples[n:]
	}
}

// arrive waits until the answer of the request under way has come.
func arrive(s *stream) {
	if s.pending != nil {
		o := <-s.pending.done
		s.pending.done <- o
	}
}

func TestUtteranceIsTranscribed(t *testing.T) {
	var got *http.Request
	var audio []byte
	h := func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
		}
		f, _, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		audio, _ = io.ReadAll(f)
		got = r
		_, _ = io.WriteString(w, `{"text":"How do you feel?","words":[
			{"word":" How","start":0.1,"end":0.3,"probability":0.9},
			{"word":"do","start":0.3,"end":0.4},{"word":"you","start":0.4,"end":0.5},
			{"word":"feel?","start":0.5,"end":0.9}],"segments":[{"avg_logprob":-0.1}]}`)
	}
	s := open(t, Config{Model: "large", WholeTurns: true}, h)
	for i := range 2 {
		write(t, s, tone(second))
		result, err := s.End()
		if err != nil || len(result.Words) != 4 ||
			strings.Join(result.Best[0], " ") != "how do you feel" {
			t.Fatalf("%+v, %v", result, err)
		}
		first, last := result.Words[0], result.Words[3]
		if first.Confidence != 0.9 || first.From != float64(i)+0.1 || last.To != float64(i)+0.9 ||
			last.Confidence < 0.9 || last.Confidence > 0.91 {
			t.Errorf("words %+v", result.Words)
		}
	}
	if got.URL.Path != "/v1/audio/transcriptions" ||
		got.Header.Get("Authorization") != "Bearer secret-key" ||
		got.FormValue("model") != "large" || got.FormValue("language") != "en" ||
		got.FormValue("prompt") != "metformin, how do you feel." ||
		got.FormValue("timestamp_granularities[]") != "word" ||
		len(audio) != 44+2*second || string(audio[:4]) != "RIFF" {
		t.Errorf("sent %v with %v and %d bytes", got.URL, got.Form, len(audio))
	}
	s = open(t, Config{Model: "gpt-4o-transcribe", WholeTurns: true}, h)
	write(t, s, tone(second))
	if _, err := s.End(); err != nil || got.FormValue("response_format") != "json" ||
		got.FormValue("timestamp_granularities[]") != "" {
		t.Errorf("sent %v, %v", got.Form, err)
	}
}

func TestWordsComeWhileSomebodySpeaks(t *testing.T) {
	var requests atomic.Int32
	s := open(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, `{"text":"are you in pain"}`)
	})
	write(t, s, make([]float32, 30*second))
	if got := requests.Load(); got != 0 || len(s.samples) > lead+frame {
		t.Errorf("silence: %d requests, %d samples kept", got, len(s.samples))
	}
	write(t, s, tone(2*second))
	arrive(s)
	if words := s.Partial().Words; len(words) != 4 || words[0].From < 29 || words[3].To > 32 {
		t.Errorf("while speaking: %+v", words)
	}
	for range 25 { // the speaker is silent: the whole turn is sent
		write(t, s, make([]float32, frame))
		arrive(s)
	}
	before := requests.Load()
	result, err := s.End()
	if err != nil || len(result.Words) != 4 || len(result.Best) != 1 || requests.Load() != before {
		t.Errorf("at the end: %+v, %v, %d more requests", result, err, requests.Load()-before)
	}
	if words := s.Partial().Words; len(words) != 0 {
		t.Errorf("the next utterance begins with %+v", words)
	}
}

func TestEndSendsWhatWasNotHeardYet(t *testing.T) {
	var sizes []int64
	s := open(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, h, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		sizes = append(sizes, h.Size)
		_, _ = io.WriteString(w, `{"text":"yes"}`)
	})
	write(t, s, tone(second))
	arrive(s)
	write(t, s, tone(second/2))
	if _, err := s.End(); err != nil || len(sizes) != 2 || sizes[1] != 44+3*second {
		t.Errorf("sent %v, %v", sizes, err)
	}
}

func TestAnswersOfOtherServers(t *testing.T) {
	hallucinated := `{"text":"Thank you.","segments":[{"no_speech_prob":0.9,"avg_logprob":-1.5}]}`
	for name, c := range map[string]struct {
		status int
		body   string
		words  int
		err    string
	}{
		"text only":     {200, `{"text":"Mr. Hale’s tablets"}`, 3, ""},
		"nothing said":  {200, `{"text":""}`, 0, ""},
		"made up":       {200, hallucinated, 0, ""},
		"refused":       {401, `{"error":"invalid key secret-key"}`, 0, "401"},
		"no JSON":       {200, `<html>secret-key`, 0, "not its JSON"},
		"other address": {302, ``, 0, "302"},
		"endless": {200, `{"text":"` + strings.Repeat("a", maxAnswer) + `"}`, 0,
			"more than"},
		"many words": {200, `{"text":"` + strings.Repeat("a ", 5000) + `"}`, maxWords, ""},
		"times out of order": {200, `{"words":[{"word":"a","start":-5,"end":99},
			{"word":"b","start":0.01,"end":-3},{"word":"c","start":1e9,"end":1e10}]}`, 3, ""},
	} {
		s := open(t, Config{}, answers(c.status, c.body))
		write(t, s, tone(1600))
		result, err := s.End()
		if len(result.Words) != c.words || (err != nil) != (c.err != "") ||
			err != nil && (!strings.Contains(err.Error(), c.err) ||
				strings.Contains(err.Error(), "secret-key")) {
			t.Errorf("%s: %d words, %v", name, len(result.Words), err)
		}
		at := 0.0
		for _, w := range result.Words {
			if w.From < at || w.To < w.From || w.To > 0.101 {
				t.Errorf("%s: %+v", name, w)
			}
			at = w.From
		}
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Config{URL: "http://api.example/v1", Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		r.client = &http.Client{Transport: silent{}}
		opened, err := r.Open(t.Context(), asr.Context{})
		if err != nil {
			t.Fatal(err)
		}
		s := opened.(*stream)
		began := time.Now()
		write(t, s, tone(frame))
		if _, err := s.End(); !errors.Is(err, errLate) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		write(t, s, tone(2*second)) // a request is under way
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait() // the request has ended: the test would fail otherwise
	})
}

// silent is a server that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestFailureIsTriedAgainAtTheEndOnly(t *testing.T) {
	var requests atomic.Int32
	s := open(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"text":"yes"}`)
	})
	write(t, s, tone(second))
	arrive(s)
	write(t, s, tone(5*second))
	if got := requests.Load(); got != 1 {
		t.Errorf("%d requests before the end", got)
	}
	if result, err := s.End(); err != nil || len(result.Words) != 1 || requests.Load() != 2 {
		t.Errorf("%+v, %v, %d requests", result, err, requests.Load())
	}
}

func TestEndlessUtteranceIsBounded(t *testing.T) {
	s := open(t, Config{WholeTurns: true}, answers(200, `{"text":"end"}`))
	for range 150 {
		write(t, s, tone(second))
		if len(s.samples) > maxUtterance {
			t.Fatalf("%d samples kept", len(s.samples))
		}
	}
	if result, err := s.End(); err != nil || result.Words[0].From != 30 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestRequestsAtTheSameTimeAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Config{URL: "http://api.example/v1", Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		var sent atomic.Int32
		r.client = &http.Client{Transport: counting{&sent}}
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 * maxRequests {
			go func() { _, _ = r.transcribe(ctx, nil, "") }()
		}
		synctest.Wait()
		if sent.Load() != maxRequests {
			t.Errorf("%d requests at the same time", sent.Load())
		}
		cancel()
		synctest.Wait()
	})
}

// counting counts requests and never answers.
type counting struct{ sent *atomic.Int32 }

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	return silent{}.RoundTrip(r)
}

func TestConfiguration(t *testing.T) {
	if _, err := New(Config{}); !errors.Is(err, asr.ErrNotSet) {
		t.Errorf("without an address: %v", err)
	}
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{
		{URL: "gpu:8000"}, {URL: "ftp://gpu/v1"}, {URL: "https://user:key@gpu/v1"},
		{URL: "https://gpu/v1", Timeout: time.Millisecond},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
