package rehearsal

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/store"

	"github.com/google/go-cmp/cmp"
)

// line returns a line of packets of 20 ms with these levels.
func line(levels ...uint8) []Packet {
	var list []Packet
	for _, l := range levels {
		list = append(list, Packet{Payload: []byte{l}, Samples: 960, Level: l})
	}
	return list
}

// TestLineIsTimedByItsSound sends a line as Speak does: Next is called before the packet is due.
func TestLineIsTimedByItsSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &microphone{room: line(127)}
		send := func() {
			t.Helper()
			if _, samples, _, err := m.Next(); err != nil || samples != 960 {
				t.Fatalf("%d samples, %v", samples, err)
			}
			time.Sleep(20 * time.Millisecond)
			m.Stamp(nil)
		}
		start := time.Now()
		send() // the room
		said := m.say(line(90, 20, 127, 30, 90))
		for range 5 {
			send()
			select {
			case <-said:
				t.Fatal("the line was over too early")
			default:
			}
		}
		send()
		<-said
		first, last := m.times()
		if first.Sub(start) != 60*time.Millisecond || last.Sub(start) != 100*time.Millisecond {
			t.Errorf("the sound was sent from %v to %v", first.Sub(start), last.Sub(start))
		}
		m.close()
		if _, _, _, err := m.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v after the end", err)
		}
	})
}

// hears returns a consultation whose candidate has said a line that ended just now, and whose
// patient is audible at these times, in milliseconds from then.
func hears(at ...int) *consultation {
	now := time.Now()
	c := &consultation{
		ear: newEar(), start: now.Add(-time.Minute),
		mic: &microphone{begun: now.Add(-2 * time.Second), spoken: now},
	}
	go func() {
		for _, ms := range at {
			when := now.Add(time.Duration(ms) * time.Millisecond)
			time.Sleep(time.Until(when))
			c.ear.hear(90, when) // too quiet to be speech
			c.ear.hear(20, when)
		}
	}()
	return c
}

func TestAnswerIsAwaited(t *testing.T) {
	long := make([]int, 300)
	for i := range long {
		long[i] = 500 + 200*i
	}
	for name, tc := range map[string]struct {
		at       []int // when the patient is audible, in milliseconds after the line
		response float64
		cutIn    bool
		after    time.Duration // until the candidate goes on
	}{
		"an answer":        {[]int{700, 720, 1200}, 0.7, false, 1800 * time.Millisecond},
		"none":             {nil, -1, false, answerLimit},
		"one that is late": {[]int{21000}, -1, false, answerLimit},
		"one that cuts in": {[]int{-500, -100, 300}, 0.3, true, 900 * time.Millisecond},
		"one without end":  {long, 0.5, false, lineLimit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				c := hears(tc.at...)
				synctest.Wait()
				turn, err := c.awaitAnswer(t.Context(), Line{Name: "What worries you?"},
					goOnWhenQuiet)
				if err != nil {
					t.Fatal(err)
				}
				response := -1.0
				if turn.ResponseS != nil {
					response = *turn.ResponseS
				}
				if response != tc.response || turn.CutIn != tc.cutIn ||
					time.Since(began) != tc.after || turn.FromS != 58 || turn.ToS != 60 {
					t.Errorf("%+v, answered after %v s, went on after %v", turn, response,
						time.Since(began))
				}
				time.Sleep(2 * time.Minute) // the patient goes on
			})
		})
	}
}

// The candidate has interrupted for two seconds, until 0 ms.
func TestInterruptionIsTimed(t *testing.T) {
	speaks := func(from, to int) (at []int) {
		for ms := from; ms < to; ms += 20 {
			at = append(at, ms)
		}
		return at
	}
	for name, tc := range map[string]struct {
		at       []int // when the patient is audible, in milliseconds after the line
		silenced float64
		response float64
	}{
		"the patient stops and answers": {
			append(speaks(-3000, -1400), speaks(600, 900)...), 0.58, 0.6,
		},
		"it goes on beyond the line, and says no more": {speaks(-3000, 1020), 3, -1},
		"it goes on, and answers later": {
			append(speaks(-3000, 520), speaks(1500, 1600)...), 2.5, 1.5,
		},
		"it had stopped before": {append(speaks(-5000, -3000), 700), 0, 0.7},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := hears(tc.at...)
				synctest.Wait()
				turn, err := c.awaitAnswer(t.Context(), Line{Name: "Wait.", Interrupts: true},
					goOnWhenQuiet)
				if err != nil {
					t.Fatal(err)
				}
				response := -1.0
				if turn.ResponseS != nil {
					response = *turn.ResponseS
				}
				if turn.SilencedS == nil || *turn.SilencedS != tc.silenced ||
					response != tc.response || turn.CutIn {
					t.Errorf("%s", turn.headline())
				}
			})
		})
	}
}

func TestCandidateInterruptsAnAnswerThatHasBegun(t *testing.T) {
	began := time.Now()
	if at := goOnWhileSpoken(began, began.Add(3*time.Second)); at != began.Add(interruptAfter) {
		t.Errorf("a long answer is interrupted after %v", at.Sub(began))
	}
	if at := goOnWhileSpoken(began, began); at != began.Add(quiet) {
		t.Errorf("after a short one the candidate goes on after %v", at.Sub(began))
	}
}

func TestUtterancesBelongToTheLineBeforeThem(t *testing.T) {
	said := func(s store.Speaker, at float64) store.Utterance {
		return store.Utterance{Speaker: s, StartS: at, EndS: at + 1}
	}
	turns := []Turn{{FromS: 2, ToS: 4}, {FromS: 8, ToS: 9}}
	greeting := said(store.SpeakerPatient, 0.5)
	one, two := said(store.SpeakerCandidate, 1.8), said(store.SpeakerPatient, 4.6)
	three := said(store.SpeakerCandidate, 8.1)
	assign(turns, []store.Utterance{greeting, one, two, three})
	if diff := cmp.Diff([][]store.Utterance{{one, two}, {three}},
		[][]store.Utterance{turns[0].Heard, turns[1].Heard}); diff != "" {
		t.Error(diff)
	}
}

func TestConsultationIsPrinted(t *testing.T) {
	half, sure := 0.5, 0.81
	r := ConsultationResult{
		Turns: []Turn{
			{Said: "What worries you?", ResponseS: &half, Heard: []store.Utterance{
				{
					Speaker: store.SpeakerCandidate, Text: "what worries you", Confidence: &sure,
					Understood: &store.Understood{
						Outcome: "answer", Intents: []store.Intent{{ID: "worry", Confidence: 0.9}},
					},
					Revealed: []string{"needles"},
				},
				{Speaker: store.SpeakerPatient, Text: "The needles.", Emotion: "warm", Cut: true},
			}},
			{Said: "Um."},
			{Said: "And then", ResponseS: &half, CutIn: true},
		},
		Revealed: []string{"needles"},
	}
	var b bytes.Buffer
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"answered after 0.50 s", "(0.81) -> answer worry 0.90; reveals needles",
		"warm: The needles. (interrupted)", "no answer", "the patient cut in",
		"3 lines, 1 answered after 0.50 s (p50), 0.50 s (p95); the patient cut in 1 times",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, b.String())
		}
	}
}

func TestPercentile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for share, want := range map[float64]float64{0: 1, 0.5: 3, 0.95: 5, 1: 5} {
		if got := Percentile(values, share); got != want {
			t.Errorf("%v: got %v, want %v", share, got, want)
		}
	}
	if got := Percentile(nil, 0.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
}
