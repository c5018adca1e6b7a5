package cluster_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bedside/configs/cluster"
	"bedside/configs/cluster/faults"
	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/signaling/protocol"
	"bedside/speech/opus"
	"bedside/store"
	"bedside/store/postgres"
)

// timing is how long the clients speak before a fault, until it is mended, and after that.
type timing struct{ before, broken, after time.Duration }

const (
	joinLimit   = time.Minute
	reportLimit = 2 * time.Minute
)

// packets returns some seconds of speech as Opus packets of 20 ms.
func packets(t *testing.T) [][]byte {
	t.Helper()
	dir := t.TempDir()
	said, wav := filepath.Join(dir, "said.wav"), filepath.Join(dir, "speech.wav")
	for _, command := range [][]string{
		{"espeak-ng", "-s", "150", "-w", said, "Could you tell me what has been worrying you " +
			"since you came home? I understand. That must have been frightening for you."},
		{"sox", said, "-r", "48000", "-c", "1", "-b", "16", wav},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s(run make setup-test)", command, err, out)
		}
	}
	f, err := opus.OpenFile(wav)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all [][]byte
	for {
		p, _, _, err := f.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, append([]byte(nil), p...))
	}
}

// loop is packets of 20 ms, again and again, until the context ends. It belongs to one speaker.
type loop struct {
	ctx     context.Context
	packets [][]byte
	next    int
}

func (l *loop) Next() (packet []byte, samples48k int, level uint8, err error) {
	if l.ctx.Err() != nil {
		return nil, 0, 0, io.EOF
	}
	p := l.packets[l.next%len(l.packets)]
	l.next++
	return p, 960, 20, nil
}

// play is a role play of one headless candidate.
type play struct {
	rest    *client.REST
	id      string
	speaker *client.Client

	mu        sync.Mutex
	connected time.Time // when the client was last connected again; guarded by mu
}

// runPlays plays role plays, breaks the cluster in their middle, and fills in the row.
func runPlays(t *testing.T, c *cluster.Cluster, f fault, said [][]byte, pace timing,
	row *faults.Row) {
	all := begin(t, c, row.Plays)
	speaking, stop := context.WithCancel(t.Context())
	defer stop()
	var speakers sync.WaitGroup
	for i, p := range all {
		speakers.Go(func() {
			err := p.speaker.Speak(t.Context(), &loop{ctx: speaking, packets: said, next: i * 7})
			if err != nil {
				t.Errorf("%s: speaking: %v", p.id, err)
			}
		})
	}
	sleep(t, pace.before)
	struck := time.Now()
	f.strike(t, c)
	sleep(t, pace.broken-time.Since(struck))
	f.mend(t, c)
	sleep(t, pace.after)
	stop()
	speakers.Wait()

	var mu sync.Mutex
	var waiting sync.WaitGroup
	reports, rejoined, slowest := 0, 0, time.Duration(0)
	for _, p := range all {
		waiting.Go(func() {
			frames, err := p.finish(t.Context())
			mu.Lock()
			defer mu.Unlock()
			row.Frames = row.Frames.Plus(frames)
			if err == nil {
				err = frames.Check()
				reports++
			}
			if err != nil {
				t.Errorf("%s: %v", p.id, err)
			}
			if after := p.connectedAgain().Sub(struck); after > 0 {
				rejoined, slowest = rejoined+1, max(slowest, after)
			}
		})
	}
	waiting.Wait()
	for _, p := range all {
		p.speaker.Close()
	}
	row.Outcome = describe(reports, row.Plays, rejoined, slowest)
	ready(t, c)
	for _, n := range c.API {
		recorded(t, n.URL, all[0].id)
	}
}

// recorded waits until an api process serves the recording of a play, which follows the report
// when the S3 server was away.
func recorded(t *testing.T, url, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reportLimit)
	defer cancel()
	rest := signIn(t, url)
	for {
		n, err := rest.Audio(ctx, id, "candidate", io.Discard)
		if err == nil && n > 0 {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("%s serves %d bytes of the recording of %s: %v", url, n, id, err)
			return
		}
		sleep(t, 200*time.Millisecond)
	}
}

// signIn signs the demo candidate in until the test ends.
func signIn(t *testing.T, url string) *client.REST {
	t.Helper()
	rest, err := client.NewREST(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	account := rehearsal.Demo("candidate", "", "", postgres.DemoPassword)
	if _, err := rest.SignIn(t.Context(), account.Email, account.Password); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rest.SignOut(context.WithoutCancel(t.Context())); err != nil {
			t.Log("signing out:", err)
		}
	})
	return rest
}

// begin joins role plays of the demo candidate and starts them.
func begin(t *testing.T, c *cluster.Cluster, plays int) []*play {
	t.Helper()
	rest := signIn(t, c.URL())
	scenarios, err := rest.Scenarios(t.Context())
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("%d scenarios, %v", len(scenarios), err)
	}
	all := make([]*play, plays)
	var joining sync.WaitGroup
	for i := range all {
		all[i] = &play{rest: rest}
		joining.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), joinLimit)
			defer cancel()
			if err := all[i].join(ctx, scenarios[i%len(scenarios)].Slug); err != nil {
				t.Errorf("play %d: %v", i, err)
				return
			}
			t.Cleanup(all[i].speaker.Close)
		})
	}
	joining.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func (p *play) join(ctx context.Context, slug string) error {
	attempt, err := p.rest.CreateAttempt(ctx, slug)
	if err != nil {
		return err
	}
	p.id = attempt.ID
	newTicket := func(ctx context.Context) (client.Ticket, error) {
		return p.rest.Ticket(ctx, p.id, protocol.RoleCandidate)
	}
	ticket, err := newTicket(ctx)
	if err != nil {
		return err
	}
	cfg := ticket.Config()
	cfg.NewTicket = newTicket
	cfg.OnLink = func(l client.Link) {
		if l == client.LinkConnected {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.connected = time.Now()
		}
	}
	if p.speaker, err = client.Join(ctx, cfg); err != nil {
		return err
	}
	return p.speaker.Start(ctx)
}

func (p *play) connectedAgain() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connected
}

// finish ends the play, waits for the report and returns what became of the frames.
func (p *play) finish(ctx context.Context) (f faults.Frames, err error) {
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	if err := p.speaker.Finish(ctx); err != nil {
		return f, err
	}
	f.Sent = int(p.speaker.Stats().Sent.Packets)
	body, err := p.rest.WaitReport(ctx, p.id, p.speaker.Reported())
	if err != nil {
		return f, err
	}
	r, err := store.ParseReport(body)
	if err != nil {
		return f, err
	}
	for _, s := range r.Speakers {
		f.Analysed += s.Frames.Analysed
		f.Concealed += s.Frames.Concealed
		f.Lost += s.Frames.Lost
	}
	return f, nil
}

// ready waits until every process is ready again. It starts one that has ended because it was told
// to.
func ready(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	for _, n := range c.Nodes() {
		err := n.Wait(ctx)
		select {
		case <-n.Done():
			err = n.Start(ctx)
		default:
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// sleep waits in real time: the processes of the cluster have no other.
func sleep(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
