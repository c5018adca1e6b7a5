package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"bedside/configs/cluster/faults"
	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/signaling/protocol"
	"bedside/store"
)

// duo is a role play in which a candidate and a tutor speak without end, and join again by
// themselves.
type duo struct {
	*play
	people   map[store.Speaker]*client.Client
	hush     context.CancelFunc // ends what they say
	speaking sync.WaitGroup
	failed   chan error // of a speaker
}

// visitors are the two accounts of a server's role plays.
type visitors struct{ candidate, tutor *client.REST }

func visitBoth(t *testing.T, url string) visitors {
	t.Helper()
	return visitors{visit(t, url, "candidate"), visit(t, url, "tutor")}
}

// rolePlay starts a role play. Both speak until finish.
func (s *faultSuite) rolePlay(t *testing.T, v visitors) *duo {
	t.Helper()
	d := &duo{
		play: &play{t: t, candidate: v.candidate}, people: map[store.Speaker]*client.Client{},
		failed: make(chan error, 2),
	}
	scenarios, err := v.candidate.Scenarios(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d.attempt, err = v.candidate.CreateAttempt(t.Context(), scenarios[0].Slug); err != nil {
		t.Fatal(err)
	}
	d.people[store.SpeakerCandidate] = d.seat(v.candidate, protocol.RoleCandidate)
	d.people[store.SpeakerPatient] = d.seat(v.tutor, protocol.RolePatient)
	d.speaker = d.people[store.SpeakerCandidate]
	if err := d.speaker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, hush := context.WithCancel(t.Context())
	d.hush = hush
	for who, c := range d.people {
		d.speaking.Go(func() {
			for ctx.Err() == nil {
				err := rehearsal.Speak(ctx, c, openAudio, s.said[who])
				if err != nil && ctx.Err() == nil {
					d.failed <- fmt.Errorf("%s: %w", who, err)
					return
				}
			}
		})
	}
	t.Cleanup(func() { hush(); d.speaking.Wait() })
	return d
}

// seat joins a client that joins again with new tickets.
func (d *duo) seat(rest *client.REST, role protocol.Role) *client.Client {
	d.t.Helper()
	c := d.join(rest, role, func(cfg *client.Config) {
		cfg.NewTicket = func(ctx context.Context) (client.Ticket, error) {
			return rest.Ticket(ctx, d.attempt.ID, role)
		}
	})
	if err := c.Connected(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return c
}

// together waits until both are connected and have sent so many frames more.
func (d *duo) together(frames int, limit time.Duration) {
	d.t.Helper()
	for who, c := range d.people {
		sent := -1
		eventually(d.t, limit, fmt.Sprintf("the %s to speak", who), func() bool {
			d.check()
			now := int(c.Stats().Sent.Packets)
			switch {
			case c.State().Link != client.LinkConnected:
				sent = -1
			case sent < 0:
				sent = now
			}
			return sent >= 0 && now-sent >= frames
		})
	}
}

// check fails the test when a speaker could not go on.
func (d *duo) check() {
	d.t.Helper()
	select {
	case err := <-d.failed:
		d.t.Fatalf("attempt %s: %v", d.attempt.ID, err)
	default:
	}
}

// finish lets both speak for a second more, ends the play, and returns the report and what became
// of the frames that both have sent.
func (d *duo) finish(limit time.Duration) (store.Report, faults.Frames) {
	d.t.Helper()
	d.together(50, limit)
	d.hush()
	d.speaking.Wait()
	d.check()
	if err := d.speaker.Finish(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	r := d.report(d.candidate, limit)
	return r, d.frames(r)
}

// frames compares what each client has sent with what the report counts.
func (d *duo) frames(r store.Report) (total faults.Frames) {
	d.t.Helper()
	if len(r.Speakers) != len(d.people) {
		d.t.Errorf("attempt %s: the report has %d speakers", d.attempt.ID, len(r.Speakers))
	}
	for _, s := range r.Speakers {
		sent := 0
		for _, stream := range d.people[s.Speaker].SentStreams() {
			sent += stream.Packets
		}
		f := faults.Frames{
			Sent: sent, Analysed: s.Frames.Analysed, Concealed: s.Frames.Concealed,
			Lost: s.Frames.Lost,
		}
		if err := f.Check(); err != nil || s.Frames.Sent != sent {
			d.t.Errorf("attempt %s, %s: %v; the client sent %d; the report counts %+v",
				d.attempt.ID, s.Speaker, err, sent, s.Frames)
		}
		total = total.Plus(f)
	}
	return total
}
