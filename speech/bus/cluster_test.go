package bus

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/configs/cluster/services"
	"bedside/speech/frame"

	"github.com/nats-io/nats.go/jetstream"
)

// alone returns true in a process in which only this test runs. Elsewhere it runs the test in one,
// and returns false when that has ended. The NATS client keeps timers for its next use; one from a
// synctest bubble stops the process when a connection outside of bubbles takes it.
func alone(t *testing.T) bool {
	t.Helper()
	const inside = "BEDSIDE_TEST_ALONE"
	if os.Getenv(inside) == t.Name() {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

// startCluster starts three NATS servers until the test ends.
func startCluster(t *testing.T) []*services.NATS {
	t.Helper()
	servers, err := services.StartNATS(t.Context(), t.TempDir(), 3)
	must(t, err)
	t.Cleanup(func() {
		for _, s := range servers {
			s.Kill()
		}
	})
	return servers
}

// TestProcessesStartAtOnce opens buses on a new cluster at the same time: each creates the
// streams.
func TestProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	cfg := Config{URL: services.NATSURLs(startCluster(t)), Replicas: 3}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			b, err := Open(t.Context(), cfg, quiet(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestClusterLosesNothingWithAServer kills each of the three servers of a NATS cluster in turn
// while somebody speaks: also those that the two processes are connected to, and the leader of the
// log.
func TestClusterLosesNothingWithAServer(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	servers := startCluster(t)
	cfg := Config{URL: services.NATSURLs(servers), Replicas: 3, IdleEnd: time.Minute}
	media, worker := open(t, cfg), open(t, cfg)
	must(t, media.Begin(ctx, "a", time.Now()))
	w := writer(t, media, "a", "candidate")
	c := claim(t, worker)
	heard := received{frames: map[string][]frame.Frame{}}
	var sent []frame.Frame
	speak := func() { // until the worker has heard everything
		sent = append(sent, writeFrames(w, len(sent), len(sent)+100, 0)...)
		for len(heard.frames["candidate"]) < len(sent) {
			d, err := c.Next(ctx)
			must(t, err)
			heard.add(d)
		}
	}
	speak()
	killed := map[string]bool{}
	for range servers {
		// First the server that the media process uses, then any that was not killed yet.
		i := slices.IndexFunc(servers, func(s *services.NATS) bool {
			return !killed[s.Name] && strings.HasSuffix(media.conn.ConnectedUrl(), s.Address)
		})
		if i < 0 {
			i = slices.IndexFunc(servers, func(s *services.NATS) bool { return !killed[s.Name] })
		}
		victim := servers[i]
		killed[victim.Name] = true
		sent = append(sent, writeFrames(w, len(sent), len(sent)+100, 0)...)
		victim.Kill()
		speak()
		for media.Ping(ctx) != nil { // until each stream and the consumer have a leader again
			must(t, ctx.Err())
		}
		must(t, victim.Start(ctx))
	}
	must(t, media.Finish(ctx, "a"))
	rest := receiveAll(t, c)
	equalFrames(t, "all", append(heard.frames["candidate"], rest.frames["candidate"]...), sent)
	must(t, c.Done(ctx))
	for _, stream := range []jetstream.Stream{media.audio, media.queue, media.reports} {
		created := stream.CachedInfo().Created
		info, err := stream.Info(ctx)
		must(t, err)
		if !info.Created.Equal(created) {
			t.Errorf("the stream %s was made again", info.Config.Name)
		}
	}
	if lost := count(t, media.metrics.dropped); lost > 0 {
		t.Errorf("%v frames were dropped", lost)
	}
}
