package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
)

type partnerCommand struct {
	URL     string `help:"The running server." name:"url" required:""`
	Attempt string `help:"Id of the attempt to join." required:"" placeholder:"ID"`
	Audio   string `help:"What the patient says: WAV or Ogg Opus." required:"" placeholder:"FILE" type:"existingfile"`

	Email    string `help:"Tutor's account (default: the demo tutor)."`
	Password string `help:"Tutor's password." env:"BEDSIDE_TEST_PARTNER_PASSWORD"`
}

// Run joins as the patient, speaks once the play begins, and stays until it ends.
func (c partnerCommand) Run(ctx context.Context, s *streams) (err error) {
	if err := speakable(c.Audio); err != nil {
		return err
	}
	t, err := openTarget(ctx, c.URL, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	tutor, err := t.signIn(ctx, demo("tutor", c.Email, c.Password))
	if err != nil {
		return err
	}
	p, err := take(ctx, tutor, c.Attempt, protocol.RolePatient)
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Fprintln(s.err, "joined; waiting for the play")
	if _, err := p.Await(ctx, func(st client.State) bool {
		return st.Phase.Name != protocol.PhasePreparing
	}); err != nil {
		return fmt.Errorf("waiting for the play: %w", err)
	}
	playing, stop := untilEnded(ctx, p)
	defer stop()
	fmt.Fprintln(s.err, "speaking")
	if err := speakFile(playing, p, c.Audio); err != nil &&
		!errors.Is(context.Cause(playing), errPlayEnded) {
		return err
	}
	fmt.Fprintln(s.err, "spoken; waiting for the end")
	if _, err := p.Await(ctx, func(st client.State) bool {
		return st.Phase.Name == protocol.PhaseEnded
	}); err != nil {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	st := p.Stats()
	fmt.Fprintf(s.out, "%d frames sent", st.Sent.Packets)
	for from, r := range st.Received {
		fmt.Fprintf(s.out, "; from %s %d received, %d lost", from, r.Packets, r.Lost)
	}
	fmt.Fprintf(s.out, "; connected in %v\n", st.ConnectedIn.Round(time.Millisecond))
	return nil
}
