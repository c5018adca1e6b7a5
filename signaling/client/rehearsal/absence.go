package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
)

// Absence is a time in which the patient of a role play is away: the play's clock stops.
type Absence struct {
	After time.Duration // since the play began; 0: the patient stays
	// For is how long the patient is away; 0: for good, and the candidate finishes the play.
	For time.Duration
}

// check returns ErrUsage for an absence that cannot be.
func (a Absence) check(partner bool) error {
	switch {
	case a.After < 0 || a.For < 0:
		return fmt.Errorf("%w: the patient cannot leave or return before the play", ErrUsage)
	case a.After == 0 && a.For > 0:
		return fmt.Errorf("%w: a patient who does not leave cannot return", ErrUsage)
	case a.After > 0 && !partner:
		return fmt.Errorf("%w: there is no patient who could leave", ErrUsage)
	}
	return nil
}

// patientLeaves lets the patient leave as the absence says. The candidate waits for the patient,
// or finishes the play. It returns when the patient has come back and has spoken again, or when
// the play has ended.
func (r RolePlay) patientLeaves(ctx context.Context, candidate, patient *client.Client,
	again func(context.Context) (*client.Client, error)) error {
	if err := wait(ctx, r.Away.After); err != nil {
		return nil // the play ended before
	}
	if err := patient.Leave(ctx); err != nil {
		return fmt.Errorf("the patient cannot leave: %w", err)
	}
	st, err := candidate.Await(ctx, func(st client.State) bool {
		return st.Phase.Reason == protocol.ReasonPatientAway
	})
	if err != nil {
		return fmt.Errorf("the patient has left, and the clock did not stop: %w", err)
	}
	fmt.Fprintf(r.Progress, "the patient has left; the clock stopped with %v left\n",
		time.Duration(st.Phase.RemainingMS)*time.Millisecond)
	if r.Away.For == 0 {
		return candidate.Finish(ctx)
	}
	if err := wait(ctx, r.Away.For); err != nil {
		return nil
	}
	back, err := again(ctx)
	if err != nil {
		return err
	}
	defer back.Close()
	if _, err := candidate.Await(ctx, func(st client.State) bool {
		return st.Phase.Running
	}); err != nil {
		return fmt.Errorf("the patient is back, and the clock did not go on: %w", err)
	}
	fmt.Fprintln(r.Progress, "the patient is back")
	return Speak(ctx, back, r.OpenAudio, r.PartnerAudio)
}

// unlessGone drops the error of a patient who leaves in the middle of a sentence.
func (a Absence) unlessGone(role protocol.Role, err error) error {
	if a.After > 0 && role == protocol.RolePatient && errors.Is(err, client.ErrClosed) {
		return nil
	}
	return err
}

// wait waits for a time. It returns an error when ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
