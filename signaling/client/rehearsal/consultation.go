package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
	"bedside/store"
)

const (
	readyLimit  = 2 * time.Minute  // for the patient to come, also from the queue
	answerLimit = 20 * time.Second // for the patient to begin an answer, also after a worker died
	lineLimit   = 45 * time.Second // for the patient to end it
	// quiet is how long the patient must have been silent before the candidate goes on.
	quiet = 600 * time.Millisecond
	// interruptAfter is how long the patient has spoken when the candidate interrupts.
	interruptAfter = time.Second
	// stopped is how long the patient must be silent to have stopped after an interruption.
	stopped = 250 * time.Millisecond
)

// Consultation is a role play with the automatic patient: a scripted candidate says one line after
// the other, and waits for the answer to each.
type Consultation struct {
	Scenario  string // its slug
	Candidate Account
	Lines     []Line
	Room      []Packet // the sound of the room, repeated; it is not empty
	Progress  io.Writer
}

// Line is something that the candidate says.
type Line struct {
	Name    string // its text, or the name of its file
	Packets []Packet
	// Interrupts says that it does not wait for the end of the answer before it.
	Interrupts bool
}

// Turn is a line that was said, and the answer to it. Times are in seconds of the play.
type Turn struct {
	Said  string  `json:"said"`
	FromS float64 `json:"from_s"` // the first audible packet was sent
	ToS   float64 `json:"to_s"`   // the last one was
	// ResponseS is from the last audible packet of the candidate to the first one of the patient;
	// nil when no answer came in time.
	ResponseS *float64 `json:"response_s"`
	// CutIn says that the patient began to speak before the candidate had ended.
	CutIn bool `json:"cut_in"`
	// SilencedS is, for a line that interrupts, from its first audible packet to the patient's
	// last one; nil for other lines. Heard of the turn before tells whether the patient was cut.
	SilencedS *float64 `json:"silenced_s,omitempty"`
	// Heard are the utterances of the report that belong to the turn: the candidate's as the
	// recogniser heard it, then the patient's.
	Heard []store.Utterance `json:"heard"`
}

// ConsultationResult is the result of a Consultation.
type ConsultationResult struct {
	AttemptID    string               `json:"attempt_id"`
	Scenario     string               `json:"scenario"`
	Ended        protocol.PhaseReason `json:"ended"`
	Recognisers  []store.Listener     `json:"recognisers"`
	Turns        []Turn               `json:"turns"`
	Revealed     []string             `json:"revealed"`
	ReportAfterS float64              `json:"report_after_s"`
	Report       json.RawMessage      `json:"report"`
}

// Run plays the consultation on a server and waits for its report.
func (c Consultation) Run(ctx context.Context, t *Target) (*ConsultationResult, error) {
	rest, err := t.SignIn(ctx, c.Candidate)
	if err != nil {
		return nil, err
	}
	attempt, err := rest.CreateAutomaticAttempt(ctx, c.Scenario)
	if err != nil {
		return nil, fmt.Errorf("role play %q: %w", c.Scenario, err)
	}
	p := &consultation{
		Consultation: c, ear: newEar(), mic: &microphone{room: c.Room},
	}
	joining, cancel := context.WithTimeout(ctx, joinLimit)
	p.client, err = client.JoinWithTickets(joining,
		rest.Tickets(attempt.ID, protocol.RoleCandidate), func(cfg *client.Config) {
			cfg.OnLevel = func(_ string, level uint8, at time.Time) { p.ear.hear(level, at) }
		})
	cancel()
	if err != nil {
		return nil, fmt.Errorf("joining: %w", err)
	}
	defer p.client.Close()
	turns, err := p.play(ctx)
	if err != nil {
		return nil, err
	}
	result := &ConsultationResult{
		AttemptID: attempt.ID, Scenario: c.Scenario, Turns: turns,
		Ended: p.client.State().Phase.Reason,
	}
	over := time.Now()
	fmt.Fprintln(c.Progress, "the play has ended; waiting for the report")
	waiting, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	result.Report, err = rest.WaitReport(waiting, attempt.ID, p.client.Reported())
	if err != nil {
		return nil, err
	}
	result.ReportAfterS = time.Since(over).Seconds()
	return result, result.read()
}

// consultation is a Consultation that is being played.
type consultation struct {
	Consultation
	client *client.Client
	mic    *microphone
	ear    *ear
	start  time.Time // of the play
}

// play starts the play when the patient is there, says every line, and finishes it.
func (c *consultation) play(ctx context.Context) ([]Turn, error) {
	connecting, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	if err := c.client.Connected(connecting); err != nil {
		return nil, fmt.Errorf("connecting: %w (is the media server's UDP port open?)", err)
	}
	if err := c.awaitPatient(ctx); err != nil {
		return nil, err
	}
	if err := c.client.Start(ctx); err != nil {
		return nil, fmt.Errorf("starting the play: %w", err)
	}
	c.start = time.Now()
	playing, stop := untilEnded(ctx, c.client)
	defer stop()
	spoken := make(chan error, 1)
	go func() { spoken <- c.client.Speak(playing, c.mic) }()
	turns, err := c.sayLines(playing)
	c.mic.close()
	if e := <-spoken; err == nil {
		err = e
	}
	if errors.Is(context.Cause(playing), errPlayEnded) {
		fmt.Fprintf(c.Progress, "the play ended before the lines did (%s)\n",
			c.client.State().Phase.Reason)
		return turns, nil
	}
	if err != nil {
		return nil, err
	}
	return turns, c.client.Finish(ctx)
}

// awaitPatient waits until the patient listens, and tells its place in the queue.
func (c *consultation) awaitPatient(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit,
		errors.New("no automatic patient came in time"))
	defer cancel()
	var last protocol.Patient
	_, err := c.client.Await(ctx, func(s client.State) bool {
		if s.Patient != last {
			last = s.Patient
			fmt.Fprintf(c.Progress, "the patient is %s\n", last.State)
		}
		return last.State == protocol.PatientListening
	})
	if err != nil {
		return fmt.Errorf("waiting for the patient: %w", err)
	}
	return nil
}

// sayLines says every line and waits for the answers. The patient may speak first.
func (c *consultation) sayLines(ctx context.Context) ([]Turn, error) {
	var turns []Turn
	for i, line := range c.Lines {
		sent := c.mic.say(line.Packets)
		select {
		case <-sent:
		case <-ctx.Done():
			return turns, context.Cause(ctx)
		}
		goOn := goOnWhenQuiet
		if i+1 < len(c.Lines) && c.Lines[i+1].Interrupts {
			goOn = goOnWhileSpoken
		}
		turn, err := c.awaitAnswer(ctx, line, goOn)
		if turn != nil {
			turns = append(turns, *turn)
			fmt.Fprintln(c.Progress, turn.headline())
		}
		if err != nil {
			return turns, err
		}
	}
	return turns, nil
}

// goOnWhenQuiet returns when the candidate goes on after an answer of which these were the first
// and the last audible packets so far: when the patient has been quiet for a while.
func goOnWhenQuiet(_, last time.Time) time.Time { return last.Add(quiet) }

// goOnWhileSpoken returns when the candidate interrupts an answer.
func goOnWhileSpoken(first, last time.Time) time.Time {
	return earlier(first.Add(interruptAfter), last.Add(quiet))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// awaitAnswer waits until the patient has answered a line that was just said, as goOn tells, or
// has not begun to in time.
func (c *consultation) awaitAnswer(ctx context.Context, line Line,
	goOn func(first, last time.Time) time.Time) (*Turn, error) {
	from, to := c.mic.times()
	if from.IsZero() {
		return nil, fmt.Errorf("%s: there is no sound in it", line.Name)
	}
	turn := &Turn{
		Said: line.Name, FromS: from.Sub(c.start).Seconds(), ToS: to.Sub(c.start).Seconds(),
	}
	answered := to
	if line.Interrupts {
		end := c.ear.endOf(from, stopped)
		seconds := max(end.Sub(from).Seconds(), 0)
		turn.SilencedS = &seconds
		if !end.Before(to) {
			answered = end.Add(time.Nanosecond)
		}
	} else {
		_, _, turn.CutIn, _ = c.ear.between(from, to)
	}
	began, ended := to.Add(answerLimit), to.Add(lineLimit)
	for {
		first, last, ok, more := c.ear.between(answered, time.Time{})
		if line.Interrupts && ok && first.Sub(answered) < stopped {
			answered = last.Add(time.Nanosecond) // the line that was interrupted goes on
			seconds := last.Sub(from).Seconds()
			turn.SilencedS = &seconds
			continue
		}
		wait := time.Until(began)
		if ok {
			response := first.Sub(to).Seconds()
			turn.ResponseS = &response
			wait = time.Until(earlier(goOn(first, last), ended))
		}
		if wait <= 0 {
			return turn, nil
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-more:
		case <-ctx.Done():
			t.Stop()
			return turn, context.Cause(ctx)
		}
		t.Stop()
	}
}

// headline says how long the answer took.
func (t Turn) headline() string {
	silenced := ""
	if t.SilencedS != nil {
		silenced = fmt.Sprintf("; the patient fell silent after %.2f s", *t.SilencedS)
	}
	switch {
	case t.ResponseS == nil:
		return fmt.Sprintf("%6.1f s  %s\n          no answer%s", t.FromS, t.Said, silenced)
	case t.CutIn:
		return fmt.Sprintf("%6.1f s  %s\n          the patient cut in", t.FromS, t.Said)
	}
	return fmt.Sprintf("%6.1f s  %s\n          answered after %.2f s%s", t.FromS, t.Said,
		*t.ResponseS, silenced)
}
