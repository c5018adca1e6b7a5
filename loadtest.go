package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bedside/signaling/client/load"
	"bedside/signaling/client/rehearsal"
	"bedside/speech/opus"
	"bedside/store/postgres"
)

type loadtestCommand struct {
	Rooms        int           `help:"Number of rooms, each with a role play." default:"10"`
	Participants int           `help:"Participants a room: candidate, patient, then observers, who only listen." default:"2"`
	Duration     time.Duration `help:"How long they speak." default:"30s"`
	Audio        string        `help:"What they say: WAV or Ogg Opus, repeated; a synthetic voice by default." placeholder:"FILE" type:"existingfile"`
	Scenario     string        `help:"Role play; the longest of the list by default." placeholder:"SLUG"`
	URL          string        `help:"Address of a running server; without it one is started on a temporary folder." name:"url"`
	SignIns      int           `help:"Sign-ins a second while they speak, each of another user at another address; only without --url."`
	MaxLoss      *float64      `help:"Exit with 1 when more percent of the packets are lost (default: no limit)." placeholder:"PERCENT"`
	MaxP99       time.Duration `help:"Exit with 1 when the 99th percentile of the relay latency is longer (default: no limit)." name:"max-p99" placeholder:"DURATION"`
	JSON         bool          `help:"Print the result as JSON." name:"json"`

	Email           string `help:"Candidate's account, which owns all attempts (default: the demo candidate)."`
	Password        string `help:"Candidate's password." env:"BEDSIDE_TEST_PASSWORD"`
	PartnerEmail    string `help:"Tutor's account, which takes all other parts (default: the demo tutor)."`
	PartnerPassword string `help:"Tutor's password." env:"BEDSIDE_TEST_PARTNER_PASSWORD"`
}

// Help returns the text that --help adds to the description.
func (loadtestCommand) Help() string {
	return "Every room plays: speech is forwarded, logged, analysed and recorded as in a real " +
		"role play. Every packet carries the time it was sent in its padding. One account owns " +
		"all role plays: a server at --url must allow it so many rooms " +
		"(media.max_rooms_per_account) and joins (limits.joins, limits.attempts). The exit code is " +
		"1 when a participant could not join or finish, nothing was received, or a measurement is " +
		"beyond --max-loss or --max-p99."
}

// Run runs the load test and prints its measurements.
func (c loadtestCommand) Run(ctx context.Context, i *invocation) (err error) {
	limits := load.Limits{Loss: c.MaxLoss, Relay: c.MaxP99}
	if err := limits.Validate(c.Participants); err != nil {
		return fmt.Errorf("%w: %w", rehearsal.ErrUsage, err)
	}
	packets, err := c.packets()
	if err != nil {
		return err
	}
	if c.SignIns > 0 && c.URL != "" {
		return fmt.Errorf("%w: --sign-ins needs a server that this command starts: "+
			"any other limits the sign-ins of an address", rehearsal.ErrUsage)
	}
	test := rehearsal.LoadTest{
		Rooms: c.Rooms, Participants: c.Participants, Duration: c.Duration, Packets: packets,
		Scenario: c.Scenario, SignIns: c.SignIns, Progress: i.err,
		Candidate: rehearsal.Demo("candidate", c.Email, c.Password, postgres.DemoPassword),
		Tutor: rehearsal.Demo("tutor", c.PartnerEmail, c.PartnerPassword,
			postgres.DemoPassword),
	}
	t, err := rehearsal.OpenTarget(ctx, c.URL,
		rehearsal.Launch{Env: slices.Concat(i.env, test.Env()), Progress: i.err})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	result, err := test.Run(ctx, t)
	if result == nil {
		return err
	}
	if c.JSON {
		err = errors.Join(err, json.NewEncoder(i.out).Encode(result))
	} else {
		rehearsal.PrintLoad(i.out, result)
	}
	switch {
	case err != nil:
		return err
	case result.Joined < result.Participants:
		return fmt.Errorf("%d of %d participants could not join",
			result.Participants-result.Joined, result.Participants)
	case c.Participants > 1 && result.Packets.Received == 0:
		return errors.New("no packet was received")
	case len(result.Failures) > 0:
		return fmt.Errorf("not every room played to its end: %s",
			strings.Join(slices.Sorted(maps.Keys(result.Failures)), "; "))
	}
	return limits.Check(result)
}

// packets returns the audio that every participant speaks as Opus packets of 20 ms.
func (c loadtestCommand) packets() ([][]byte, error) {
	if c.Audio == "" {
		return opus.SyntheticVoice()
	}
	return opus.FilePackets(c.Audio, 10*time.Minute)
}
