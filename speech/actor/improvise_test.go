package actor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/asr"
	"bedside/speech/asr/browser"
	"bedside/speech/asr/chain"
	"bedside/speech/chat"
	"bedside/speech/event"
	"bedside/speech/part"
	"bedside/speech/realtime"
)

// model says in each turn what a test wants.
type model struct {
	mu     sync.Mutex // guards the fields below
	pieces []said     // of the next reply
	turns  []chat.Turn
	heard  int      // samples
	script []string // lines of the script, each with what it answers
	cuts   []int
	open   int
}

func (*model) Enabled() bool { return true }

func (m *model) Open(context.Context, realtime.Scene) Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open++
	return m
}

func (m *model) Hear(samples []float32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard += len(samples)
}

func (m *model) Answer(t chat.Turn) Reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turns = append(m.turns, t)
	return &modelReply{model: m, pieces: m.pieces}
}

func (m *model) Said(heard, line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.script = append(m.script, heard+" > "+line)
}

func (m *model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
}

type modelReply struct {
	*model
	pieces []said
}

// Next returns a piece every 100 ms. Without one, it waits until it is not wanted any more.
func (r *modelReply) Next(ctx context.Context) (realtime.Piece, error) {
	timer := time.NewTimer(100 * time.Millisecond)
	if len(r.pieces) == 0 {
		timer.Stop()
	}
	select {
	case <-timer.C:
		p := r.pieces[0]
		r.pieces = r.pieces[1:]
		return p.Piece, p.err
	case <-ctx.Done():
		timer.Stop()
		return realtime.Piece{}, context.Cause(ctx)
	}
}

func (r *modelReply) Cut(frames int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cuts = append(r.cuts, frames)
}

func pieceOf(frames int, text string) said {
	p := said{Piece: realtime.Piece{Text: text}}
	for range frames {
		p.Frames = append(p.Frames, realtime.Frame{Payload: []byte{2}, Level: 20})
	}
	return p
}

func newModelStage(t *testing.T, pieces ...said) (*stage, *model) {
	s := newStage(t, 1)
	m := &model{pieces: pieces}
	s.model = m
	s.company = s.open(1)
	s.begin()
	s.sound(0, time.Second)
	return s, m
}

// lines returns the lines that were sent to the room.
func (s *stage) lines() (list []part.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.acts {
		if a.Say != nil {
			list = append(list, *a.Say)
		}
	}
	return list
}

func TestTheModelAnswersWithinTheScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newModelStage(t, pieceOf(12, "Well, "), pieceOf(12, "it's the "),
			pieceOf(30, "needles, "), pieceOf(30, "love."), said{err: io.EOF})
		s.speak("what worries you most about it", 2*time.Second)
		if got := s.said(); !slices.Equal(got, []string{"Well, it's the", "needles, love."}) {
			t.Fatalf("the patient said %q", got)
		}
		lines := s.lines()
		if len(lines[0].Frames) != 24 || len(lines[1].Frames) != 60 || lines[0].ID == lines[1].ID {
			t.Errorf("lines %q of %d and %q of %d frames", lines[0].ID, len(lines[0].Frames),
				lines[1].ID, len(lines[1].Frames))
		}
		turn := m.turns[0]
		if turn.Heard != "what worries you most about it" ||
			turn.Script.Text != "It's the needles." ||
			!slices.Equal(turn.Told, []string{"It's the needles."}) ||
			!slices.Equal(turn.Hidden, []string{"My daughter Karen."}) || len(turn.Said) != 0 {
			t.Errorf("the model was asked %+v", turn)
		}
		if m.heard < 2*asr.SampleRate || len(m.script) > 0 || len(m.cuts) > 0 {
			t.Errorf("the model heard %d samples, %q, %v", m.heard, m.script, m.cuts)
		}
		thinking := s.last(func(a part.Act) bool { return a.Doing == part.Thinking })
		if first := s.last(says); thinking.at >= first.at {
			t.Errorf("thinks from %v, speaks from %v", thinking.at, first.at)
		}
		for _, l := range lines {
			s.tell(1, part.Played{Line: l.ID, From: 1, To: 1 + int64(len(l.Frames))*20_000})
		}
		s.speak("do you live alone", 2*time.Second)
		said := m.turns[1].Said
		if len(said) != 2 || said[1].Text != "Well, it's the needles, love." || !said[1].Patient {
			t.Errorf("the model was told %+v", said)
		}
	})
}

func TestTheScriptAnswersWhenTheModelFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newModelStage(t, said{err: errors.New("late")})
		s.speak("what worries you most about it", 2*time.Second)
		if got := s.said(); !slices.Equal(got, []string{"It's the needles."}) {
			t.Fatalf("the patient said %q", got)
		}
		if want := " > It's the needles."; len(m.script) != 1 || m.script[0] != want {
			t.Errorf("the model was told %q", m.script)
		}
		s.tell(1, part.Played{Line: s.lines()[0].ID, From: 1, To: 2})
		s.speak("parliament umbrella zebra", 3*time.Second) // repair is the script's
		if got := s.said(); len(got) != 2 || len(m.turns) != 1 ||
			!strings.HasPrefix(m.script[1], "parliament umbrella zebra > ") {
			t.Errorf("the patient said %q, the model was told %q", got, m.script)
		}
	})
}

func TestTheModelIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newModelStage(t, pieceOf(25, "Well, it's the "), pieceOf(60, "needles, love, "),
			pieceOf(60, "and I can't even look."))
		s.speak("what worries you most about it", 1500*time.Millisecond)
		lines := s.lines()
		if len(lines) != 3 {
			t.Fatalf("%d lines", len(lines))
		}
		s.tell(1, part.Played{Line: lines[0].ID, From: 1, To: 1 + 25*20_000})
		s.hears.say("just a moment please i have to ask something else")
		s.sound(0.3, 1500*time.Millisecond)
		s.last(func(a part.Act) bool { return a.StopSaying })
		if len(m.cuts) > 0 {
			t.Fatalf("cut %v before it is known what was played", m.cuts)
		}
		s.tell(1, part.Played{Line: lines[1].ID, From: 1, To: 1 + 10*20_000, Cut: true})
		s.tell(1, part.Played{Line: lines[2].ID, From: 1, To: 1, Cut: true})
		if !slices.Equal(m.cuts, []int{35}) {
			t.Errorf("the model knows of %v frames", m.cuts)
		}
	})
}

func TestTheModelWaitsForACandidateWhoGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow []said
		for range 20 {
			slow = append(slow, pieceOf(2, "Well "))
		}
		s, m := newModelStage(t, slow...)
		s.speak("what worries you most about it", 600*time.Millisecond)
		if len(m.turns) != 1 {
			t.Fatalf("%d turns", len(m.turns))
		}
		m.pieces = []said{pieceOf(50, "The needles. And Karen."), {err: io.EOF}}
		s.hears.say("do you live alone")
		s.sound(0.3, 1500*time.Millisecond)
		if got := s.said(); len(got) > 0 {
			t.Errorf("the patient says %q meanwhile", got)
		}
		s.sound(0, 2*time.Second)
		if got := s.said(); !slices.Equal(got, []string{"The needles. And Karen."}) ||
			!slices.Equal(m.cuts, []int{0}) {
			t.Errorf("the patient said %q, cut %v", got, m.cuts)
		}
		want := []string{"It's the needles.", "My daughter Karen."}
		if turn := m.turns[1]; !slices.Equal(turn.Told, want) ||
			turn.Script.Text != strings.Join(want, " ") {
			t.Errorf("the model was asked to tell %q by %q", turn.Told, turn.Script.Text)
		}
	})
}

func TestTheModelStartsOverWithThePlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newModelStage(t)
		s.speak("what worries you most about it", time.Second) // the model never answers
		s.tell(1, part.Control{Action: part.Restart, At: time.Now().UnixMicro()})
		if len(m.cuts) != 1 || m.open != 1 || len(s.said()) > 0 {
			t.Errorf("cut %v, %d sessions open, said %q", m.cuts, m.open, s.said())
		}
		s.company.Close()
		if m.open != 0 {
			t.Error("a session stays open")
		}
	})
}

// TestTheBrowserHears lets the candidate's browser hear the second turn. Its final words come when
// the turn is over.
func TestTheBrowserHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		hearing, err := chain.New([]chain.Link{
			{Name: "browser", Recogniser: browser.Recogniser{}, Own: true},
			{Name: "ears", Recogniser: s.hears},
		}, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.hearing = hearing
		s.company = s.open(1)
		s.begin()
		s.sound(0, time.Second)
		words := func(text string) part.Heard {
			n := part.Heard{Final: true}
			at := time.Now().UnixMicro()
			for i, w := range strings.Fields(text) {
				from := at + int64(i)*300_000
				n.Words = append(n.Words, part.Word{
					Text: w, From: from, To: from + 250_000, Confidence: 0.9,
				})
			}
			return n
		}
		first := words("what worries you most about it")
		s.speak("what worries you most about it", 1500*time.Millisecond)
		s.tell(1, first)
		s.tell(1, part.Played{Line: s.lines()[0].ID, From: 1, To: 2})
		s.sound(0, 20*time.Second)
		second := words("do you live alone")
		s.hears.say("nothing that anybody has said")
		s.sound(0.3, 1500*time.Millisecond)
		time.AfterFunc(1300*time.Millisecond, func() {
			s.number++
			s.told[1](part.Told{Generation: 1, Number: s.number, Notice: second})
		})
		s.sound(0, 4*time.Second)
		if got := s.said(); !slices.Contains(got, "My daughter Karen.") {
			t.Errorf("the patient said %q", got)
		}
		var heard []string
		for _, e := range s.events() {
			if w, ok := e.(event.Words); ok {
				heard = append(heard, w.Recogniser)
			}
		}
		if !slices.Equal(heard, []string{"ears", "browser"}) {
			t.Errorf("heard by %q", heard)
		}
	})
}
