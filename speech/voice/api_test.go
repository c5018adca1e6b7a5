package voice

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/patient"
)

// wav returns a tone of a second as a WAV file whose length is not known, as servers stream it.
func wav() []byte {
	const rate = 24000
	b := append([]byte("RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"),
		make([]byte, 8)...)
	binary.LittleEndian.PutUint32(b[24:], rate)
	binary.LittleEndian.PutUint32(b[28:], 2*rate)
	b = append(b, "\x02\x00\x10\x00data\xff\xff\xff\xff"...)
	for i := range rate {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(9000*math.Sin(float64(i)/8))))
	}
	return b
}

// apiVoices returns voices with an API, whose handler is h, and a tone as the next one.
func apiVoices(t *testing.T, cfg Config, h http.HandlerFunc) (*Voices, *strings.Builder) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg.URL, cfg.Key = server.URL+"/v1/", "secret-key"
	cfg = cfg.withDefaults()
	var logged strings.Builder
	v, err := newVoices(cfg, []engine{cfg.newAPI(), &tone{called: "tone", level: 0.1}}, nil, nil,
		slog.New(slog.NewTextHandler(&logged, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v, &logged
}

func TestAPISpeaks(t *testing.T) {
	var path, key string
	var asked map[string]any
	v, _ := apiVoices(t, Config{Model: "gpt-4o-mini-tts", Wait: time.Minute},
		func(w http.ResponseWriter, r *http.Request) {
			path, key = r.URL.Path, r.Header.Get("Authorization")
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			_, _ = w.Write(wav())
		})
	clip, err := v.Line(t.Context(), patient.Line{Text: "I'm fine.", Emotion: patient.Anxious},
		patient.Voice{Sex: "female", Age: 63})
	if err != nil || clip.Engine != "api" || clip.Duration() < 980*time.Millisecond {
		t.Errorf("%s, %v, %v", clip.Engine, clip.Duration(), err)
	}
	if path != "/v1/audio/speech" || key != "Bearer secret-key" || asked["input"] != "I'm fine." ||
		asked["voice"] != "nova" || asked["model"] != "gpt-4o-mini-tts" ||
		asked["speed"] != 1.06 ||
		asked["instructions"] != "Speak as a woman of 63 at a clinic would, anxious." {
		t.Errorf("asked %s with %q: %v", path, key, asked)
	}
}

func TestNextVoiceSpeaksWhenTheAPIIsAtFault(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("a redirection was followed")
	}))
	defer elsewhere.Close()
	for name, h := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "invalid key secret-key", http.StatusUnauthorized)
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"answers no sound": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"ok": true}`)
		},
		"never ends": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(wav())
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"hangs up": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"answers silence": func(w http.ResponseWriter, r *http.Request) {
			b := wav()
			clear(b[44:])
			_, _ = w.Write(b)
		},
	} {
		v, logged := apiVoices(t, Config{Wait: time.Minute}, h)
		clip, err := v.Line(t.Context(), patient.Line{Text: "I'm fine."}, patient.Voice{})
		if err != nil || clip.Engine != "tone" {
			t.Errorf("%s: spoken by %q, %v", name, clip.Engine, err)
		}
		if got := logged.String(); !strings.Contains(got, "voice=api") ||
			strings.Contains(got, "secret-key") {
			t.Errorf("%s: logged %q", name, got)
		}
	}
}

func TestLateVoiceIsNotWaitedForWhenALineIsNeededNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &tone{called: "slow", level: 0.1, far: true, block: make(chan struct{})}
		v := open(t, nil, slow, &tone{called: "tone", level: 0.1})
		began := time.Now()
		if c := speak(t, v, "One."); c.Engine != "tone" || time.Since(began) != v.cfg.Wait {
			t.Errorf("spoken by %s after %v", c.Engine, time.Since(began))
		}
		close(slow.block)
		synctest.Wait() // it is rendered to the end, for the next time
		if c := speak(t, v, "One."); c.Engine != "slow" || len(slow.rendered()) != 1 {
			t.Errorf("spoken by %s", c.Engine)
		}
	})
}

func TestPrepareWaitsForALateVoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &tone{called: "slow", level: 0.1, far: true, block: make(chan struct{})}
		v := open(t, nil, slow, &tone{called: "tone", level: 0.1})
		time.AfterFunc(v.cfg.Timeout/2, func() { close(slow.block) })
		if err := v.Prepare(t.Context(), []patient.Line{{Text: "One."}},
			patient.Voice{Sex: "female"}); err != nil {
			t.Error(err)
		}
		if c := speak(t, v, "One."); c.Engine != "slow" {
			t.Errorf("spoken by %s", c.Engine)
		}
	})
}

func TestConfigValidate(t *testing.T) {
	good := Defaults()
	good.URL = "https://speech.example/v1"
	for _, c := range []Config{Defaults(), good} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, url := range []string{
		"speech.example", "ftp://speech.example", "https://user:key@speech.example/v1",
		"https://speech.example/v1?key=a", "https:///v1", "https://speech.example/#a",
	} {
		c := Defaults()
		c.URL = url
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "speech.voice_url") {
			t.Errorf("%s: %v", url, err)
		}
	}
	slow := Defaults()
	slow.Timeout = time.Hour
	if slow.Validate() == nil {
		t.Error("an hour's timeout is accepted")
	}
}
