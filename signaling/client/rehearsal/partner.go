package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
)

// Partner joins an attempt as the patient, speaks a file when the play begins, and stays until the
// play ends.
type Partner struct {
	AttemptID string
	Account   Account // a tutor's
	Audio     string  // file to speak
	OpenAudio OpenAudio
	Progress  io.Writer
}

// Check opens the audio file, so that a bad one is reported before the account signs in.
func (p Partner) Check() error { return p.OpenAudio.check(p.Audio) }

// Run returns the statistics of the connection when the play has ended.
func (p Partner) Run(ctx context.Context, t *Target) (client.Stats, error) {
	rest, err := t.SignIn(ctx, p.Account)
	if err != nil {
		return client.Stats{}, err
	}
	patient, err := join(ctx, rest, p.AttemptID, protocol.RolePatient)
	if err != nil {
		return client.Stats{}, err
	}
	defer patient.Close()
	fmt.Fprintln(p.Progress, "joined; waiting for the play")
	if _, err := patient.Await(ctx, func(st client.State) bool {
		return st.Phase.Name != protocol.PhasePreparing
	}); err != nil {
		return client.Stats{}, fmt.Errorf("waiting for the play: %w", err)
	}
	playing, stop := untilEnded(ctx, patient)
	defer stop()
	fmt.Fprintln(p.Progress, "speaking")
	if err := Speak(playing, patient, p.OpenAudio, p.Audio); err != nil &&
		!errors.Is(context.Cause(playing), errPlayEnded) {
		return client.Stats{}, err
	}
	fmt.Fprintln(p.Progress, "spoken; waiting for the end")
	if _, err := patient.Await(ctx, ended); err != nil {
		return client.Stats{}, fmt.Errorf("waiting for the end: %w", err)
	}
	return patient.Stats(), nil
}
