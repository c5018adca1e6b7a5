package main

import (
	"context"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	external "bedside/configs/cluster/services"
	"bedside/signaling/client"
	"bedside/signaling/protocol"
	"bedside/store"
)

// nodes are an api process, which also analyses, and two media processes, over shared services.
type nodes struct {
	t     *testing.T
	env   []string
	api   *process
	media map[string]*process // by the host of their endpoint
	// redis is the Redis server's address; links are the media processes' connections to it
	redis string
	links map[*process]*external.Link
}

func startNodes(t *testing.T) *nodes {
	t.Helper()
	shared, redis := startServices(t), startRedis(t)
	env := append(shared.env(), "REDIS_URL=redis://"+redis.addr,
		"BEDSIDE_AUTH_KEY="+strings.Repeat("k", 64))
	n := &nodes{
		t: t, env: env, media: map[string]*process{}, redis: redis.addr,
		links: map[*process]*external.Link{},
	}
	n.api = serve(t, t.TempDir(), env, "--role", "api,speech")
	for range 2 {
		n.add()
	}
	return n
}

// add starts a media process.
func (n *nodes) add(env ...string) {
	n.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		n.t.Fatal(err)
	}
	link, err := external.OpenLink("tcp", n.redis)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := link.Close(); err != nil {
			n.t.Error(err)
		}
	})
	env = slices.Concat(n.env, []string{
		"BEDSIDE_MEDIA_ENDPOINT=ws://" + host + "/ws", "REDIS_URL=redis://" + link.Address(),
	}, env)
	p := serve(n.t, n.t.TempDir(), env, "--role", "media", "--listen", host)
	n.media[host], n.links[p] = p, link
}

// of returns the media process that a ticket leads to, and the other one's address.
func (n *nodes) of(ticket client.Ticket) (p *process, other string) {
	n.t.Helper()
	for host, q := range n.media {
		if url := "ws://" + host + "/ws"; url == ticket.URL {
			p = q
		} else {
			other = url
		}
	}
	if p == nil {
		n.t.Fatalf("the ticket leads to %s, which is no media process", ticket.URL)
	}
	return p, other
}

func TestTicketsLeadToTheNodeOfTheRoom(t *testing.T) {
	t.Parallel()
	n := startNodes(t)
	p := begin(t, n.api.url)
	tutor := visit(t, n.api.url, "tutor")
	ticket := func() client.Ticket { return p.patientTicket(tutor) }
	first := ticket()
	_, wrong := n.of(first)
	cfg := first.Config()
	cfg.URL = wrong
	if c, err := client.Join(t.Context(), cfg); !client.IsOtherNode(err) {
		if c != nil {
			c.Close()
		}
		t.Errorf("a join at the other node: %v", err)
	}
	cfg = ticket().Config() // the first one is used up
	cfg.URL = wrong
	asked := 0
	cfg.NewTicket = func(context.Context) (client.Ticket, error) {
		asked++
		return ticket(), nil
	}
	c, err := client.Join(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Connected(t.Context()); err != nil || asked != 1 {
		t.Errorf("joined after %d new tickets, %v", asked, err)
	}
	rooms, err := tutor.Rooms(t.Context())
	if err != nil || len(rooms) != 1 || rooms[0].AttemptID != p.attempt.ID || rooms[0].Waiting {
		t.Errorf("the tutors' list: %+v, %v", rooms, err)
	}
	// A second room opens on the other node, which has none.
	second, err := p.candidate.CreateAttempt(t.Context(), p.attempt.Scenario.Slug)
	if err != nil {
		t.Fatal(err)
	}
	other, err := p.candidate.Ticket(t.Context(), second.ID, protocol.RoleCandidate)
	if err != nil {
		t.Fatal(err)
	}
	if other.URL != wrong {
		t.Errorf("the second room opens at %s, like the first", other.URL)
	}
	// The commands need no other address than that of the API.
	r, report := rehearsed(t, time.Minute, "--url", n.api.url, "--audio",
		spoken(t, "en-gb", 6*time.Second), "--partner", spoken(t, "en-us+f3", 4*time.Second))
	checkClean(t, p.candidate, r, report)
}

// A media process is killed, or suspended for so long that another one takes its room. The
// candidate plays on there, and the report counts what was lost meanwhile.
func TestRolePlayGoesOnAtAnotherNode(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{
		"killed": syscall.SIGKILL, "stopped for a while": syscall.SIGSTOP,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNodes(t)
			var p *play
			p = begin(t, n.api.url, func(c *client.Config) {
				c.NewTicket = func(ctx context.Context) (client.Ticket, error) {
					return p.candidate.Ticket(ctx, p.attempt.ID, protocol.RoleCandidate)
				}
			})
			said := spoken(t, "en-gb", 20*time.Second)
			speaking := make(chan error, 1)
			go func() { speaking <- p.speakTo(p.speaker, said) }()
			ticket, err := p.candidate.Ticket(t.Context(), p.attempt.ID, protocol.RoleCandidate)
			if err != nil {
				t.Fatal(err)
			}
			first, _ := n.of(ticket)
			eventually(t, 10*time.Second, "the candidate to have spoken", func() bool {
				return p.speaker.Stats().Sent.Packets > 100
			})
			n.takeFrom(first, signal, p.speaker)
			if err := <-speaking; err != nil {
				t.Fatal(err)
			}
			if err := p.speaker.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := p.report(p.candidate, time.Minute)
			sent, s := int(p.speaker.Stats().Sent.Packets), r.Speakers[0]
			checkCounts(t, s.Frames, sent)
			if s.Frames.Duplicated != 0 || s.Frames.Lost == 0 {
				t.Errorf("the report counts %+v", s.Frames)
			}
			if len(s.Interruptions) == 0 ||
				s.Interruptions[0].Cause != store.CauseServerRestarted {
				t.Errorf("interruptions: %+v", s.Interruptions)
			}
			t.Logf("sent %d, the report counts %+v; interruptions %+v", sent, s.Frames,
				s.Interruptions)
		})
	}
}

// A media process that alone is cut off from Redis keeps its rooms, until somebody joins one at
// another node. It sees that in the database, stops the room, and everybody meets there.
func TestNodeWithoutRedisLosesItsRoom(t *testing.T) {
	t.Parallel()
	n := startNodes(t)
	var p *play
	p = begin(t, n.api.url, func(c *client.Config) {
		c.NewTicket = func(ctx context.Context) (client.Ticket, error) {
			return p.candidate.Ticket(ctx, p.attempt.ID, protocol.RoleCandidate)
		}
	})
	p.speak(p.speaker, spoken(t, "en-gb", 3*time.Second))
	tutor := visit(t, n.api.url, "tutor")
	ticket := func() client.Ticket { return p.patientTicket(tutor) }
	first, other := n.of(ticket())
	n.links[first].Cut()
	eventually(t, 20*time.Second, "a ticket for the other node", func() bool {
		return ticket().URL == other
	})
	first.waitFor("cannot renew the leases", 10*time.Second)
	if s := p.speaker.State(); s.Link != client.LinkConnected || p.speaker.Stats().Rejoins != 0 {
		t.Errorf("the candidate left the room without need: %+v", s)
	}
	patient, err := client.Join(t.Context(), ticket().Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(patient.Close)
	first.waitFor("another node has had the room since", 20*time.Second)
	eventually(t, 20*time.Second, "both to be in one room", func() bool {
		return p.speaker.Stats().Rejoins == 1 && len(p.speaker.State().Peers) == 1
	})
	n.links[first].Restore()
	p.speak(patient, spoken(t, "en-us+f3", 3*time.Second))
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := p.report(p.candidate, time.Minute)
	sent := map[store.Speaker]uint64{
		store.SpeakerCandidate: p.speaker.Stats().Sent.Packets,
		store.SpeakerPatient:   patient.Stats().Sent.Packets,
	}
	for _, s := range r.Speakers {
		checkCounts(t, s.Frames, int(sent[s.Speaker]))
		if s.Frames.Analysed == 0 {
			t.Errorf("nothing of the %s was analysed", s.Speaker)
		}
	}
}

// patientTicket returns a new ticket for the patient's seat.
func (p *play) patientTicket(tutor *client.REST) client.Ticket {
	p.t.Helper()
	ticket, err := tutor.Ticket(p.t.Context(), p.attempt.ID, protocol.RolePatient)
	if err != nil {
		p.t.Fatal(err)
	}
	return ticket
}

// takeFrom sends a signal to a media process and waits until the client is in its room elsewhere.
// A process that was stopped goes on then, and must stop the room.
func (n *nodes) takeFrom(p *process, signal syscall.Signal, c *client.Client) {
	n.t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		n.t.Fatal(err)
	}
	defer p.Process.Signal(syscall.SIGCONT)
	began := time.Now()
	eventually(n.t, 20*time.Second, "the candidate to join the other node", func() bool {
		return c.Stats().Rejoins == 1 && c.State().Link == client.LinkConnected
	})
	n.t.Logf("back after %v", time.Since(began).Round(10*time.Millisecond))
	if signal == syscall.SIGKILL {
		return
	}
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		n.t.Fatal(err)
	}
	p.waitFor("lost a room to another media node", 10*time.Second)
	p.waitFor("another node has this room; it stops here", 10*time.Second)
}
