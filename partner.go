package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/signaling/client/rehearsal"
	"bedside/speech/opus"
	"bedside/store/postgres"
)

type partnerCommand struct {
	URL     string `help:"Address of the running server." name:"url" required:""`
	Attempt string `help:"Id of the attempt to join." required:"" placeholder:"ID"`
	Audio   string `help:"What the patient says: WAV or Ogg Opus." required:"" placeholder:"FILE" type:"existingfile"`

	Email    string `help:"Tutor's account (default: the demo tutor)."`
	Password string `help:"Tutor's password." env:"BEDSIDE_TEST_PARTNER_PASSWORD"`
}

// Run plays the patient and prints what was sent and received.
func (c partnerCommand) Run(ctx context.Context, i *invocation) (err error) {
	partner := rehearsal.Partner{
		AttemptID: c.Attempt, Audio: c.Audio,
		Account:   rehearsal.Demo("tutor", c.Email, c.Password, postgres.DemoPassword),
		OpenAudio: func(path string) (rehearsal.Audio, error) { return opus.OpenFile(path) },
		Progress:  i.err,
	}
	if err := partner.Check(); err != nil {
		return err
	}
	t, err := rehearsal.OpenTarget(ctx, c.URL, rehearsal.Launch{Env: i.env, Progress: i.err})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	st, err := partner.Run(ctx, t)
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "%d frames sent", st.Sent.Packets)
	for from, r := range st.Received {
		fmt.Fprintf(i.out, "; from %s %d received, %d lost", from, r.Packets, r.Lost)
	}
	fmt.Fprintf(i.out, "; connected in %v\n", st.ConnectedIn.Round(time.Millisecond))
	return nil
}
