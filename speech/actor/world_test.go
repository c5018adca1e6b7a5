package actor

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/asr"
	"bedside/speech/chat"
	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/speech/opus"
	"bedside/speech/part"
	"bedside/speech/patient"
	"bedside/speech/voice"
	"bedside/store"
)

// script is a small dialogue.
const script = `{
	"state": {"trust": {"start": 30}, "anxiety": {"start": 60}},
	"intents": [
		{"id": "ask_worry", "act": "open_question",
			"examples": ["what worries you most about it", "what are you afraid of"]},
		{"id": "ask_home", "act": "closed_question",
			"examples": ["who is at home with you", "do you live alone"]},
		{"id": "explain_pen", "act": "explain", "say": ["Like a pen, you say."],
			"examples": ["the pen has a small needle", "you turn the end and press the button"]}
	],
	"facts": [
		{"id": "needles", "layer": 1, "on": ["ask_worry"], "say": "It's the needles."},
		{"id": "karen", "layer": 1, "on": ["ask_home"], "say": "My daughter Karen."}
	],
	"repair": ["Sorry, I didn't catch that.", "What was that?", "Say that again?"],
	"silence": [{"after_s": 14, "say": "Is there anything else?"}],
	"close": {"at_s": 290, "say": "Thank you."}
}`

// stage is a world with one room and one company.
type stage struct {
	t       *testing.T
	company *Company
	hears   *ears
	hearing asr.Recogniser // that of companies; hears by default
	model   Model
	started time.Time
	encoder *opus.Encoder

	mu     sync.Mutex
	log    []frame.Delivery // the attempt's log
	more   chan struct{}    // closed when there is more in it
	acts   []acted
	alive  []part.Alive
	stale  int  // acts of generations below are refused
	mute   bool // the room does not answer
	told   map[int]func(part.Told) *part.Reply
	number int
	next   uint16 // RTP
}

type acted struct {
	at time.Duration // since the start of the play
	part.Act
}

func newStage(t *testing.T, places int) *stage {
	t.Helper()
	encoder, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{
		t: t, hears: &ears{}, started: time.Now(), encoder: encoder, more: make(chan struct{}),
		told: map[int]func(part.Told) *part.Reply{},
	}
	s.hearing = s.hears
	s.company = s.open(places)
	return s
}

// open opens another company, as another worker would.
func (s *stage) open(places int) *Company {
	words, err := chat.New(chat.Config{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := NewCompany(Config{Places: places}, "w", Ensemble{
		Theatre: s, Scripts: shelf{}, Recogniser: s.hearing, Voices: mouth{}, Chat: words,
		Model: s.model,
		Hears: func() asr.Choice { return asr.Choice{Name: "ears"} },
	}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// call calls an actor of a company and confirms it.
func (s *stage) call(c *Company, call part.Call) {
	s.t.Helper()
	if got := c.Call(call); got != (part.Taken{Worker: "w"}) {
		s.t.Fatalf("the call was answered %+v", got)
	}
	confirm := part.Confirm{Attempt: call.Attempt, Generation: call.Generation, Worker: "w"}
	if !c.Confirm(confirm) {
		s.t.Fatal("not confirmed")
	}
}

func firstCall() part.Call {
	return part.Call{
		Attempt: "a", Generation: 1, Since: 1, Scenario: "s", Mode: store.ModePractice,
		Candidate: "u",
	}
}

// begin calls an actor and starts the play.
func (s *stage) begin() {
	s.t.Helper()
	s.call(s.company, firstCall())
	synctest.Wait()
	s.tell(1, s.clock())
}

// clock returns the play's clock, which runs.
func (s *stage) clock() part.Clock {
	now := time.Now().UnixMicro()
	return part.Clock{
		At: now, StartedAt: s.started.UnixMicro(), Played: now - s.started.UnixMicro(),
		Running: true,
	}
}

// tell tells the actor of a generation something.
func (s *stage) tell(generation int, n part.Notice) {
	s.t.Helper()
	s.number++
	told := part.Told{Generation: generation, Number: s.number, Notice: n}
	s.mu.Lock()
	listen := s.told[generation]
	s.mu.Unlock()
	if listen == nil || listen(told) == nil {
		s.t.Fatalf("nobody of generation %d listens", generation)
	}
	synctest.Wait()
}

// sound sends audio of a level for some time, in real time.
func (s *stage) sound(level float64, d time.Duration) {
	s.t.Helper()
	for range d / (20 * time.Millisecond) {
		time.Sleep(20 * time.Millisecond)
		pcm := make([]float32, opus.FrameSamples)
		for i := range pcm {
			pcm[i] = float32(level * math.Sin(float64(i)*2*math.Pi*200/opus.ClockRate))
		}
		payload, err := s.encoder.Encode(pcm)
		if err != nil {
			s.t.Fatal(err)
		}
		s.next++
		s.write(frame.Delivery{Speaker: "candidate", Batch: frame.Batch{Frames: []frame.Frame{{
			Epoch: 1, Sequence: s.next,
			Timestamp: uint32(time.Since(s.started).Milliseconds() * 48),
			Arrival:   time.Now().UnixMicro(), Payload: append([]byte(nil), payload...),
		}}}})
		synctest.Wait()
	}
}

// speak says something, as long as it takes, and is silent afterwards.
func (s *stage) speak(text string, silence time.Duration) {
	s.t.Helper()
	s.hears.say(text)
	s.sound(0.3, time.Duration(len(strings.Fields(text)))*300*time.Millisecond)
	s.sound(0, silence)
}

func (s *stage) write(d frame.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, d)
	close(s.more)
	s.more = make(chan struct{})
}

// said returns the texts of the lines so far.
func (s *stage) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, a := range s.acts {
		if a.Say != nil {
			list = append(list, a.Say.Text)
		}
	}
	return list
}

// last returns the last act that fits.
func (s *stage) last(fits func(part.Act) bool) acted {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.acts) - 1; i >= 0; i-- {
		if fits(s.acts[i].Act) {
			return s.acts[i]
		}
	}
	s.t.Fatal("no such act")
	return acted{}
}

// events returns the events of all acts.
func (s *stage) events() (list []event.Event) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.acts {
		if len(a.Events) == 0 {
			continue
		}
		batch, err := event.Parse(a.Events)
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, batch...)
	}
	return list
}

// Join implements Theatre.
func (s *stage) Join(_ string, told func(part.Told) *part.Reply) (Link, error) {
	return &door{stage: s, told: told}, nil
}

// door is the link of one actor.
type door struct {
	*stage
	told func(part.Told) *part.Reply
}

func (d *door) Act(ctx context.Context, a part.Act) (part.Reply, error) {
	if _, err := part.Marshal(a); err != nil {
		d.t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mute {
		d.mu.Unlock()
		<-ctx.Done()
		d.mu.Lock()
		return part.Reply{}, context.Cause(ctx)
	}
	if a.Generation < d.stale {
		return part.Reply{Stale: true}, nil
	}
	d.acts = append(d.acts, acted{time.Since(d.started), a})
	return part.Reply{}, nil
}

func (d *door) Alive(a part.Alive) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alive = append(d.alive, a)
	d.stage.told[a.Generation] = d.told
	return nil
}

func (d *door) Close() {}

// Follow implements Theatre.
func (s *stage) Follow(string) (Audio, error) { return &tape{stage: s}, nil }

type tape struct {
	*stage
	at int
}

func (a *tape) Next(ctx context.Context) (frame.Delivery, error) {
	for {
		a.mu.Lock()
		more := a.more
		if a.at < len(a.log) {
			a.at++
			d := a.log[a.at-1]
			a.mu.Unlock()
			return d, nil
		}
		a.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return frame.Delivery{}, context.Cause(ctx)
		}
	}
}

func (a *tape) Close() {}

// shelf has the one script.
type shelf struct{}

func (shelf) Script(context.Context, string, int) (store.Scenario, *patient.Dialogue, error) {
	s := store.Scenario{Dialogue: json.RawMessage(script)}
	s.Candidate.Tasks = []store.Task{
		{ID: "worry", Text: "Ask about his worries.", CoveredBy: []string{"fact.needles"}},
		{ID: "home", Text: "Ask who is at home.", CoveredBy: []string{"intent.ask_home"}},
	}
	d, err := patient.New(s, nil)
	return s, d, err
}

// mouth speaks lines of a second.
type mouth struct{}

func (mouth) Line(context.Context, patient.Line, patient.Voice) (voice.Clip, error) {
	var c voice.Clip
	for range 50 {
		c.Frames = append(c.Frames, voice.Frame{Payload: []byte{1}, Level: 30})
	}
	return c, nil
}

func (mouth) Prepare(context.Context, []patient.Line, patient.Voice) error { return nil }

// ears hear what a test says is said.
type ears struct {
	mu      sync.Mutex
	text    []string
	written float64 // seconds of audio that all streams have got
	failure error
}

func (e *ears) say(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text = strings.Fields(text)
}

func (*ears) Name() string { return "ears" }

func (e *ears) Open(context.Context, asr.Context) (asr.Stream, error) {
	return &hearing{ears: e}, e.failure
}

type hearing struct {
	*ears
	at, from float64
	heard    int // samples with sound in the utterance
}

func (h *hearing) Write(samples []float32) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range samples {
		if math.Abs(float64(v)) > 0.01 {
			h.heard++
		}
	}
	h.at += float64(len(samples)) / asr.SampleRate
	h.written += float64(len(samples)) / asr.SampleRate
	return h.failure
}

// Partial hears a word every 300 ms of sound.
func (h *hearing) Partial() (r asr.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(int(float64(h.heard)/asr.SampleRate/0.25), len(h.text))
	for i, w := range h.text[:n] {
		from := h.from + 0.3 + 0.3*float64(i)
		r.Words = append(r.Words, asr.Word{Text: w, From: from, To: from + 0.25, Confidence: 1})
	}
	return r
}

func (h *hearing) End() (asr.Result, error) {
	r := h.Partial()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(r.Words) > 0 {
		r.Best = [][]string{texts(r.Words)}
	}
	h.from, h.heard = h.at, 0
	return r, h.failure
}

func (*hearing) Close() error { return nil }
