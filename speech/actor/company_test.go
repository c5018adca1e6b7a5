package actor

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/event"
	"bedside/speech/part"
	"bedside/store"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func says(a part.Act) bool { return a.Say != nil }

func TestAQuestionIsAnsweredSoonAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.sound(0, time.Second)
		s.speak("what worries you most about it", 0)
		ended := time.Since(s.started)
		s.sound(0, 2*time.Second)
		if got := s.said(); !slices.Equal(got, []string{"It's the needles."}) {
			t.Fatalf("the patient said %q", got)
		}
		a := s.last(says)
		if wait := a.at - ended; wait < 400*time.Millisecond || wait > 700*time.Millisecond {
			t.Errorf("the patient answered %v after the question", wait)
		}
		if len(a.Say.Frames) != 50 || a.Say.Levels[0] != 30 {
			t.Errorf("the line has %d frames", len(a.Say.Frames))
		}
		var state snapshot
		if err := json.Unmarshal(a.State, &state); err != nil || !state.State.Known["needles"] {
			t.Errorf("the snapshot is %s, %v", a.State, err)
		}
		var kinds []string
		for _, e := range s.events() {
			kinds = append(kinds, reflect.TypeOf(e).Name())
			if w, ok := e.(event.Words); ok {
				from := time.UnixMicro(w.Words[0].From).Sub(s.started)
				if len(w.Words) != 6 || from < 900*time.Millisecond ||
					from > 1400*time.Millisecond || w.Recogniser != "ears" {
					t.Errorf("%d words, the first %v after the start", len(w.Words), from)
				}
			}
		}
		want := []string{"Recogniser", "Words", "Heard", "Fact"}
		if !slices.Equal(kinds, want) {
			t.Errorf("the events are %q, want %q", kinds, want)
		}
	})
}

func TestAMicrophoneThatGoesOffEndsTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.speak("do you live alone", 0)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := s.said(); !slices.Equal(got, []string{"My daughter Karen."}) {
			t.Errorf("the patient said %q", got)
		}
	})
}

func TestStatementsMayGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.speak("the pen has a small needle", 900*time.Millisecond)
		if got := s.said(); len(got) != 0 {
			t.Errorf("the patient cut in: %q", got)
		}
		s.sound(0, time.Second)
		if got := s.said(); !slices.Equal(got, []string{"Like a pen, you say."}) {
			t.Errorf("the patient said %q", got)
		}
	})
}

func TestInterruptions(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"a question":    {"wait what is that", true},
		"a backchannel": {"okay yes", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, 1)
				s.begin()
				s.speak("what worries you most about it", time.Second)
				s.speak(c.text, 0)
				s.mu.Lock()
				stopped := slices.ContainsFunc(s.acts, func(a acted) bool { return a.StopSaying })
				s.mu.Unlock()
				if stopped != c.want {
					t.Errorf("stopped: %v", stopped)
				}
			})
		})
	}
}

// What the room has taken is not done again; what it has not is done by the next actor.
func TestAnotherActorGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.speak("what worries you most about it", 2*time.Second)
		a := s.last(func(part.Act) bool { return true })
		s.mu.Lock()
		s.stale = 2 // the room calls another one
		s.mu.Unlock()
		second := s.open(1)
		before := s.hears.written
		call := firstCall()
		clock := s.clock()
		call.Generation, call.State, call.HeardTo = 2, a.State, a.HeardTo
		call.StartedAt, call.Clock = s.started.UnixMicro(), &clock
		s.call(second, call)
		synctest.Wait()
		s.tell(2, part.Played{Line: a.Say.ID, From: a.HeardTo, To: a.HeardTo + 1e6})
		s.sound(0, time.Second)
		if again := s.hears.written - before; again > 0.5 {
			t.Errorf("%v s were recognised twice", again)
		}
		s.speak("do you live alone", 2*time.Second)
		want := []string{"It's the needles.", "My daughter Karen."}
		if got := s.said(); !slices.Equal(got, want) {
			t.Errorf("the patient said %q", got)
		}
		if free := s.company.Status().Free; free != 1 {
			t.Errorf("the first actor plays on: %d places are free", free)
		}
	})
}

func TestThePatientSpeaksByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if got := s.said(); len(got) != 0 {
			t.Errorf("too early: %q", got)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := s.said(); !slices.Equal(got, []string{"Is there anything else?"}) {
			t.Errorf("the patient said %q", got)
		}
	})
}

func TestPausedPlaysDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.tell(1, part.Control{Action: part.Pause})
		s.speak("do you live alone", 20*time.Second)
		if got := s.said(); len(got) != 0 {
			t.Errorf("in the pause: %q", got)
		}
		s.tell(1, part.Control{Action: part.Resume, At: time.Now().UnixMicro()})
		s.speak("do you live alone", 2*time.Second)
		if got := s.said(); !slices.Equal(got, []string{"My daughter Karen."}) {
			t.Errorf("after it: %q", got)
		}
	})
}

func TestControlsOfAPractice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.tell(1, part.Control{Action: part.Hint})
		s.tell(1, part.Typed{Text: "What worries you most about it?", At: time.Now().UnixMicro()})
		s.tell(1, part.Control{Action: part.Again})
		s.tell(1, part.Control{Action: part.Hint})
		s.tell(1, part.Control{Action: part.Restart, At: time.Now().UnixMicro()})
		s.tell(1, part.Control{Action: part.Hint})
		want := []string{"It's the needles.", "It's the needles."}
		if got := s.said(); !slices.Equal(got, want) {
			t.Errorf("the patient said %q", got)
		}
		var hints []string
		for _, a := range s.acts {
			if a.Hint != "" {
				hints = append(hints, a.Hint)
			}
		}
		const worry, home = "Next on your card: Ask about his worries.",
			"Next on your card: Ask who is at home."
		if want := []string{worry, home, worry}; !slices.Equal(hints, want) {
			t.Errorf("the hints are %q", hints)
		}
	})
}

func TestExamsHaveNoControls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		call := firstCall()
		call.Mode = store.ModeExam
		s.call(s.company, call)
		synctest.Wait()
		s.tell(1, s.clock())
		s.tell(1, part.Control{Action: part.Hint})
		if len(s.acts) != 0 {
			t.Errorf("the hint led to %+v", s.acts)
		}
	})
}

func TestTheButtonEndsTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.tell(1, part.Talk{On: true})
		s.speak("do you live alone", 5*time.Second)
		if got := s.said(); len(got) != 0 {
			t.Errorf("while it is held: %q", got)
		}
		s.tell(1, part.Talk{On: false, At: time.Now().UnixMicro()})
		if got := s.said(); !slices.Equal(got, []string{"My daughter Karen."}) {
			t.Errorf("after it: %q", got)
		}
	})
}

func TestANoticeThatComesAgainDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		typed := part.Typed{Text: "Do you live alone?", At: time.Now().UnixMicro()}
		s.tell(1, typed)
		s.number--
		s.tell(1, typed)
		if got := s.said(); len(got) != 1 {
			t.Errorf("the patient said %q", got)
		}
	})
}

// Noise without words is no turn that never ends.
func TestNoiseIsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.sound(0, time.Second)
		s.sound(0.2, 40*time.Second)
		if got := s.said(); !slices.Equal(got, []string{"Is there anything else?"}) {
			t.Errorf("the patient said %q", got)
		}
		s.sound(0, time.Second)
		s.speak("do you live alone", 2*time.Second)
		if got := s.said(); got[len(got)-1] != "My daughter Karen." {
			t.Errorf("after it: %q", got)
		}
	})
}

func TestActorsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 2)
		s.begin()
		s.tell(1, part.Ended{Reason: "over"})
		if free := s.company.Status().Free; free != 2 {
			t.Errorf("%d places are free", free)
		}
		call := firstCall()
		call.Generation = 2
		s.hears.failure = errors.New("deaf")
		s.call(s.company, call)
		synctest.Wait()
		if a := s.alive[len(s.alive)-1]; !a.Gone || a.Generation != 2 {
			t.Errorf("the room got %+v of an actor that cannot play", a)
		}
		s.hears.failure = nil
		call.Generation = 3
		s.call(s.company, call)
		synctest.Wait()
		if a := s.alive[len(s.alive)-1]; !a.Ready || a.Recogniser != "ears" {
			t.Errorf("the room got %+v", a)
		}
		s.company.cancel(errClosing)
		s.company.done.Wait()
		if a := s.alive[len(s.alive)-1]; !a.Gone || a.Generation != 3 {
			t.Errorf("the room got %+v of an actor whose worker shuts down", a)
		}
	})
}

func (s *stage) silence(mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = mute
}

// The end of a play must reach an actor that waits for the answer of its room.
func TestAnActorEndsWhileItWaitsForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.silence(true)
		s.tell(1, part.Control{Action: part.Hint})
		s.tell(1, part.Ended{Reason: "over"})
		if free := s.company.Status().Free; free != 1 {
			t.Error("the actor has not ended")
		}
	})
}

// A room that was killed, or has another actor, does not tell.
func TestAnActorThatNobodyNeedsEnds(t *testing.T) {
	for name, forget := range map[string]func(*stage){
		"another plays":  func(s *stage) { s.mu.Lock(); s.stale = 2; s.mu.Unlock() },
		"nobody answers": func(s *stage) { s.silence(true) },
		"another worker has the part": func(s *stage) {
			s.company.Release(part.Confirm{Attempt: "a", Generation: 2, Worker: "x"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, 1)
				s.call(s.company, firstCall())
				synctest.Wait()
				time.Sleep(time.Minute)
				if free := s.company.Status().Free; free != 0 {
					t.Fatal("the actor ended without a reason")
				}
				forget(s)
				time.Sleep(time.Minute)
				if free := s.company.Status().Free; free != 1 {
					t.Error("the actor has not ended")
				}
			})
		})
	}
}

// The next actor first hears what was said while there was none, although the patient would by
// now have asked whether there is anything else.
func TestTheNextActorHearsWhatItHasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.speak("what worries you most about it", 2*time.Second)
		a := s.last(func(part.Act) bool { return true })
		s.tell(1, part.Ended{Reason: "killed"})
		s.speak("do you live alone", 16*time.Second)
		heard := s.hears.written
		call, clock := firstCall(), s.clock()
		call.Generation, call.State, call.HeardTo = 2, a.State, a.HeardTo
		call.StartedAt, call.Clock = s.started.UnixMicro(), &clock
		s.call(s.open(1), call)
		s.sound(0, 2*time.Second)
		want := []string{"It's the needles.", "My daughter Karen."}
		if got := s.said(); len(got) < 2 || !slices.Equal(got[:2], want) {
			t.Errorf("the patient said %q", got)
		}
		if again := s.hears.written - heard; again > 4 {
			t.Errorf("%v s were recognised again", again)
		}
	})
}

// A candidate who holds the button for ever is answered, and what was said fits into the acts.
func TestEndlessTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.tell(1, part.Talk{On: true})
		s.speak(strings.Repeat("extraordinarily long-winded and ", 120), 0)
		if len(s.said()) == 0 {
			t.Error("the patient says nothing")
		}
		if free := s.company.Status().Free; free != 0 {
			t.Error("the actor has failed")
		}
	})
}

// Everything that was typed is recorded, also when it fills more than one event.
func TestAllTypedWordsAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		const words = maxWords + 50
		text := strings.Repeat("so ", words)
		s.tell(1, part.Typed{Text: text, At: time.Now().UnixMicro()})
		recorded := 0
		for _, e := range s.events() {
			if w, ok := e.(event.Words); ok && w.Typed {
				recorded += len(w.Words)
			}
		}
		if recorded != words {
			t.Errorf("%d of %d words are recorded", recorded, words)
		}
	})
}

// What the candidate said before releasing the button arrives after that.
func TestTheLastWordBeforeTheButtonIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.tell(1, part.Talk{On: true})
		s.hears.say("do you live alone")
		s.sound(0.3, time.Second)
		s.tell(1, part.Talk{At: time.Now().Add(200 * time.Millisecond).UnixMicro()})
		if got := s.said(); len(got) != 0 {
			t.Errorf("too early: %q", got)
		}
		s.sound(0.3, 300*time.Millisecond)
		if got := s.said(); !slices.Equal(got, []string{"My daughter Karen."}) {
			t.Errorf("the patient said %q", got)
		}
	})
}

// A line that is said again may be interrupted again.
func TestALineThatIsRepeatedMayBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 1)
		s.begin()
		s.tell(1, part.Typed{Text: "What worries you most about it?", At: time.Now().UnixMicro()})
		first := s.last(says).Say.ID
		s.tell(1, part.Control{Action: part.Again})
		now := time.Now().UnixMicro()
		s.tell(1, part.Played{Line: first, From: now, To: now, Cut: true})
		before := len(s.acts)
		s.speak("wait what is that", 0)
		if !slices.ContainsFunc(s.acts[before:], func(a acted) bool { return a.StopSaying }) {
			t.Error("it is not stopped")
		}
	})
}

func TestQueue(t *testing.T) {
	now := time.Unix(0, 0)
	call := func(attempt string, generation int, since int64) part.Call {
		c := firstCall()
		c.Attempt, c.Generation, c.Since = attempt, generation, since
		return c
	}
	confirm := func(attempt string, generation int) part.Confirm {
		return part.Confirm{Attempt: attempt, Generation: generation, Worker: "w"}
	}
	q := newQueue(1, "w")
	expect := func(c part.Call, want part.Message) {
		t.Helper()
		if got := q.call(c, now); got != want {
			t.Errorf("%s: %+v, want %+v", c.Attempt, got, want)
		}
	}
	taken := part.Taken{Worker: "w"}
	expect(call("a", 1, 1), taken)
	expect(call("b", 1, 3), part.Busy{Place: 1}) // the place is held for a
	if _, ok := q.confirm(confirm("a", 1), now); !ok {
		t.Error("a is not confirmed")
	}
	expect(call("c", 1, 2), part.Busy{Place: 1}) // it has called before b
	expect(call("b", 1, 3), part.Busy{Place: 2})
	expect(call("a", 2, 1), taken) // the next actor of a needs no other place
	if _, ok := q.confirm(confirm("a", 2), now); !ok {
		t.Error("the second of a is not confirmed")
	}
	q.left("a", 1)
	expect(call("b", 1, 3), part.Busy{Place: 2})
	q.left("a", 2)
	expect(call("b", 1, 3), part.Busy{Place: 1})
	expect(call("c", 1, 2), taken)
	now = now.Add(heldFor) // c has gone without a word
	if _, ok := q.confirm(confirm("c", 1), now); ok {
		t.Error("what was held for c is still there")
	}
	expect(call("b", 1, 3), taken)
	q.release("b") // it has found another worker
	expect(call("d", 1, 9), taken)
}
