// Package embedded runs a private PostgreSQL cluster as a child process: its files live in one
// folder, it listens on a Unix socket only that its owner can reach, and it ends with this
// process, however that one ends.
//
// PostgreSQL refuses to run as root, so that under root the child runs as the folder's owner or
// as the account "postgres". When that account cannot walk to the folder (below /root, say), or
// when the path is too long for a Unix socket, the child is handed the open folder and goes by
// /proc/self/fd instead: neither needs the path.
//
// The caller holds a lock on the folder: two supervisors of one cluster would take each other's
// server for theirs.
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Config says where the cluster lives.
type Config struct {
	Dir      string // made when missing; holds the cluster and nothing else
	Binaries string // folder with postgres and initdb; empty: the newest that is installed
	MaxConns int    // 40 when zero
}

const (
	database = "bedside" // also the superuser's name
	dataName = "data"    // the cluster, below Config.Dir
	runName  = "run"     // the socket's folder, below Config.Dir
)

// Cluster is a running server and its supervisor, which starts it again when it crashes. Whoever
// started it closes it.
type Cluster struct {
	cfg    Config
	bin    Binaries
	place  *place
	log    *slog.Logger
	child  atomic.Pointer[os.Process] // the running postmaster; nil between two
	stop   chan struct{}              // closed by Close
	ended  chan struct{}              // closed by the supervisor when the last child is gone
	closed atomic.Bool
}

// Start makes the cluster if it is not there yet, starts it and waits until it takes connections.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Cluster, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	cfg.Dir = dir
	cfg.MaxConns = cmp.Or(cfg.MaxConns, 40)
	p, err := newPlace(dir)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	c := &Cluster{
		cfg: cfg, place: p, log: log, stop: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("private PostgreSQL in %s: %w", dir, err), p.close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if c.bin, err = c.binaries(); err != nil {
		return err
	}
	if err := c.initialise(ctx); err != nil {
		return err
	}
	first := make(chan error, 1)
	go c.supervise(first)
	select {
	case err = <-first:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil {
		err = c.createDatabase(ctx)
	}
	if err != nil {
		return errors.Join(err, c.stopChild(context.WithoutCancel(ctx)))
	}
	return nil
}

// binaries picks the newest PostgreSQL, or the one that an existing cluster was made by.
func (c *Cluster) binaries() (Binaries, error) {
	version, err := os.ReadFile(filepath.Join(c.cfg.Dir, dataName, "PG_VERSION"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Binaries{}, err
	}
	return find(c.cfg.Binaries, majorOf(string(version)))
}

// URL is the address for pgx.
func (c *Cluster) URL() string { return c.url(database) }

func (c *Cluster) url(db string) string {
	return fmt.Sprintf("host='%s' port=%s user=%s dbname=%s sslmode=disable",
		quoted(c.place.dial()), port, database, db)
}

// PID is the running server's process id, 0 while there is none.
func (c *Cluster) PID() int {
	if p := c.child.Load(); p != nil {
		return p.Pid
	}
	return 0
}

// Version is the server's major version.
func (c *Cluster) Version() int { return c.bin.Major }

// Close stops the server: its connections are cut, its files left clean. When ctx ends first the
// server is made to stop at once.
func (c *Cluster) Close(ctx context.Context) error {
	return errors.Join(c.stopChild(ctx), c.place.close())
}

func (c *Cluster) stopChild(ctx context.Context) error {
	if !c.closed.Swap(true) {
		close(c.stop)
	}
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
	}
	c.signal(immediate)
	select {
	case <-c.ended:
		return nil
	case <-time.After(5 * time.Second):
		c.signal(os.Kill)
		<-c.ended
		return fmt.Errorf("PostgreSQL had to be killed: %w", context.Cause(ctx))
	}
}
