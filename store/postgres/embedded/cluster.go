// Package embedded runs a private PostgreSQL server as a child process. A cluster is PostgreSQL's
// word for the data of one server. Its files are in one folder. The server listens only on a Unix
// socket that only its owner can use. It stops when this process ends, even after a crash.
//
// PostgreSQL refuses to run as root. When this process is root, the server runs as the owner of
// the folder or as the account "postgres". When that account may not enter the folder's path (for
// example, below /root), or the path is too long for a Unix socket, the child receives the folder
// as an open file and uses it through /proc/self/fd, which needs no path.
//
// The caller must hold a lock on the folder. Two supervisors of one cluster would stop each
// other's server.
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

// Config says where the cluster is.
type Config struct {
	Dir      string // created when missing; contains only the cluster
	Binaries string // folder with postgres and initdb; empty: the newest installed version
	MaxConns int    // 40 when zero
}

const (
	database = "bedside" // also the superuser's name
	dataName = "data"    // the cluster, below Config.Dir
	runName  = "run"     // the folder of the socket, below Config.Dir
)

// Cluster is a running server with its supervisor, which restarts it when it crashes. It is safe
// for concurrent use. The caller of Start closes it.
type Cluster struct {
	cfg    Config
	bin    Binaries
	place  *place
	log    *slog.Logger
	child  atomic.Pointer[os.Process] // the server process; nil while none is running
	stop   chan struct{}              // closed by Close
	ended  chan struct{}              // closed by the supervisor when it returns
	closed atomic.Bool
}

// Start creates the cluster if it does not exist, starts the server and waits until it accepts
// connections. It returns ErrMissing when PostgreSQL is not installed. Cancel ctx to give up.
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

// binaries returns the newest PostgreSQL or, for an existing cluster, the version that made it.
func (c *Cluster) binaries() (Binaries, error) {
	version, err := os.ReadFile(filepath.Join(c.cfg.Dir, dataName, "PG_VERSION"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Binaries{}, err
	}
	return find(c.cfg.Binaries, majorOf(string(version)))
}

// URL returns the address for pgx.
func (c *Cluster) URL() string { return c.url(database) }

func (c *Cluster) url(db string) string { return urlOf(c.place, db) }

// urlOf returns the address of a database of the cluster in a place.
func urlOf(p *place, db string) string {
	return fmt.Sprintf("host='%s' port=%s user=%s dbname=%s sslmode=disable", quoted(p.dial()),
		port, database, db)
}

// PID returns the process id of the server, or 0 while none is running.
func (c *Cluster) PID() int {
	if p := c.child.Load(); p != nil {
		return p.Pid
	}
	return 0
}

// Version returns the server's major version.
func (c *Cluster) Version() int { return c.bin.Major }

// Close stops the server in an orderly way: it disconnects the clients and writes everything to
// its files. When ctx ends first, Close aborts the server; the next start then recovers the data.
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
