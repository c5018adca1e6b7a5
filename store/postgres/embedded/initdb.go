package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// initialise creates the cluster if it does not exist. It creates it in another folder and renames
// that at the end, so that a crash never leaves half a cluster.
func (c *Cluster) initialise(ctx context.Context) error {
	final := filepath.Join(c.cfg.Dir, dataName)
	if _, err := os.Stat(filepath.Join(final, "PG_VERSION")); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(final); err == nil {
		return fmt.Errorf("%s exists but does not contain a cluster: move it elsewhere", final)
	}
	const fresh = dataName + ".new"
	if err := os.RemoveAll(filepath.Join(c.cfg.Dir, fresh)); err != nil {
		return err
	}
	began := time.Now()
	cmd := c.place.command(filepath.Join(c.bin.Dir, "initdb"),
		"-D", c.place.child(fresh), "-U", database,
		"--auth=trust", // only the owner and root can enter the socket's folder
		"--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	// Kill fails when the process has ended already.
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	if err := os.Rename(filepath.Join(c.cfg.Dir, fresh), final); err != nil {
		return err
	}
	c.log.Info("created a private PostgreSQL cluster", "folder", final, "version", c.bin.Major,
		"took", time.Since(began))
	return nil
}

// createDatabase creates the database if it does not exist.
func (c *Cluster) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
		database).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+database)
	}
	return errors.Join(err, conn.Close(ctx))
}
