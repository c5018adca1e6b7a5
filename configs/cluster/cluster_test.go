package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"bedside/configs/cluster"
	"bedside/configs/cluster/faults"
	"bedside/configs/cluster/services"
	"bedside/signaling/client/rehearsal"
)

// fault is something that breaks in a cluster while role plays are live.
type fault struct {
	name   string
	short  bool // part of the short form
	strike func(t *testing.T, c *cluster.Cluster)
	mend   func(t *testing.T, c *cluster.Cluster)
}

// TestCluster breaks a cluster of real processes under live role plays of headless clients, and
// checks that every play gets a report and that no frame is unaccounted for. `make test-cluster`
// runs it; CLUSTER_PLAYS is the number of role plays (5), CLUSTER chooses the short form, which is
// part of CI, or the long one.
func TestCluster(t *testing.T) {
	form, plays := os.Getenv("CLUSTER"), 5
	if form != "short" && form != "long" {
		t.Skip("it is run by make test-cluster")
	}
	if text := os.Getenv("CLUSTER_PLAYS"); text != "" {
		var err error
		if plays, err = strconv.Atoi(text); err != nil || plays < 1 {
			t.Fatalf("CLUSTER_PLAYS: %q is no number above zero", text)
		}
	}
	c := start(t, plays)
	t.Run("pages may connect to the media servers", func(t *testing.T) { checkOrigins(t, c) })
	said := packets(t)
	timing := timing{before: 3 * time.Second, broken: 6 * time.Second, after: 2 * time.Second}
	if form == "long" {
		timing.broken, timing.after = 12*time.Second, 6*time.Second
	}
	var table faults.Table
	for _, f := range allFaults() {
		if form == "short" && !f.short {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			row := faults.Row{Fault: f.name, Faults: 1, Plays: plays, Outcome: "failed"}
			defer func() { table.Add(row) }()
			runPlays(t, c, f, said, timing, &row)
			if t.Failed() {
				row.Outcome = "FAILED: " + row.Outcome
			}
		})
	}
	var out bytes.Buffer
	if err := table.Print(io.MultiWriter(&out, os.Stdout)); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("CLUSTER_OUT"); path != "" {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// start starts a cluster that permits many role plays of one account.
func start(t *testing.T, plays int) *cluster.Cluster {
	t.Helper()
	binary, err := filepath.Abs("../../bin/bedside")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	starting, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c, err := cluster.Start(starting, cluster.Options{
		Dir: dir, Binary: binary,
		// Rooms of earlier plays may be live still.
		Env: append(rehearsal.LoadTest{Rooms: 4 * plays, Participants: 2}.Env(),
			fmt.Sprintf("BEDSIDE_SPEECH_WORKERS=%d", plays),
			"BEDSIDE_LIMITS_READ_PER_ACCOUNT=0", "BEDSIDE_LIMITS_READ_PER_IP=0",
			"BEDSIDE_LIMITS_WRITE_PER_ACCOUNT=0", "BEDSIDE_LIMITS_WRITE_PER_IP=0"),
	})
	if errors.Is(err, services.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Close(closing); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			keepLogs(t, dir)
		}
	})
	return c
}

// keepLogs copies the logs to bin/cluster-logs.
func keepLogs(t *testing.T, dir string) {
	to := "../../bin/cluster-logs"
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Error(err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, path := range logs {
		b, readErr := os.ReadFile(path)
		if err = readErr; err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(path)), b, 0o644)
		}
	}
	if err != nil {
		t.Error(err)
	}
	t.Log("the logs are in bin/cluster-logs")
}

// allFaults lists the faults in the order of the table.
func allFaults() []fault {
	nothing := func(*testing.T, *cluster.Cluster) {}
	restart := func(n func(*cluster.Cluster) starter) func(*testing.T, *cluster.Cluster) {
		return func(t *testing.T, c *cluster.Cluster) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := n(c).Start(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	media := func(c *cluster.Cluster) starter { return c.Media[0] }
	speech := func(c *cluster.Cluster) starter { return c.Speech[0] }
	api := func(c *cluster.Cluster) starter { return c.API[0] }
	nats := func(c *cluster.Cluster) starter { return c.NATS[0] }
	redis := func(c *cluster.Cluster) starter { return c.Redis }
	s3 := func(c *cluster.Cluster) starter { return c.S3 }
	kill := func(n func(*cluster.Cluster) starter) func(*testing.T, *cluster.Cluster) {
		return func(_ *testing.T, c *cluster.Cluster) { n(c).Kill() }
	}
	pause := func(n func(*cluster.Cluster) starter) func(*testing.T, *cluster.Cluster) {
		return func(_ *testing.T, c *cluster.Cluster) { n(c).Pause() }
	}
	resume := func(n func(*cluster.Cluster) starter) func(*testing.T, *cluster.Cluster) {
		return func(_ *testing.T, c *cluster.Cluster) { n(c).Resume() }
	}
	return []fault{
		{"nothing breaks", false, nothing, nothing},
		{"a media server is killed", true, kill(media), restart(media)},
		{"a media server is told to stop now, and its rooms move", true, move, restart(media)},
		{
			"a media server is stopped, and its role plays finish", false,
			func(_ *testing.T, c *cluster.Cluster) { c.Media[0].Signal(syscall.SIGTERM) }, nothing,
		},
		{"a media server is suspended", false, pause(media), resume(media)},
		{
			"a media server is cut from the services", false,
			func(_ *testing.T, c *cluster.Cluster) { c.Media[0].Cut() },
			func(_ *testing.T, c *cluster.Cluster) { c.Media[0].Restore() },
		},
		{"a speech process is killed", false, kill(speech), restart(speech)},
		{"a speech process is suspended", false, pause(speech), resume(speech)},
		{
			"a speech process is cut from the services", false,
			func(_ *testing.T, c *cluster.Cluster) { c.Speech[0].Cut() },
			func(_ *testing.T, c *cluster.Cluster) { c.Speech[0].Restore() },
		},
		{"an api process is killed", false, kill(api), restart(api)},
		{"a NATS server is killed", true, kill(nats), restart(nats)},
		{"Redis is killed and forgets everything", false, kill(redis), restart(redis)},
		{"the S3 server is killed", false, kill(s3), restart(s3)},
		{"PostgreSQL is killed", false, func(t *testing.T, c *cluster.Cluster) {
			if err := c.KillDatabase(); err != nil {
				t.Error(err)
			}
		}, nothing},
	}
}

// move tells a media server to stop and then to stop now, as Ctrl-C twice would.
func move(t *testing.T, c *cluster.Cluster) {
	n := c.Media[0]
	n.Signal(syscall.SIGTERM)
	for n.Ready(t.Context()) == nil { // until it has seen the first signal
		sleep(t, 20*time.Millisecond)
	}
	if !n.Stop(20 * time.Second) {
		t.Error("it had to be killed")
	}
}

// starter is a process of the cluster.
type starter interface {
	Start(context.Context) error
	Kill()
	Pause()
	Resume()
}

// describe returns the outcome of role plays in a few words.
func describe(reports, plays, rejoined int, slowest time.Duration) string {
	text := fmt.Sprintf("%d of %d reports", reports, plays)
	if rejoined > 0 {
		text += fmt.Sprintf("; %d clients joined again, the last after %.1f s", rejoined,
			slowest.Seconds())
	}
	return text
}
