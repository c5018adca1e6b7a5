package realtime

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/speech/asr"
	"bedside/speech/chat"
	"bedside/speech/patient"
	"bedside/store"

	"github.com/coder/websocket"
)

// server plays the protocol. It answers each response.create by calling answer, in the order of
// the requests, on the goroutine that reads.
type server struct {
	t      *testing.T
	first  bool // it speaks the protocol's first form
	answer func(c *client, turn int)
	url    string

	mu       sync.Mutex // guards the fields below
	received []string   // all messages
	header   http.Header
	query    string
	connects int
	changed  chan struct{}
}

// client is a connection to the server.
type client struct {
	*server
	ws    *websocket.Conn
	ctx   context.Context
	event string // of the last response.create
	reply string // id of the response
}

func serve(t *testing.T, s *server) *server {
	t.Helper()
	s.t, s.changed = t, make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(h.Close)
	s.url = "ws" + strings.TrimPrefix(h.URL, "http") + "/v1/realtime"
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.header, s.query = r.Header.Clone(), r.URL.RawQuery
	s.connects++
	s.mu.Unlock()
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(1 << 20)
	c := &client{server: s, ws: ws, ctx: r.Context()}
	session := object{"type": "realtime", "audio": object{}}
	if s.first {
		session = object{"modalities": []string{"text", "audio"}}
	}
	c.send(object{"type": "session.created", "session": session})
	for turn := 1; ; {
		_, data, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		s.mu.Lock()
		s.received = append(s.received, string(data))
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		var e struct {
			Type    string `json:"type"`
			EventID string `json:"event_id"`
		}
		if err := json.Unmarshal(data, &e); err != nil {
			s.t.Error(err)
		}
		if e.Type == "response.create" {
			c.event, c.reply = e.EventID, "resp-"+e.EventID
			s.answer(c, turn)
			turn++
		}
	}
}

func (c *client) send(o object) {
	data, err := json.Marshal(o)
	if err != nil {
		c.t.Error(err)
	}
	_ = c.ws.Write(c.ctx, websocket.MessageText, data)
}

// event sends an event of the current response by the name that the present form has for it.
func (c *client) say(name string, more object) {
	if c.first {
		name = strings.Replace(name, "output_", "", 1)
	}
	o := object{"type": name, "response_id": c.reply, "item_id": "item-" + c.event}
	for k, v := range more {
		o[k] = v
	}
	c.send(o)
}

func (c *client) created() {
	c.send(object{"type": "response.created", "response": object{
		"id": c.reply, "status": "in_progress", "metadata": object{"turn": c.event},
	}})
}

func (c *client) done(status string) {
	c.send(object{"type": "response.done", "response": object{"id": c.reply, "status": status}})
}

func (c *client) text(words string) {
	for _, w := range strings.SplitAfter(words, " ") {
		c.say("response.output_audio_transcript.delta", object{"delta": w})
	}
}

// sound sends a tone, in seconds.
func (c *client) sound(lasts float64) {
	for range int(math.Round(lasts * 10)) {
		c.say("response.output_audio.delta", object{
			"delta": base64.StdEncoding.EncodeToString(pcm16(tone(rate / 10))),
		})
	}
}

// speak is a whole good reply.
func (c *client) speak(words string, lasts float64) {
	c.created()
	c.text(words)
	c.sound(lasts)
	c.say("response.output_audio_transcript.done", object{"transcript": words})
	c.done("completed")
}

// wait waits until a message that contains all texts was received, and returns it.
func (s *server) wait(texts ...string) string {
	s.t.Helper()
	for {
		s.mu.Lock()
		changed := s.changed
		for _, m := range s.received {
			found := true
			for _, text := range texts {
				found = found && strings.Contains(m, text)
			}
			if found {
				s.mu.Unlock()
				return m
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-s.t.Context().Done():
			s.t.Fatalf("no message with %q: %v", texts, s.all())
		}
	}
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connects
}

func (s *server) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.received...)
}

func tone(n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(0.3 * math.Sin(float64(i)/9))
	}
	return list
}

func turn() chat.Turn {
	return chat.Turn{
		Card: store.CandidateCard{
			Setting: "Hospital ward", Background: "Dennis goes home on insulin today.",
		},
		Persona: patient.Persona{Name: "Dennis Hale", Relation: "self"},
		Said:    []chat.Said{{Text: "Hello Mr Hale."}, {Patient: true, Text: "Hello there."}},
		Heard:   "What worries you about it?",
		Script: patient.Line{ID: "needles", Text: "It's the needles. I can't even look.",
			Emotion: patient.Anxious},
		Known:  []string{"It's the needles. I can't even look."},
		Told:   []string{"It's the needles. I can't even look."},
		Hidden: []string{"My brother lost his leg after years of injections."},
	}
}

const good = "Well, it's the needles, love. I can't even look at them."

// play opens a session and waits until it is connected.
func play(t *testing.T, s *server, cfg Config) (*Session, *strings.Builder) {
	t.Helper()
	cfg.URL, cfg.Key, cfg.Model = s.url, "secret-key", "model-1"
	if cfg.Deadline == 0 {
		cfg.Deadline = time.Minute
	}
	if cfg.Stall == 0 {
		cfg.Stall = time.Minute
	}
	var logged strings.Builder
	c, err := New(cfg, slog.New(slog.NewTextHandler(&logged, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	session := c.Open(t.Context(), Scene{Card: turn().Card, Persona: patient.Persona{
		Name: "Dennis Hale", Voice: patient.Voice{Sex: "male"},
	}})
	t.Cleanup(session.Close)
	s.wait("session.update")
	return session, &logged
}

// hear lets the model hear a candidate.
func speakTo(s *Session) {
	for range 50 {
		s.Hear(make([]float32, asr.SoundFrame))
	}
	for range 50 {
		s.Hear(tone(asr.SoundFrame))
	}
	for range 20 {
		s.Hear(make([]float32, asr.SoundFrame))
	}
}

// listen returns what is said until an error.
func listen(t *testing.T, r *Reply) (frames int, text string, err error) {
	t.Helper()
	for {
		p, err := r.Next(t.Context())
		frames += len(p.Frames)
		text += p.Text
		if err != nil {
			return frames, text, err
		}
	}
}

func TestModelPlaysThePatient(t *testing.T) {
	for _, first := range []bool{false, true} {
		s := serve(t, &server{first: first, answer: func(c *client, _ int) { c.speak(good, 3) }})
		session, _ := play(t, s, Config{})
		speakTo(session)
		frames, text, err := listen(t, session.Answer(turn()))
		if !errors.Is(err, io.EOF) || text != good || frames != 150 {
			t.Errorf("first form %v: %d frames of %q, %v", first, frames, text, err)
		}
		if s.header.Get("Authorization") != "Bearer secret-key" || s.query != "model=model-1" {
			t.Errorf("asked with %q, %v", s.query, s.header)
		}
		update := s.wait("session.update")
		for _, want := range []string{"Dennis Hale", "insulin today", `"turn_detection":null`,
			`"tool_choice":"none"`, "cedar"} {
			if !strings.Contains(update, want) {
				t.Errorf("the session lacks %q: %s", want, update)
			}
		}
		if got := strings.Contains(update, "input_audio_format"); got != first {
			t.Errorf("first form %v: %s", first, update)
		}
		var heard int
		var order []string
		for _, m := range s.all() {
			var e struct {
				Type, Audio string
				Item        struct{ Type string }
			}
			if err := json.Unmarshal([]byte(m), &e); err != nil {
				t.Fatal(err)
			}
			if e.Type == "input_audio_buffer.append" {
				b, err := base64.StdEncoding.DecodeString(e.Audio)
				if err != nil {
					t.Fatal(err)
				}
				heard += len(b) / 2
			} else {
				order = append(order, strings.TrimPrefix(e.Type+" "+e.Item.Type, "conversation."))
			}
		}
		// 0.3 s before the first sound, 1 s of it, 0.4 s after.
		if seconds := float64(heard) / rate; math.Abs(seconds-1.7) > 0.03 {
			t.Errorf("the model heard %.2f s", seconds)
		}
		want := "session.update ,item.create message,item.create message," +
			"input_audio_buffer.commit ,item.create function_call," +
			"item.create function_call_output,response.create "
		if got := strings.Join(order, ","); got != want {
			t.Errorf("sent %s", got)
		}
	}
}

func TestFactsAreReleasedByTheDialogueOnly(t *testing.T) {
	s := serve(t, &server{answer: func(c *client, _ int) { c.speak(good, 3) }})
	session, _ := play(t, s, Config{})
	speakTo(session)
	if _, _, err := listen(t, session.Answer(turn())); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	released := s.wait("function_call_output")
	if !strings.Contains(released, "It's the needles") || !strings.Contains(released, "anxious") {
		t.Errorf("released %s", released)
	}
	for _, m := range s.all() {
		if strings.Contains(m, "brother") || strings.Contains(m, "leg ") {
			t.Errorf("a hidden fact is sent: %s", m)
		}
		if strings.Contains(m, "needles") && m != released {
			t.Errorf("a fact is in another message: %s", m)
		}
	}
}

// TestScriptTakesOver checks that nothing is heard of a reply that breaks a rule, and that every
// fault ends with an error, after which the script is said.
func TestScriptTakesOver(t *testing.T) {
	const hidden = "It's the needles, look, since my brother lost his leg."
	for name, c := range map[string]struct {
		answer func(c *client, _ int)
		want   string
		result string
		frames int // at most
	}{
		"silent":        {func(*client, int) {}, "late", "late", 0},
		"never begins":  {func(c *client, _ int) { c.created(); c.text(good) }, "late", "late", 0},
		"no transcript": {func(c *client, _ int) { c.created(); c.sound(3) }, "late", "late", 0},
		"stops": {func(c *client, _ int) { c.created(); c.text(good); c.sound(1) },
			"stopped in the middle", "late", 50},
		"hidden fact": {func(c *client, _ int) { c.speak(hidden, 3) }, "hidden fact", "refused",
			100},
		"hidden fact, all text late": {func(c *client, _ int) {
			c.created()
			c.sound(3)
			c.say("response.output_audio_transcript.done", object{"transcript": hidden})
			c.done("completed")
		}, "hidden fact", "refused", 0},
		"out of role": {func(c *client, _ int) { c.speak("As an AI language model I can't.", 2) },
			"out of role", "refused", 0},
		"does not tell": {func(c *client, _ int) {
			c.created()
			c.text("Oh, I don't know, dear.")
			c.say("response.output_audio_transcript.done", object{})
			c.sound(2)
			c.done("completed")
		}, "does not tell", "refused", 0},
		"endless text": {func(c *client, _ int) {
			c.created()
			c.text(strings.Repeat("and the needles ", 400))
		}, "too long", "", 0},
		"endless sound": {func(c *client, _ int) { c.created(); c.sound(31) }, "too long",
			"failed", 0},
		"breaks off": {func(c *client, _ int) {
			c.created()
			c.text("It's the")
			c.done("failed")
		}, "broken off", "failed", 0},
		"no sound": {func(c *client, _ int) { c.created(); c.text(good); c.done("completed") },
			"no sound", "failed", 0},
		"refuses": {func(c *client, _ int) {
			c.send(object{"type": "error", "error": object{
				"type": "server_error", "code": "quota", "message": "key secret-key is used up",
				"event_id": c.event,
			}})
		}, `"quota"`, "failed", 0},
		"hangs up":  {func(c *client, _ int) { _ = c.ws.CloseNow() }, "closed", "failed", 0},
		"no events": {func(c *client, _ int) { c.send(object{"a": 1}) }, "no event", "failed", 0},
		"no sound in base64": {func(c *client, _ int) {
			c.created()
			c.say("response.output_audio.delta", object{"delta": "***"})
		}, "no sound", "failed", 0},
		"large message": {func(c *client, _ int) {
			c.send(object{"type": "x", "delta": strings.Repeat("a", maxMessage)})
		}, "closed", "failed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, &server{answer: c.answer})
			cfg := Config{}
			if c.result == "late" {
				cfg = Config{Deadline: 300 * time.Millisecond, Stall: 300 * time.Millisecond}
			}
			session, logged := play(t, s, cfg)
			var result string
			r := session.Answer(turn())
			count := r.count
			r.count = func(name string) {
				if result == "" {
					result = name
				}
				count(name)
			}
			frames, text, err := listen(t, r)
			if err == nil || !strings.Contains(err.Error(), c.want) || frames > c.frames ||
				errors.Is(err, io.EOF) {
				t.Errorf("%d frames of %q, %v", frames, text, err)
			}
			if c.result != "" && result != c.result {
				t.Errorf("counted as %s", result)
			}
			if strings.Contains(text, "brother") || strings.Contains(text, "AI") {
				t.Errorf("passed on: %q", text)
			}
			if _, again := r.Next(t.Context()); !errors.Is(again, err) {
				t.Errorf("after %v: %v", err, again)
			}
			session.Close()
			if strings.Contains(logged.String(), "secret-key") {
				t.Errorf("logged %s", logged)
			}
		})
	}
}

func TestWordsAreCheckedBeforeTheirSound(t *testing.T) {
	next := make(chan struct{})
	s := serve(t, &server{answer: func(c *client, _ int) {
		c.created()
		c.text("Well, it's the needles, ")
		c.sound(3) // more than these words can last
		<-next
		c.text("since my brother ")
		c.sound(1)
	}})
	session, _ := play(t, s, Config{})
	r := session.Answer(turn())
	frames := 0
	for frames < 24*50/22-piece {
		p, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		frames += len(p.Frames)
	}
	close(next)
	more, _, err := listen(t, r)
	if err == nil || !strings.Contains(err.Error(), "hidden fact") ||
		frames+more > 33*50/22 { // up to "since my"
		t.Errorf("%d frames were passed on, %v", frames+more, err)
	}
	// The model forgets what was not heard.
	s.wait("response.cancel")
	s.wait("conversation.item.truncate", "item-turn-1")
}

func TestInterruptedReply(t *testing.T) {
	s := serve(t, &server{answer: func(c *client, turn int) {
		c.created()
		c.text(good + " ")
		c.sound(1)
		if turn == 2 {
			c.sound(1)
			c.done("completed")
		}
	}})
	session, _ := play(t, s, Config{})
	r := session.Answer(turn())
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Cut(7)
	s.wait("response.cancel")
	s.wait("conversation.item.truncate", `"audio_end_ms":140`)
	if _, err := r.Next(t.Context()); !errors.Is(err, errCut) {
		t.Errorf("after the interruption: %v", err)
	}
	if frames, _, err := listen(t, session.Answer(turn())); !errors.Is(err, io.EOF) ||
		frames != 100 {
		t.Errorf("the next reply: %d frames, %v", frames, err)
	}
}

func TestLateReplyIsNotTakenForTheNext(t *testing.T) {
	s := serve(t, &server{answer: func(c *client, turn int) {
		if turn == 1 {
			return
		}
		second := *c
		c.event, c.reply = "turn-1", "resp-turn-1"
		c.speak("It's the needles, look, the first reply.", 2)
		*c = second
		c.speak(good, 3)
	}})
	session, _ := play(t, s, Config{Deadline: 300 * time.Millisecond})
	if _, _, err := listen(t, session.Answer(turn())); !errors.Is(err, errLate) {
		t.Fatal(err)
	}
	session.Said("", turn().Script.Text)
	r := session.Answer(turn())
	r.limit = time.Minute
	if frames, text, err := listen(t, r); !errors.Is(err, io.EOF) || text != good {
		t.Errorf("%d frames of %q, %v", frames, text, err)
	}
	s.wait("assistant", "It's the needles")
}

func TestConnectionIsMadeAgain(t *testing.T) {
	s := serve(t, &server{answer: func(c *client, _ int) {
		if c.connections() == 1 {
			_ = c.ws.CloseNow()
			return
		}
		c.speak(good, 3)
	}})
	session, logged := play(t, s, Config{})
	if _, _, err := listen(t, session.Answer(turn())); err == nil {
		t.Fatal("the first connection has answered")
	}
	speakTo(session)
	session.work.Wait() // the first connection is given up
	if !strings.Contains(logged.String(), "says its script") {
		t.Errorf("logged %s", logged)
	}
	if _, _, err := listen(t, session.Answer(turn())); !errors.Is(err, errDown) ||
		s.connections() != 1 {
		t.Errorf("at once: %v, %d connections", err, s.connections())
	}
	session.client.until = time.Time{} // later
	if _, _, err := listen(t, session.Answer(turn())); !errors.Is(err, errDown) {
		t.Errorf("while it connects: %v", err)
	}
	for session.connection() == nil {
		s.wait("session.update")
	}
	if _, _, err := listen(t, session.Answer(turn())); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	s.wait("input_text", "Hello Mr Hale.")             // what was said before
	s.wait("input_text", "What worries you about it?") // its sound went to the first connection
}

func TestServersThatAreRefused(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirection was followed")
	}))
	defer elsewhere.Close()
	for name, h := range map[string]http.HandlerFunc{
		"401": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "invalid key secret-key", http.StatusUnauthorized)
		},
		"302": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		},
		"another message": func(w http.ResponseWriter, r *http.Request) {
			if ws, err := websocket.Accept(w, r, nil); err == nil {
				_ = ws.Write(r.Context(), websocket.MessageText, []byte(`{"type":"hello"}`))
				<-r.Context().Done()
			}
		},
	} {
		h := httptest.NewServer(h)
		var logged strings.Builder
		c, err := New(Config{
			URL: "ws" + strings.TrimPrefix(h.URL, "http"), Key: "secret-key",
		}, slog.New(slog.NewTextHandler(&logged, nil)), nil)
		if err != nil {
			t.Fatal(err)
		}
		session := c.Open(t.Context(), Scene{})
		session.work.Wait()
		if _, err := session.Answer(turn()).Next(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("%s: %v", name, err)
		}
		if got := logged.String(); !strings.Contains(got, name) ||
			strings.Contains(got, "secret-key") {
			t.Errorf("%s: logged %s", name, got)
		}
		session.Close()
		h.CloseClientConnections()
		h.Close()
	}
}

func TestConfiguration(t *testing.T) {
	good := Defaults()
	good.URL = "wss://realtime.example/v1/realtime"
	if err := errors.Join(Defaults().Validate(), good.Validate()); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.URL = "https://realtime.example" },
		func(c *Config) { c.URL = "wss://user:key@realtime.example" },
		func(c *Config) { c.URL = "wss://realtime.example?model=a" },
		func(c *Config) { c.Deadline = time.Millisecond },
	} {
		c := good
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
