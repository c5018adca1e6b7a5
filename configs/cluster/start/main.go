// Command start runs a Bedside cluster on this machine until Ctrl-C. `make cluster` builds what it
// needs and calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"bedside/configs/cluster"
)

const (
	startLimit = 2 * time.Minute
	closeLimit = 30 * time.Second
)

func main() {
	binary := flag.String("bedside", "bin/bedside", "the bedside `program`")
	dir := flag.String("dir", "", "`folder` for files and logs; empty: a temporary one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, dir string, out io.Writer) (err error) {
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "bedside-cluster-"); err != nil {
			return err
		}
		defer func() {
			if err == nil { // otherwise the logs are needed
				err = os.RemoveAll(dir)
			}
		}()
	}
	// The private PostgreSQL may run as another user, which must be able to enter the folder.
	if err := errors.Join(os.MkdirAll(dir, 0o711), os.Chmod(dir, 0o711)); err != nil {
		return err
	}
	fmt.Fprintln(out, "Starting; logs are in", dir)
	starting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	c, err := cluster.Start(starting, cluster.Options{Dir: dir, Binary: binary})
	if err != nil {
		return err
	}
	describe(c, out)
	<-ctx.Done()
	fmt.Fprintln(out, "Stopping.")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return c.Close(closing)
}

// describe prints the addresses.
func describe(c *cluster.Cluster, out io.Writer) {
	fmt.Fprintf(out, "\nOpen %s (candidate@demo.bedside, password bedside-demo).\n\n", c.URL())
	for _, n := range c.Nodes() {
		fmt.Fprintf(out, "  %-9s %s\n", n.Name, n.URL)
	}
	for _, s := range c.NATS {
		fmt.Fprintf(out, "  %-9s %s\n", s.Name, s.URL())
	}
	fmt.Fprintf(out, "  %-9s %s\n  %-9s http://%s\n", c.Redis.Name, c.Redis.URL(), c.S3.Name,
		c.S3.Address)
	fmt.Fprintf(out, "\nTry: bin/bedside rehearse --url %s --audio FILE\n", c.URL())
	fmt.Fprintln(out, "Press Ctrl-C to stop.")
}
