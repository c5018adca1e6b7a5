// Package cluster runs a whole Bedside cluster on this machine: two processes of each role, a NATS
// cluster of three, Redis, PostgreSQL and an S3 server, all real programs, on loopback. It is for
// trying a cluster out and for tests that break parts of it; TOPOLOGY.md describes a real one.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"bedside/configs/cluster/services"
	"bedside/store/postgres/embedded"
)

// Options configures a Cluster.
type Options struct {
	Dir    string   // all files and logs; it must exist
	Binary string   // the bedside program
	Env    []string // settings of every process, in addition to those of the cluster
}

// each is how many processes of each role there are.
const each = 2

const (
	drainPause = time.Second      // between the two signals of Close
	stopLimit  = 20 * time.Second // for a process to end after the second
)

// Cluster is a running cluster. The caller of Start closes it. Its processes may be killed and
// started again meanwhile.
type Cluster struct {
	API, Media, Speech []*Node
	NATS               []*services.NATS
	Redis              *services.Redis
	S3                 *services.S3
	Balancer           *Balancer // in front of the api processes

	database *embedded.Cluster
	log      *slog.Logger
}

// Start starts everything and waits until each part is ready. When a part fails it stops the
// others.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	log, err := os.OpenFile(filepath.Join(o.Dir, "postgres.log"),
		os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	c := &Cluster{log: slog.New(slog.NewTextHandler(log, nil))}
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, o Options) (err error) {
	if c.NATS, err = services.StartNATS(ctx, o.Dir, 3); err != nil {
		return err
	}
	if c.Redis, err = services.StartRedis(ctx, o.Dir); err != nil {
		return err
	}
	if c.S3, err = services.StartS3(ctx, o.Dir); err != nil {
		return err
	}
	c.database, err = embedded.Start(ctx,
		embedded.Config{Dir: filepath.Join(o.Dir, "postgres"), MaxConns: 100}, c.log)
	if err != nil {
		return err
	}
	if c.Balancer, err = openBalancer(); err != nil {
		return err
	}
	shared := append([]string{
		"BEDSIDE_AUTH_KEY=" + rand.Text() + rand.Text(), "BEDSIDE_NATS_REPLICAS=3",
		"BEDSIDE_PUBLIC_URL=" + c.Balancer.URL(), "BEDSIDE_PROXIES=127.0.0.1",
		"BEDSIDE_DEMO=true", "BEDSIDE_LOG_LEVEL=debug",
	}, o.Env...)
	for _, role := range []struct {
		name  string
		nodes *[]*Node
	}{{"api", &c.API}, {"media", &c.Media}, {"speech", &c.Speech}} {
		for i := range each {
			n, err := c.newNode(o, role.name, i+1, shared)
			if err != nil {
				return err
			}
			*role.nodes = append(*role.nodes, n)
			// All start at the same time, on an empty database: one of them migrates it.
			if err := n.Launch(); err != nil {
				return err
			}
		}
	}
	for _, n := range c.Nodes() {
		if err := n.Wait(ctx); err != nil {
			return err
		}
	}
	c.Balancer.serve(c.API)
	return nil
}

// Nodes returns the Bedside processes.
func (c *Cluster) Nodes() []*Node {
	var all []*Node
	for _, nodes := range [][]*Node{c.API, c.Media, c.Speech} {
		all = append(all, nodes...)
	}
	return all
}

// URL returns the address that users open: that of the balancer.
func (c *Cluster) URL() string { return c.Balancer.URL() }

// KillDatabase kills PostgreSQL as a power cut would. Its supervisor starts it again.
func (c *Cluster) KillDatabase() error {
	p, err := os.FindProcess(c.database.PID())
	if err != nil {
		return err
	}
	return p.Kill()
}

// Close stops every process, those of Bedside first. It returns an error when one of those did not
// end by itself.
func (c *Cluster) Close(ctx context.Context) error {
	var errs []error
	if c.Balancer != nil {
		errs = append(errs, c.Balancer.close())
	}
	stopped := make(chan error)
	nodes := c.Nodes()
	for _, n := range nodes {
		n.Restore()
		go func() {
			// The first signal lets live role plays finish, the second ends them.
			if n.Terminate(drainPause) || n.Stop(stopLimit) {
				stopped <- nil
			} else {
				stopped <- fmt.Errorf("%s had to be killed", n.Name)
			}
		}()
	}
	for range nodes {
		errs = append(errs, <-stopped)
	}
	for _, n := range nodes {
		errs = append(errs, n.closeLinks())
	}
	for _, s := range c.services() {
		s.Resume()
		s.Kill() // nothing that they keep is needed
	}
	if c.database != nil {
		errs = append(errs, c.database.Close(ctx))
	}
	return errors.Join(errs...)
}

// services returns the other processes, except PostgreSQL.
func (c *Cluster) services() []*services.Service {
	var all []*services.Service
	for _, n := range c.NATS {
		all = append(all, &n.Service)
	}
	if c.Redis != nil {
		all = append(all, &c.Redis.Service)
	}
	if c.S3 != nil {
		all = append(all, &c.S3.Service)
	}
	return all
}
