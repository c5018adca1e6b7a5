package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bedside/configs"
	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/signaling/protocol"
	"bedside/store"
)

// terminate sends SIGTERM.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

func TestTerminatedServerFinishesItsRolePlays(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := serve(t, data, []string{"BEDSIDE_MEDIA_DRAIN=1m"})
	p := begin(t, server.url)
	p.speak(p.speaker, spoken(t, "en-gb", 2*time.Second))
	server.terminate()
	eventually(t, 5*time.Second, "the server not to be ready", func() bool {
		code, body := get(t, server.url+"/health/ready")
		return code == 503 && strings.Contains(body, `"status":"draining"`)
	})
	server.waitFor("1 role play is live; waiting for it up to 1 min; press Ctrl-C again",
		5*time.Second)
	if code, body := get(t, server.url+"/health"); code != 200 {
		t.Errorf("/health of a server that drains: %d %s", code, body)
	}
	other := &play{t: t, candidate: p.candidate}
	scenarios, err := p.candidate.Scenarios(t.Context()) // REST goes on
	if err != nil {
		t.Fatal(err)
	}
	if other.attempt, err = p.candidate.CreateAttempt(t.Context(), scenarios[0].Slug); err != nil {
		t.Fatal(err)
	}
	if err := other.refused(p.candidate); err != nil {
		t.Errorf("a new role play: %v", err)
	}
	p.speaker.Close() // the page is loaded again
	p.speaker = p.join(p.candidate, protocol.RoleCandidate)
	if err := p.speaker.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.speak(p.speaker, spoken(t, "en-gb", 2*time.Second))
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-p.speaker.Reported()
	if _, err := p.candidate.WaitReport(t.Context(), p.attempt.ID, nil); err != nil {
		t.Errorf("the report, before the server stops: %v", err)
	}
	if code := server.wait(30 * time.Second); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, tail(server.text(), 5000))
	}
	if st := p.speaker.State(); st.Phase.Reason != protocol.ReasonFinished || st.Report == nil {
		t.Errorf("the play ended with %+v, report %+v", st.Phase, st.Report)
	}
	again := serve(t, data, nil)
	r := p.report(visit(t, again.url, "candidate"), time.Minute)
	if r.DurationS < 4 {
		t.Errorf("of 4 s of speech %v s were reported", r.DurationS)
	}
}

// refused returns an error unless the server refuses a join because it opens no rooms any more.
func (p *play) refused(rest *client.REST) error {
	ticket, err := rest.Ticket(p.t.Context(), p.attempt.ID, protocol.RoleCandidate)
	if err == nil {
		var c *client.Client
		if c, err = client.Join(p.t.Context(), ticket.Config()); err == nil {
			c.Close()
			return errors.New("it was not refused")
		}
	}
	var refusal *client.Refusal
	var problem *client.Problem
	if errors.As(err, &refusal) && refusal.Code == protocol.CodeOtherNode ||
		errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable {
		return nil
	}
	return err
}

func TestIdleServerStopsAtOnce(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), []string{"BEDSIDE_MEDIA_DRAIN=1h"})
	server.terminate()
	if code := server.wait(30 * time.Second); code != exitDone ||
		strings.Contains(server.text(), "waiting") {
		t.Errorf("exit code %d:\n%s", code, tail(server.text(), 5000))
	}
}

// An api process without role plays goes on for a while after it has turned readiness off, so that
// load balancers see that; one that serves its pages alone does not.
func TestAPIProcessAnswersWhileItDrains(t *testing.T) {
	for name, c := range map[string]struct {
		role              string
		limit             time.Duration
		again, inputEnded bool
		want              time.Duration
	}{
		"api":           {role: "api", limit: time.Hour, want: 3 * time.Second},
		"api and media": {role: "api,media", limit: time.Hour, want: 3 * time.Second},
		"all":           {role: "all", limit: time.Hour},
		"media":         {role: "media", limit: time.Hour},
		"speech":        {role: "speech", limit: time.Hour},
		"without drain": {role: "api"},
		"short drain":   {role: "api", limit: time.Second, want: time.Second},
		"second signal": {role: "api", limit: time.Hour, again: true},
		"end of input":  {role: "api", limit: time.Hour, inputEnded: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := configs.Config{Role: c.role}
				cfg.Signaling.Drain = c.limit
				again, inputEnded := make(chan struct{}), make(chan struct{})
				if c.again {
					close(again)
				}
				if c.inputEnded {
					close(inputEnded)
				}
				began := time.Now()
				i := &invocation{out: io.Discard, again: again}
				if err := drain(&App{}, cfg, i, inputEnded); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != c.want {
					t.Errorf("it answered for %v, want %v", took, c.want)
				}
			})
		})
	}
}

// rehearsalResult is what `bedside rehearse --json` prints.
type rehearsalResult struct {
	rehearsal.Result
	Report store.Report `json:"report"`
}

// resultOf reads the result from a rehearsal's output.
func resultOf(t *testing.T, p *process) (r rehearsalResult) {
	t.Helper()
	out := p.text()
	printed := out[max(strings.LastIndex(out, "\n{"), 0):]
	if err := json.NewDecoder(strings.NewReader(printed)).Decode(&r); err != nil {
		t.Fatalf("%v: %s", err, tail(printed, 2000))
	}
	return r
}

// A second signal moves the role play to the server that is started next. Nobody does anything
// for it, and every frame is accounted for.
func TestSecondSignalMovesRolePlaysToTheNextServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := serve(t, data, []string{"BEDSIDE_MEDIA_DRAIN=10m"})
	rehearsal := start(t, nil, "rehearse", "--json", "--url", server.url,
		"--audio", spoken(t, "en-gb", 40*time.Second),
		"--partner", spoken(t, "en-us+f3", 35*time.Second))
	eventually(t, 30*time.Second, "the candidate to speak for a while", func() bool {
		return strings.Contains(rehearsal.text(), "frames sent")
	})
	server.terminate()
	server.waitFor("1 role play is live", 10*time.Second)
	server.terminate()
	if code := server.wait(30 * time.Second); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, tail(server.text(), 5000))
	}
	again := serve(t, data, nil, "--listen", strings.TrimPrefix(server.url, "http://"))
	if code := rehearsal.wait(2 * time.Minute); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	r := resultOf(t, rehearsal)
	if r.Ended != protocol.ReasonFinished || len(r.Report.Speakers) != 2 {
		t.Fatalf("ended with %s, %d speakers", r.Ended, len(r.Report.Speakers))
	}
	for _, s := range r.Report.Speakers {
		stats := r.Participants[string(s.Speaker)]
		f := s.Frames
		if stats.Rejoins != 1 || stats.Resumes != 0 {
			t.Errorf("%s joined again %d times and resumed %d times", s.Speaker, stats.Rejoins,
				stats.Resumes)
		}
		checkCounts(t, f, int(stats.Sent.Packets))
		if len(s.Interruptions) == 0 || s.Interruptions[0].Cause != store.CauseServerRestarted ||
			slices.ContainsFunc(s.Interruptions[1:], func(i store.Interruption) bool {
				return i.Cause != store.CauseClockStopped // until the other is back as well
			}) {
			t.Errorf("%s: interruptions %+v", s.Speaker, s.Interruptions)
		}
		t.Logf("%s: %+v, interruptions %+v", s.Speaker, f, s.Interruptions)
	}
	if !strings.Contains(again.text(), "listening") {
		t.Error("the next server did not start")
	}
}

// A role play moves from a media process that is stopped to another one, and from that one, which
// is killed, to a third. Nobody does anything for it.
func TestRolePlayMovesBetweenNodes(t *testing.T) {
	t.Parallel()
	n := startNodes(t)
	var p *play
	p = begin(t, n.api.url, func(c *client.Config) {
		c.NewTicket = func(ctx context.Context) (client.Ticket, error) {
			return p.candidate.Tickets(p.attempt.ID, protocol.RoleCandidate)(ctx)
		}
	})
	node := func() *process {
		t.Helper()
		ticket, err := p.candidate.Ticket(t.Context(), p.attempt.ID, protocol.RoleCandidate)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := n.of(ticket)
		return q
	}
	said := spoken(t, "en-gb", 25*time.Second)
	speaking := make(chan error, 1)
	go func() { speaking <- p.speakTo(p.speaker, said) }()
	back := func(rejoins int) time.Duration {
		t.Helper()
		began := time.Now()
		eventually(t, 20*time.Second, "the candidate to join the other node", func() bool {
			return p.speaker.Stats().Rejoins == rejoins &&
				p.speaker.State().Link == client.LinkConnected
		})
		return time.Since(began)
	}
	spokenFor := func(packets uint64) {
		t.Helper()
		before := p.speaker.Stats().Sent.Packets
		eventually(t, 20*time.Second, "the candidate to have spoken", func() bool {
			return p.speaker.Stats().Sent.Packets > before+packets
		})
	}
	spokenFor(150)
	first, left := node(), p.speaker.State().Phase
	first.terminate() // BEDSIDE_MEDIA_DRAIN=0s: like a second signal
	moved := back(1)
	if code := first.wait(20 * time.Second); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	second := node()
	if now := p.speaker.State().Phase; first == second ||
		left.RemainingMS-now.RemainingMS > 10_000 {
		t.Errorf("the phase was %+v and is %+v", left, now)
	}
	n.add()
	spokenFor(150)
	second.kill()
	killed := back(2)
	spokenFor(100)
	if third := node(); third == first || third == second {
		t.Error("the third node is the first or the second")
	}
	if err := <-speaking; err != nil {
		t.Fatal(err)
	}
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := p.report(p.candidate, time.Minute)
	sent, s := int(p.speaker.Stats().Sent.Packets), r.Speakers[0]
	checkCounts(t, s.Frames, sent)
	// The move may be too short to be an interruption; the kill is not.
	if !slices.ContainsFunc(s.Interruptions, func(i store.Interruption) bool {
		return i.Cause == store.CauseServerRestarted
	}) {
		t.Errorf("interruptions %+v", s.Interruptions)
	}
	t.Logf("back %v after the stop and %v after the kill; %+v, interruptions %+v", moved, killed,
		s.Frames, s.Interruptions)
}

// The program that has started the server is gone: nobody waits for role plays.
func TestServerStopsAtTheEndOfItsInput(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), []string{"BEDSIDE_MEDIA_DRAIN=1h"}, "--with-stdin")
	p := begin(t, server.url)
	if err := server.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if code := server.wait(30 * time.Second); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, tail(server.text(), 5000))
	}
	if st := p.speaker.State(); st.Phase.Reason != protocol.ReasonMoving {
		t.Errorf("the room was left with %+v", st.Phase)
	}
}
