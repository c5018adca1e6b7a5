package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
	"bedside/speech/opus"
	"bedside/store"

	"golang.org/x/sync/errgroup"
)

type rehearseCommand struct {
	Audio    string `help:"What the candidate says: WAV or Ogg Opus." required:"" placeholder:"FILE" type:"existingfile"`
	Partner  string `help:"What the patient says; without it the candidate is alone." placeholder:"FILE" type:"existingfile"`
	Scenario string `help:"Role play to practise; the first of the list by default." placeholder:"SLUG"`
	URL      string `help:"A running server; without it one is started on a temporary folder." name:"url"`
	JSON     bool   `help:"Print the whole result as JSON." name:"json"`

	Email           string `help:"Candidate's account (default: the demo candidate)."`
	Password        string `help:"Candidate's password." env:"BEDSIDE_TEST_PASSWORD"`
	PartnerEmail    string `help:"Tutor's account (default: the demo tutor)."`
	PartnerPassword string `help:"Tutor's password." env:"BEDSIDE_TEST_PARTNER_PASSWORD"`
}

// rehearsal is what `rehearse --json` prints.
type rehearsal struct {
	AttemptID    string                  `json:"attempt_id"`
	Scenario     string                  `json:"scenario"`
	Participants map[string]client.Stats `json:"participants"`
	Ended        protocol.PhaseReason    `json:"ended"`
	ReportAfterS float64                 `json:"report_after_s"` // from the end of the play
	Report       json.RawMessage         `json:"report"`
}

func (c rehearseCommand) Run(ctx context.Context, s *streams) (err error) {
	for _, path := range []string{c.Audio, c.Partner} {
		if err := speakable(path); err != nil {
			return err
		}
	}
	t, err := openTarget(ctx, c.URL, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	r, err := c.play(ctx, t, s)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	return printRehearsal(s, r)
}

// speakable checks a file before anything is started for it.
func speakable(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := opus.NewPacketSource(f, opus.EncoderConfig{}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// play takes the role play from signing in to the report.
func (c rehearseCommand) play(ctx context.Context, t *target, s *streams) (*rehearsal, error) {
	candidate, err := t.signIn(ctx, demo("candidate", c.Email, c.Password))
	if err != nil {
		return nil, err
	}
	if c.Scenario == "" {
		list, err := candidate.Scenarios(ctx)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, errors.New("the server has no role plays")
		}
		c.Scenario = list[0].Slug
	}
	attempt, err := candidate.CreateAttempt(ctx, c.Scenario)
	if err != nil {
		return nil, fmt.Errorf("role play %q: %w", c.Scenario, err)
	}
	r := &rehearsal{
		AttemptID: attempt.ID, Scenario: c.Scenario, Participants: map[string]client.Stats{},
	}
	speaker, err := take(ctx, candidate, attempt.ID, protocol.RoleCandidate)
	if err != nil {
		return nil, err
	}
	defer speaker.Close()
	people := map[*client.Client]string{speaker: c.Audio}
	if c.Partner != "" {
		tutor, err := t.signIn(ctx, demo("tutor", c.PartnerEmail, c.PartnerPassword))
		if err != nil {
			return nil, err
		}
		partner, err := take(ctx, tutor, attempt.ID, protocol.RolePatient)
		if err != nil {
			return nil, err
		}
		defer partner.Close()
		people[partner] = c.Partner
	}
	if err := c.speak(ctx, speaker, people, s); err != nil {
		return nil, err
	}
	ended := time.Now()
	r.Ended = speaker.State().Phase.Reason
	fmt.Fprintln(s.err, "the play has ended; waiting for the report")
	waiting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if r.Report, err = candidate.WaitReport(waiting, attempt.ID, speaker.Reported()); err != nil {
		return nil, err
	}
	r.ReportAfterS = time.Since(ended).Seconds()
	for p := range people {
		r.Participants[string(p.Role())] = p.Stats()
	}
	return r, nil
}

// take gets a ticket and joins, and waits until media flows.
func take(ctx context.Context, rest *client.REST, attemptID string,
	role protocol.Role) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ticket, err := rest.Ticket(ctx, attemptID, role)
	if err != nil {
		return nil, fmt.Errorf("joining as %s: %w", role, err)
	}
	p, err := client.Join(ctx, ticket.Config())
	if err != nil {
		return nil, fmt.Errorf("joining as %s: %w", role, err)
	}
	if err := p.Connected(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("connecting as %s: %w (is the media server's UDP port open?)", role,
			err)
	}
	return p, nil
}

// speak begins the play, has everybody speak to the end of their files or of the play, and ends
// it.
func (c rehearseCommand) speak(ctx context.Context, candidate *client.Client,
	people map[*client.Client]string, s *streams) error {
	if err := candidate.Start(ctx); err != nil {
		return fmt.Errorf("starting the play: %w", err)
	}
	playing, stop := untilEnded(ctx, candidate)
	defer stop()
	var group errgroup.Group
	for p, path := range people {
		group.Go(func() error { return speakFile(playing, p, path) })
	}
	done := make(chan struct{})
	var progress errgroup.Group
	progress.Go(func() error { report(s, candidate, done); return nil })
	err := group.Wait()
	close(done)
	progress.Wait()
	if errors.Is(context.Cause(playing), errPlayEnded) {
		fmt.Fprintf(s.err, "the play's time was up before everything was said (%s)\n",
			candidate.State().Phase.Reason)
		return nil
	}
	if err != nil {
		return err
	}
	return candidate.Finish(ctx)
}

// errPlayEnded is the cause when a play ends before its speakers do.
var errPlayEnded = errors.New("the play has ended")

// untilEnded gives a context that lasts as long as the play.
func untilEnded(ctx context.Context, p *client.Client) (context.Context, context.CancelFunc) {
	playing, cancel := context.WithCancelCause(ctx)
	go func() {
		if _, err := p.Await(playing, func(st client.State) bool {
			return st.Phase.Name == protocol.PhaseEnded
		}); err == nil {
			cancel(errPlayEnded)
		}
	}()
	return playing, func() { cancel(context.Canceled) }
}

// speakFile speaks a file in real time.
func speakFile(ctx context.Context, p *client.Client, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	source, err := opus.NewPacketSource(f, opus.EncoderConfig{})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := p.Speak(ctx, source); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// report prints how the play goes, every ten seconds.
func report(s *streams, p *client.Client, done <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	fmt.Fprintln(s.err, "speaking")
	for {
		select {
		case <-tick.C:
			st := p.Stats()
			fmt.Fprintf(s.err, "speaking: %v, %d frames sent\n",
				time.Since(began).Round(time.Second), st.Sent.Packets)
		case <-done:
			return
		}
	}
}

func printRehearsal(s *streams, r *rehearsal) error {
	rep, err := store.ParseReport(r.Report)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Attempt %s (%s): %.1f s, report after %.1f s\n", r.AttemptID, r.Scenario,
		rep.DurationS, r.ReportAfterS)
	for _, sp := range rep.Speakers {
		sent := r.Participants[string(sp.Speaker)].Sent.Packets
		fmt.Fprintf(s.out, "\n%s: %d frames sent, %d received, %d analysed, %d lost, %d dropped\n",
			strings.ToUpper(string(sp.Speaker)), sent, sp.Frames.Received, sp.Frames.Analysed, sp.Frames.Lost, sp.Frames.Dropped)
		printMeasures(s.out, store.VoiceMeasures(), sp.Analysis.Measures)
	}
	if len(rep.Speakers) > 1 {
		fmt.Fprintf(s.out, "\nTURNS:\n")
		printMeasures(s.out, store.TurnMeasures(), rep.Turns)
	}
	return nil
}
