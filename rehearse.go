package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"bedside/signaling/client/rehearsal"
	"bedside/speech/opus"
	"bedside/store/postgres"
)

type rehearseCommand struct {
	Audio    string        `help:"What the candidate says: WAV or Ogg Opus." placeholder:"FILE" type:"existingfile"`
	Say      string        `help:"What the candidate says to the automatic patient: a text file with a line, or the name of an audio file, for each turn." placeholder:"FILE" type:"existingfile"`
	Voice    string        `help:"Whose voice speaks the lines of --say: ${enum}." enum:"female,male" default:"female"`
	Partner  string        `help:"What the patient says; without it the candidate is alone." placeholder:"FILE" type:"existingfile"`
	Leaves   time.Duration `help:"The patient leaves when the play has lasted so long; the candidate then finishes." name:"partner-leaves" placeholder:"DURATION"`
	Returns  time.Duration `help:"The patient who left is back after so long." name:"partner-returns" placeholder:"DURATION"`
	Scenario string        `help:"Role play to practise; the first of the list by default." placeholder:"SLUG"`
	URL      string        `help:"Address of a running server; without it one is started on a temporary folder." name:"url"`
	JSON     bool          `help:"Print the whole result as JSON." name:"json"`

	Email           string `help:"Candidate's account (default: the demo candidate)."`
	Password        string `help:"Candidate's password." env:"BEDSIDE_TEST_PASSWORD"`
	PartnerEmail    string `help:"Tutor's account (default: the demo tutor)."`
	PartnerPassword string `help:"Tutor's password." env:"BEDSIDE_TEST_PARTNER_PASSWORD"`
}

// Help describes the automatic patient.
func (rehearseCommand) Help() string {
	return "With --say the automatic patient plays its part: each line waits for the answer to the " +
		"one before it. Printed are the times, what was heard and understood with confidence, " +
		"what the patient said, and how long the answers took. A line that begins with ! interrupts " +
		"the answer before it, after a second.\n\n" +
		"Example: bedside rehearse --scenario nursing-insulin-at-home --say questions.txt"
}

// Run plays the role play and prints its report.
func (c rehearseCommand) Run(ctx context.Context, i *invocation) (err error) {
	if c.Say != "" {
		return c.consult(ctx, i)
	}
	if c.Audio == "" {
		return usage("--audio or --say is needed")
	}
	play := rehearsal.RolePlay{
		Scenario: c.Scenario, CandidateAudio: c.Audio, PartnerAudio: c.Partner,
		Candidate: rehearsal.Demo("candidate", c.Email, c.Password, postgres.DemoPassword),
		Partner: rehearsal.Demo("tutor", c.PartnerEmail, c.PartnerPassword,
			postgres.DemoPassword),
		Away:      rehearsal.Absence{After: c.Leaves, For: c.Returns},
		OpenAudio: func(path string) (rehearsal.Audio, error) { return opus.OpenFile(path) },
		Progress:  i.err,
	}
	if err := play.Check(); err != nil {
		return err
	}
	t, err := rehearsal.OpenTarget(ctx, c.URL, rehearsal.Launch{Env: i.env, Progress: i.err})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	r, err := play.Run(ctx, t)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(i.out).Encode(r)
	}
	return r.Print(i.out)
}
