package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
	"bedside/store"

	"golang.org/x/sync/errgroup"
)

const (
	reportLimit   = 2 * time.Minute  // from the end of the play to the report
	progressEvery = 10 * time.Second // between lines of progress
)

// RolePlay plays one role play from sign-in to report.
type RolePlay struct {
	Scenario       string // its slug; empty: the first of the list
	Candidate      Account
	CandidateAudio string // file that the candidate speaks
	Partner        Account
	PartnerAudio   string // file that the patient speaks; empty: no patient joins
	Away           Absence
	OpenAudio      OpenAudio
	Progress       io.Writer
}

// Result is the result of a RolePlay.
type Result struct {
	AttemptID    string                  `json:"attempt_id"`
	Scenario     string                  `json:"scenario"`
	Participants map[string]client.Stats `json:"participants"`
	Ended        protocol.PhaseReason    `json:"ended"`
	ReportAfterS float64                 `json:"report_after_s"` // from the end of the play
	Report       json.RawMessage         `json:"report"`
}

// Check opens the audio files, so that a bad one is reported before a server is started.
func (r RolePlay) Check() error {
	if err := r.Away.check(r.PartnerAudio != ""); err != nil {
		return err
	}
	for _, path := range []string{r.CandidateAudio, r.PartnerAudio} {
		if err := r.OpenAudio.check(path); err != nil {
			return err
		}
	}
	return nil
}

// Run plays the role play on a server and waits for its report.
func (r RolePlay) Run(ctx context.Context, t *Target) (*Result, error) {
	rest, err := t.SignIn(ctx, r.Candidate)
	if err != nil {
		return nil, err
	}
	slug, err := r.scenario(ctx, rest)
	if err != nil {
		return nil, err
	}
	attempt, err := rest.CreateAttempt(ctx, slug)
	if err != nil {
		return nil, fmt.Errorf("role play %q: %w", slug, err)
	}
	candidate, err := join(ctx, rest, attempt.ID, protocol.RoleCandidate)
	if err != nil {
		return nil, err
	}
	defer candidate.Close()
	audio := map[*client.Client]string{candidate: r.CandidateAudio}
	leaves := func(context.Context) error { return nil }
	if r.PartnerAudio != "" {
		again := func(ctx context.Context) (*client.Client, error) {
			return r.joinPartner(ctx, t, attempt.ID)
		}
		partner, err := again(ctx)
		if err != nil {
			return nil, err
		}
		defer partner.Close()
		audio[partner] = r.PartnerAudio
		if r.Away.After > 0 {
			leaves = func(ctx context.Context) error {
				return r.patientLeaves(ctx, candidate, partner, again)
			}
		}
	}
	if err := r.play(ctx, candidate, audio, leaves); err != nil {
		return nil, err
	}
	result := &Result{
		AttemptID: attempt.ID, Scenario: slug, Participants: map[string]client.Stats{},
		Ended: candidate.State().Phase.Reason,
	}
	over := time.Now()
	fmt.Fprintln(r.Progress, "the play has ended; waiting for the report")
	waiting, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	result.Report, err = rest.WaitReport(waiting, attempt.ID, candidate.Reported())
	if err != nil {
		return nil, err
	}
	result.ReportAfterS = time.Since(over).Seconds()
	for p := range audio {
		result.Participants[string(p.Role())] = p.Stats()
	}
	return result, nil
}

func (r RolePlay) scenario(ctx context.Context, rest *client.REST) (string, error) {
	if r.Scenario != "" {
		return r.Scenario, nil
	}
	list, err := rest.Scenarios(ctx)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", errors.New("the server has no role plays")
	}
	return list[0].Slug, nil
}

func (r RolePlay) joinPartner(ctx context.Context, t *Target,
	attemptID string) (*client.Client, error) {
	rest, err := t.SignIn(ctx, r.Partner)
	if err != nil {
		return nil, err
	}
	return join(ctx, rest, attemptID, protocol.RolePatient)
}

// play starts the play, lets every participant speak until the files or the play's time end, and
// finishes it. leaves runs beside them.
func (r RolePlay) play(ctx context.Context, candidate *client.Client,
	audio map[*client.Client]string, leaves func(context.Context) error) error {
	if err := candidate.Start(ctx); err != nil {
		return fmt.Errorf("starting the play: %w", err)
	}
	playing, stop := untilEnded(ctx, candidate)
	defer stop()
	var speakers, progress errgroup.Group
	for p, path := range audio {
		speakers.Go(func() error {
			return r.Away.unlessGone(p.Role(), Speak(playing, p, r.OpenAudio, path))
		})
	}
	speakers.Go(func() error { return leaves(playing) })
	done := make(chan struct{})
	progress.Go(func() error { r.printProgress(candidate, done); return nil })
	err := speakers.Wait()
	close(done)
	progress.Wait()
	if errors.Is(context.Cause(playing), errPlayEnded) {
		fmt.Fprintf(r.Progress, "the play ended before the files did (%s)\n",
			candidate.State().Phase.Reason)
		return nil
	}
	if err != nil {
		return err
	}
	return candidate.Finish(ctx)
}

func (r RolePlay) printProgress(p *client.Client, done <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	fmt.Fprintln(r.Progress, "speaking")
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(r.Progress, "speaking: %v, %d frames sent\n",
				time.Since(began).Round(time.Second), p.Stats().Sent.Packets)
		case <-done:
			return
		}
	}
}

// Print prints the result for people.
func (r *Result) Print(w io.Writer) error {
	rep, err := store.ParseReport(r.Report)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Attempt %s (%s): %.1f s, report after %.1f s\n", r.AttemptID, r.Scenario,
		rep.DurationS, r.ReportAfterS)
	for _, s := range rep.Speakers {
		f := s.Frames
		fmt.Fprintf(w, "\n%s: %d frames sent, %d received, %d analysed, %d lost, %d dropped\n",
			strings.ToUpper(string(s.Speaker)), r.Participants[string(s.Speaker)].Sent.Packets,
			f.Received, f.Analysed, f.Lost, f.Dropped)
		if err := store.PrintMeasures(w, store.VoiceMeasures(), s.Analysis.Measures); err != nil {
			return err
		}
	}
	if len(rep.Speakers) > 1 {
		fmt.Fprintf(w, "\nTURNS:\n")
		return store.PrintMeasures(w, store.TurnMeasures(), rep.Turns)
	}
	return nil
}
