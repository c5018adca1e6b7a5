package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"bedside/configs/cluster/faults"
	"bedside/signaling/protocol"
)

// mediaCluster is an api process, which also analyses, and media processes that can be replaced.
type mediaCluster struct {
	t     *testing.T
	env   []string
	api   *process
	media map[string]*process // by the host of their endpoint
}

func startMediaCluster(t *testing.T, nodes int) *mediaCluster {
	t.Helper()
	shared, redis := startServices(t), startRedis(t)
	c := &mediaCluster{t: t, media: map[string]*process{}, env: append(shared.env(),
		"REDIS_URL=redis://"+redis.addr, "BEDSIDE_AUTH_KEY="+strings.Repeat("k", 64))}
	c.api = serve(t, t.TempDir(), c.env, "--role", "api,speech")
	for range nodes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		host := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		c.startMedia(host)
	}
	return c
}

// startMedia starts the media process of an address.
func (c *mediaCluster) startMedia(host string) {
	c.t.Helper()
	env := append(c.env[:len(c.env):len(c.env)], "BEDSIDE_MEDIA_ENDPOINT=ws://"+host+"/ws")
	c.media[host] = serve(c.t, c.t.TempDir(), env, "--role", "media", "--listen", host)
}

// holder returns the address of the media process that has the room of a play.
func (c *mediaCluster) holder(p *duo) string {
	c.t.Helper()
	ticket, err := p.candidate.Ticket(c.t.Context(), p.attempt.ID, protocol.RoleCandidate)
	if err != nil {
		c.t.Fatal(err)
	}
	for host := range c.media {
		if ticket.URL == "ws://"+host+"/ws" {
			return host
		}
	}
	c.t.Fatalf("the ticket leads to %s, which is no media process", ticket.URL)
	return ""
}

// nodeDeaths kills the media process that holds a room; its role plays go on at the other one.
func (s *faultSuite) nodeDeaths(t *testing.T, row *faults.Row) {
	s.nodesAway(t, row, (*process).kill)
}

// nodeDrains stops media processes while role plays run there, which move to the other one.
func (s *faultSuite) nodeDrains(t *testing.T, row *faults.Row) {
	s.nodesAway(t, row, func(p *process) {
		p.terminate()
		if code := p.wait(time.Minute); code != exitDone {
			t.Errorf("a media process that was stopped: exit code %d", code)
		}
	})
}

// nodesAway lets media processes go away in some way, one after the other. Each comes back when
// its role plays go on elsewhere.
func (s *faultSuite) nodesAway(t *testing.T, row *faults.Row, away func(*process)) {
	c := startMediaCluster(t, 2)
	v := visitBoth(t, c.api.url)
	plays := []*duo{s.rolePlay(t, v), s.rolePlay(t, v)}
	row.Plays, row.Faults = len(plays), s.pick(2, 6)
	random := rand.New(rand.NewPCG(s.seed, 100))
	longest := time.Duration(0)
	for n := range row.Faults {
		after(t, time.Second+time.Duration(random.Int64N(int64(2*time.Second))))
		host := c.holder(plays[n%len(plays)])
		began := time.Now()
		away(c.media[host])
		for _, p := range plays {
			p.together(1, time.Minute)
		}
		longest = max(longest, time.Since(began))
		c.startMedia(host)
	}
	rejoins := 0
	for _, p := range plays {
		_, frames := p.finish(time.Minute)
		row.Frames = row.Frames.Plus(frames)
		for _, person := range p.people {
			rejoins += person.Stats().Rejoins
		}
	}
	row.Outcome = fmt.Sprintf("every play reported, %d rejoins, all there again after %.1f s at most",
		rejoins, longest.Seconds())
}
