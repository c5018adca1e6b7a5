package signaling

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
	"bedside/speech/part"
	"bedside/store"
)

// withPatient runs a test of an attempt with an automatic patient, whose candidate has joined.
func withPatient(t *testing.T, mode store.Mode, test func(*testing.T, *timedRoom, *fakeClient)) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.set(func() {
			s.scenario.Dialogue = json.RawMessage(`{}`)
			s.scenario.Patient.Name = "Mrs Bell, 71"
			a := s.attempts["play-1"]
			a.Patient, a.Mode = store.PatientAutomatic, mode
			s.attempts["play-1"] = a
			s.stage.offer = "w1"
		})
		test(t, s, s.joinConnected("anna", store.ParticipantCandidate))
	})
}

// begin lets the actor get ready, and begins the play.
func (s *timedRoom) begin(anna *fakeClient) (stop func()) {
	s.t.Helper()
	stop = s.live()
	synctest.Wait()
	must(s.t, anna.send(protocol.Start{}))
	return stop
}

// generation returns that of the latest call.
func (s *timedRoom) generation() (g int) {
	synctest.Wait()
	s.set(func() {
		if n := len(s.stage.calls); n > 0 {
			g = s.stage.calls[n-1].Generation
		}
	})
	return g
}

// live makes the actor of now say that it is there, twice a second until stop.
func (s *timedRoom) live() (stop func()) {
	m := part.Alive{Generation: s.generation(), Ready: true, Recogniser: "ears"}
	s.sign(m)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
				s.sign(m)
			}
		}
	}()
	return func() { close(done) }
}

func (s *timedRoom) sign(m part.Alive) {
	var alive func(part.Alive)
	s.set(func() { alive = s.stage.alive })
	if alive != nil {
		alive(m)
	}
}

// act sends an act of the actor of now.
func (s *timedRoom) act(m part.Act) part.Reply {
	if m.Generation == 0 {
		m.Generation = s.generation()
	}
	var act func(part.Act) part.Reply
	s.set(func() { act = s.stage.act })
	if act == nil {
		return part.Reply{Stale: true}
	}
	return act(m)
}

// line returns a line of so many frames.
func line(id string, frames int) *part.Line {
	l := &part.Line{ID: id, Text: "It's the needles.", Levels: make([]byte, frames)}
	for range frames {
		l.Frames = append(l.Frames, []byte{1})
	}
	return l
}

// told returns the notices of a kind that actors were told.
func told[N part.Notice](s *timedRoom) (list []N) {
	synctest.Wait()
	s.set(func() {
		for _, t := range s.stage.told {
			if n, ok := t.Notice.(N); ok {
				list = append(list, n)
			}
		}
	})
	return list
}

func (s *timedRoom) wantWrongState(err error, what string) {
	s.t.Helper()
	var e *clientError
	if !errors.As(err, &e) || e.Code != protocol.CodeWrongState || e.Fatal {
		s.t.Errorf("%s: %v", what, err)
	}
}

func patientIs(state protocol.PatientState) func(protocol.Patient) bool {
	return func(m protocol.Patient) bool { return m.State == state }
}

func TestAutomaticPatientTakesItsSeat(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		if !received(anna, patientIs(protocol.PatientJoining)) {
			t.Error("the candidate is not told that the patient comes")
		}
		s.wantWrongState(anna.send(protocol.Start{}), "start without a patient")
		stop := s.begin(anna)
		defer stop()
		if !received(anna, func(m protocol.Patient) bool {
			return m.State == protocol.PatientListening && m.Recogniser == "ears"
		}) {
			t.Error("the candidate is not told that the patient listens")
		}
		s.wantPhase(protocol.PhasePlaying, true, 5*time.Minute, "")
		if c := told[part.Clock](s); len(c) != 1 || !c[0].Running || c[0].Played != 0 {
			t.Errorf("the actor was told the clocks %+v", c)
		}
		s.set(func() {
			if !s.stage.live {
				t.Error("what is said does not reach the log at once")
			}
			c := s.stage.calls[0]
			if c.Attempt != "play-1" || c.Candidate != "anna" || c.Mode != store.ModePractice {
				t.Errorf("the actor was called with %+v", c)
			}
		})
	})
}

func TestCandidateWaitsForAFreeActor(t *testing.T) {
	withFakeClock(t, 1, 300, func(t *testing.T, s *timedRoom) {
		s.set(func() {
			s.scenario.Dialogue = json.RawMessage(`{}`)
			a := s.attempts["play-1"]
			a.Patient = store.PatientAutomatic
			s.attempts["play-1"] = a
			s.stage.place = 2
		})
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		if !received(anna, func(m protocol.Patient) bool {
			return m.State == protocol.PatientQueued && m.Place == 2
		}) {
			t.Error("the candidate does not know the place in the queue")
		}
		time.Sleep(10 * time.Second)
		s.wantPhase(protocol.PhasePreparing, false, 0, protocol.ReasonWaitingPatient)
		s.set(func() {
			if n := len(s.stage.calls); n < 10 || n > 12 {
				t.Errorf("called %d times in 10 s", n)
			}
			if first, last := s.stage.calls[0], s.stage.calls[len(s.stage.calls)-1]; first.Since !=
				last.Since || first.Generation != last.Generation {
				t.Errorf("the calls are %+v and %+v", first, last)
			}
			s.stage.offer = "w1"
		})
		time.Sleep(time.Second)
		stop := s.live()
		defer stop()
		s.wantPhase(protocol.PhasePlaying, true, 5*time.Minute, "")
	})
}

func TestActsTakeEffectOnce(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		defer stop()
		m := part.Act{
			Number: 1, Events: json.RawMessage(`[]`), State: json.RawMessage(`{"turn":1}`),
			HeardTo: 7, Say: line("l1", 50), Mood: &part.Mood{Emotion: "worried"},
			Caption: &part.Caption{Text: "what worries you", Final: true}, Hint: "ask more",
		}
		for range 2 {
			if r := s.act(m); r.Stale {
				t.Fatal("an act of the actor of now is refused")
			}
		}
		if r := s.act(part.Act{Generation: s.generation() - 1, Number: 9}); !r.Stale {
			t.Error("an act of an earlier actor is accepted")
		}
		time.Sleep(2 * time.Second)
		want := map[string]bool{}
		for synctest.Wait(); len(anna.conn.queue) > 0; {
			b := <-anna.conn.queue
			got, err := protocol.DecodeServer(b)
			must(t, err)
			switch got := got.(type) {
			case protocol.Patient:
				want[string(got.State)+" "+got.Mood] = true
			case protocol.Caption:
				want[got.ParticipantID+" "+got.Text] = true
			case protocol.Hint:
				want[got.Text] = true
			}
		}
		for _, what := range []string{
			"speaking worried", "listening worried", "candidate what worries you",
			"patient It's the needles.", "ask more",
		} {
			if !want[what] {
				t.Errorf("the candidate did not get %q: %v", what, want)
			}
		}
		if p := told[part.Played](s); len(p) != 1 || p[0].Cut || p[0].Line != "l1" ||
			p[0].To-p[0].From != time.Second.Microseconds() {
			t.Errorf("the actor was told that it played %+v", p)
		}
		s.set(func() {
			if s.stage.acted != 1 || len(s.stage.said) != 1 || s.stage.recorded.HeardTo != 7 ||
				string(s.stage.recorded.State) != `{"turn":1}` {
				t.Errorf("recorded %d batches, %v, %+v", s.stage.acted, s.stage.said,
					s.stage.recorded)
			}
		})
	})
}

func TestPatientIsInterrupted(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		defer stop()
		s.act(part.Act{Number: 1, Say: line("l1", 100)})
		s.act(part.Act{Number: 2, Say: line("l2", 100)})
		time.Sleep(time.Second + time.Millisecond)
		s.act(part.Act{Number: 3, StopSaying: true})
		time.Sleep(time.Second)
		played := map[string]part.Played{}
		for _, p := range told[part.Played](s) {
			played[p.Line] = p
		}
		if p := played["l1"]; !p.Cut || p.To-p.From != time.Second.Microseconds() {
			t.Errorf("of the first line was played %+v", p)
		}
		if p := played["l2"]; !p.Cut || p.To != p.From || len(played) != 2 {
			t.Errorf("of the second line was played %+v of %v", p, played)
		}
		if !received(anna, func(m protocol.Caption) bool { return m.Cut }) {
			t.Error("the caption does not say that the patient was interrupted")
		}
		s.set(func() {
			if len(s.stage.said) != 1 || !s.stage.said[0].Cut {
				t.Errorf("the log has %+v", s.stage.said)
			}
		})
	})
}

// Another actor goes on from the last snapshot. When none comes, the clock stands.
func TestSilentActorIsReplaced(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		s.act(part.Act{Number: 1, State: json.RawMessage(`{"turn":1}`), HeardTo: 7})
		time.Sleep(time.Minute)
		first := s.generation()
		stop()
		time.Sleep(1600 * time.Millisecond)
		second := s.generation()
		if second <= first {
			t.Fatalf("after generation %d came %d", first, second)
		}
		s.set(func() {
			c := s.stage.calls[len(s.stage.calls)-1]
			if string(c.State) != `{"turn":1}` || c.HeardTo != 7 || c.StartedAt == 0 ||
				c.Clock == nil {
				t.Errorf("called with %+v", c)
			}
		})
		if r := s.act(part.Act{Generation: first, Number: 2}); !r.Stale {
			t.Error("the silent actor may act again")
		}
		if p := s.phase(); !p.Running {
			t.Errorf("while an actor is called the phase is %+v", p)
		}
		s.set(func() { s.stage.offer = "" })
		s.sign(part.Alive{Generation: second, Gone: true, Why: "stopped"})
		time.Sleep(5 * time.Second)
		if p := s.phase(); p.Running || p.Reason != protocol.ReasonPatientAway {
			t.Errorf("without an actor the phase is %+v", p)
		}
		s.set(func() { s.stage.offer = "w2" })
		time.Sleep(time.Second)
		second = s.generation()
		stop = s.live()
		defer stop()
		synctest.Wait()
		if p := s.phase(); !p.Running {
			t.Errorf("with an actor the phase is %+v", p)
		}
		if r := s.act(part.Act{Number: 1}); r.Stale {
			t.Error("the second actor may not act")
		}
		s.sign(part.Alive{Generation: second, Gone: true, Why: "stopped"})
		if third := s.generation(); third <= second {
			t.Errorf("after an actor that ended came generation %d", third)
		}
	})
}

func TestActorThatDoesNotConfirmIsNotUsed(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.set(func() {
			s.scenario.Dialogue = json.RawMessage(`{}`)
			a := s.attempts["play-1"]
			a.Patient = store.PatientAutomatic
			s.attempts["play-1"] = a
			s.stage.offer, s.stage.refuses = "w1", true
		})
		s.joinConnected("anna", store.ParticipantCandidate)
		first := s.generation()
		time.Sleep(time.Second)
		if g := s.generation(); g <= first {
			t.Error("the generation of an actor that may act is used again")
		}
	})
}

func TestCandidateControlsAPractice(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		s.wantWrongState(anna.send(protocol.Typed{Text: "hello"}), "typed before the play")
		stop := s.begin(anna)
		defer stop()
		time.Sleep(time.Minute)
		s.act(part.Act{Number: 1, Say: line("l1", 100)})
		must(t, anna.send(protocol.Control{Action: protocol.ControlPause}))
		must(t, anna.send(protocol.Control{Action: protocol.ControlPause}))
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPaused)
		if !received(anna, patientIs(protocol.PatientPaused)) {
			t.Error("the patient is not shown as paused")
		}
		if p := told[part.Played](s); len(p) != 1 || !p[0].Cut {
			t.Errorf("the patient goes on during the pause: %+v", p)
		}
		time.Sleep(time.Minute)
		must(t, anna.send(protocol.Control{Action: protocol.ControlResume}))
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		must(t, anna.send(protocol.Control{Action: protocol.ControlHint}))
		must(t, anna.send(protocol.Typed{Text: "Hello."}))
		must(t, anna.send(protocol.Talk{On: true}))
		must(t, anna.send(protocol.Heard{Words: []protocol.HeardWord{{
			Text: "hello", FromMS: 1000, ToMS: 1500, Confidence: 0.5,
		}}, Final: true}))
		if c := told[part.Control](s); len(c) != 3 || c[0].Action != part.Pause ||
			c[1].Action != part.Resume || c[2].Action != part.Hint {
			t.Errorf("the actor was told %+v", c)
		}
		if typed, talk := told[part.Typed](s), told[part.Talk](s); len(typed) != 1 ||
			typed[0].Text != "Hello." || len(talk) != 1 || !talk[0].On {
			t.Errorf("the actor was told %+v, %+v", typed, talk)
		}
		heard, began := told[part.Heard](s), told[part.Clock](s)[0].StartedAt
		if len(heard) != 1 || !heard[0].Final || heard[0].Words[0].From != began+1_000_000 {
			t.Errorf("the actor was told %+v", heard)
		}
		observer := s.joinConnected("other", store.ParticipantObserver)
		s.wantWrongState(observer.send(protocol.Typed{Text: "hello"}), "typed by an observer")
	})
}

func TestExamModeHasNoHelp(t *testing.T) {
	withPatient(t, store.ModeExam, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		defer stop()
		for _, m := range []protocol.ClientMessage{
			protocol.Control{Action: protocol.ControlPause}, protocol.Typed{Text: "hello"},
		} {
			s.wantWrongState(anna.send(m), protocol.TypeOf(m))
		}
		must(t, anna.send(protocol.Talk{On: true}))
		s.act(part.Act{
			Number: 1, Hint: "ask more", Caption: &part.Caption{Text: "hello"}, Say: line("l1", 2),
		})
		time.Sleep(time.Second)
		for synctest.Wait(); len(anna.conn.queue) > 0; {
			got, err := protocol.DecodeServer(<-anna.conn.queue)
			must(t, err)
			switch got.(type) {
			case protocol.Caption, protocol.Hint:
				t.Errorf("in exam mode the candidate gets %+v", got)
			}
		}
	})
}

func TestPreparationInExamModeIsNotExtended(t *testing.T) {
	withPatient(t, store.ModeExam, func(t *testing.T, s *timedRoom, _ *fakeClient) {
		s.media.of("candidate").Disconnected()
		time.Sleep(10 * time.Second)
		s.wantPhase(protocol.PhasePreparing, true, 170*time.Second, "")
	})
}

func TestPersonTakesOverAndTheAutomaticPatientComesBack(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		s.act(part.Act{Number: 1, State: json.RawMessage(`{"turn":1}`), HeardTo: 7})
		time.Sleep(time.Minute)
		first := s.generation()
		tutor := s.joinConnected("tutor", store.ParticipantPatient)
		stop()
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		if e := told[part.Ended](s); len(e) != 1 {
			t.Errorf("the actor was told %+v", e)
		}
		if !received(anna, patientIs(protocol.PatientAbsent)) {
			t.Error("the candidate is not told that the automatic patient has left")
		}
		s.wantWrongState(anna.send(protocol.CallPatient{}), "two patients")
		s.wantWrongState(anna.send(protocol.Talk{On: true}), "talk to a person")
		if r := s.act(part.Act{Generation: first, Number: 2, Say: line("l1", 2)}); !r.Stale {
			t.Error("the actor goes on beside the person")
		}
		must(t, tutor.send(protocol.Leave{}))
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPatientAway)
		must(t, anna.send(protocol.CallPatient{}))
		defer s.live()()
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		s.set(func() {
			c := s.stage.calls[len(s.stage.calls)-1]
			if c.Generation <= first || string(c.State) != `{"turn":1}` || c.HeardTo != 7 {
				t.Errorf("it was called back with %+v", c)
			}
		})
	})
}

// The next server goes on with the same patient in the same state.
func TestAutomaticPatientAfterARestart(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		s.act(part.Act{Number: 1, State: json.RawMessage(`{"turn":1}`), HeardTo: 7})
		time.Sleep(time.Minute)
		first := s.generation()
		s.move()
		stop()
		s.set(func() {
			s.last, s.stage.last = s.clocks[len(s.clocks)-1], s.stage.recorded
		})
		s.start()
		s.joinConnected("anna", store.ParticipantCandidate)
		defer s.live()()
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		s.set(func() {
			c := s.stage.calls[len(s.stage.calls)-1]
			if c.Generation <= first || string(c.State) != `{"turn":1}` || c.HeardTo != 7 {
				t.Errorf("the next server calls with %+v", c)
			}
		})
	})
}

// A notice is repeated until the actor has answered it, and told once.
func TestActorIsToldUntilItAnswers(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		defer stop()
		s.set(func() { s.stage.mute = true })
		must(t, anna.send(protocol.Typed{Text: "One."}))
		must(t, anna.send(protocol.Typed{Text: "Two."}))
		time.Sleep(5 * time.Second)
		s.set(func() { s.stage.mute = false })
		time.Sleep(time.Second)
		if typed := told[part.Typed](s); len(typed) != 2 || typed[0].Text != "One." {
			t.Errorf("the actor was told %+v", typed)
		}
		s.set(func() {
			for i, n := range s.stage.told {
				if n.Number != i+1 {
					t.Errorf("notice %d has the number %d", i+1, n.Number)
				}
			}
		})
	})
}

func TestAutomaticPatientAloneIsNobody(t *testing.T) {
	withPatient(t, store.ModePractice, func(t *testing.T, s *timedRoom, anna *fakeClient) {
		stop := s.begin(anna)
		must(t, anna.send(protocol.Leave{}))
		stop()
		time.Sleep(time.Second)
		s.wantAudioHandedOver(t)
		if e := told[part.Ended](s); len(e) != 1 {
			t.Errorf("the actor was told %+v", e)
		}
		if n, _ := s.hub.Live(); n != 0 {
			t.Error("the room stays open for the automatic patient")
		}
	})
}
