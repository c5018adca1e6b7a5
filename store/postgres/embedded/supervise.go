package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Signals that stop PostgreSQL.
const (
	fast      = syscall.SIGINT  // disconnects the clients and writes a checkpoint
	immediate = syscall.SIGQUIT // aborts; the next start recovers the data
)

const (
	backoffMin   = 100 * time.Millisecond
	backoffMax   = 5 * time.Second
	steadyAfter  = time.Minute // running time after which the backoff starts again at its minimum
	firstTries   = 8           // backends of an earlier server may still use the shared memory
	readyPolling = 5 * time.Millisecond
)

// supervise keeps a server running until Close, and sends the result of the first start to first.
// It runs in a goroutine of its own, which it locks to its thread: the kernel stops the child when
// the thread that started it ends, and Go may otherwise end threads at any time.
func (c *Cluster) supervise(first chan<- error) {
	runtime.LockOSThread()
	defer close(c.ended)
	backoff, started := backoffMin, false
	for try := 1; ; try++ {
		began := time.Now()
		ready, err := c.runOnce(func() {
			if !started {
				started = true
				first <- nil
			}
		})
		if c.closed.Load() {
			if !started {
				first <- context.Canceled
			}
			return
		}
		if !started && try >= firstTries {
			first <- err
			return
		}
		if ready {
			c.log.Error("PostgreSQL has stopped unexpectedly; restarting it", "error", err)
		} else {
			c.log.Warn("PostgreSQL did not start; retrying", "error", err, "in", backoff)
		}
		if time.Since(began) > steadyAfter {
			backoff = backoffMin
		}
		select {
		case <-time.After(backoff):
		case <-c.stop:
		}
		backoff = min(2*backoff, backoffMax)
	}
}

// runOnce starts the server, calls onReady once it accepts connections, and returns when it has
// ended.
func (c *Cluster) runOnce(onReady func()) (ready bool, err error) {
	if c.closed.Load() {
		return false, nil
	}
	pidFile := filepath.Join(c.cfg.Dir, dataName, "postmaster.pid")
	if err := c.clearPredecessor(pidFile); err != nil {
		return false, err
	}
	cmd := c.place.command(filepath.Join(c.bin.Dir, "postgres"), c.arguments()...)
	endWithParent(cmd.SysProcAttr)
	tail := &logTail{log: c.log}
	cmd.Stdout, cmd.Stderr = tail, tail
	// Backends of a killed server keep the pipe open a little longer.
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return false, err
	}
	c.child.Store(cmd.Process)
	exited := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		if waitReady(pidFile, cmd.Process.Pid, exited) {
			ready = true
			onReady()
		}
	})
	watch.Go(func() {
		select {
		case <-c.stop:
			c.signal(fast)
		case <-exited:
		}
	})
	err = cmd.Wait()
	c.child.Store(nil)
	close(exited)
	watch.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err == nil {
		err = errors.New("it exited")
	}
	return ready, fmt.Errorf("%w%s", err, tail.last())
}

func (c *Cluster) arguments() []string {
	args := []string{"-D", c.place.child(dataName)}
	for _, setting := range []string{
		"listen_addresses=",
		"port=" + port,
		"unix_socket_directories=" + c.place.child(runName),
		"unix_socket_permissions=0700",
		"max_connections=" + strconv.Itoa(c.cfg.MaxConns),
		"shared_buffers=64MB",
		"max_wal_size=256MB",
		"min_wal_size=32MB",
		"jit=off",
		"logging_collector=off",
		"log_destination=stderr",
		"log_line_prefix=",
		"log_min_messages=warning",
		"log_min_error_statement=panic", // statements contain personal data
		"log_error_verbosity=terse",
		"log_checkpoints=off",
		"timezone=UTC",
		"log_timezone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

func (c *Cluster) signal(sig os.Signal) {
	p := c.child.Load()
	if p == nil {
		return
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.log.Warn("could not send PostgreSQL a signal", "signal", sig, "error", err)
	}
}

// waitReady polls the server's pid file until it says that the process accepts connections, and
// reports false when the process exits first. Recovery may take long.
func waitReady(pidFile string, pid int, exited <-chan struct{}) bool {
	tick := time.NewTicker(readyPolling)
	defer tick.Stop()
	for {
		select {
		case <-exited:
			return false
		case <-tick.C:
		}
		// pid, folder, start, port, socket, address, shared memory, status
		lines := readLines(pidFile)
		if len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && lines[7] == "ready" {
			return true
		}
	}
}

func readLines(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	lines := strings.Split(string(b), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

// clearPredecessor stops an earlier server of the folder that outlived its parent. When the pid
// file names another process instead, it removes the file, because PostgreSQL would take that
// process for a server and refuse to start.
func (c *Cluster) clearPredecessor(pidFile string) error {
	lines := readLines(pidFile)
	if len(lines) == 0 {
		return nil
	}
	pid, err := strconv.Atoi(lines[0])
	if err != nil || pid <= 1 || !serves(pid, filepath.Dir(pidFile)) {
		c.log.Info("removing a stale postmaster.pid", "pid", lines[0])
		return os.Remove(pidFile)
	}
	c.log.Warn("stopping the PostgreSQL of an earlier run", "pid", pid)
	for _, sig := range []syscall.Signal{fast, immediate, syscall.SIGKILL} {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf(
				"process %d, an earlier PostgreSQL on this folder, cannot be stopped: %w", pid,
				err)
		}
		for range 500 {
			if !serves(pid, filepath.Dir(pidFile)) {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return fmt.Errorf("process %d, an earlier PostgreSQL on this folder, does not stop", pid)
}

// logTail copies the server's messages to the log and remembers the last ones for errors. One
// goroutine of exec.Cmd writes to it; last is called after that goroutine has ended.
type logTail struct {
	log   *slog.Logger
	rest  []byte
	lines []string
}

const (
	tailLines = 5
	lineLimit = 2000
)

func (t *logTail) Write(b []byte) (int, error) {
	t.rest = append(t.rest, b...)
	for {
		advance, line, _ := bufio.ScanLines(t.rest, false) // never fails
		if advance == 0 && len(t.rest) > lineLimit {
			advance, line = len(t.rest), t.rest
		}
		if advance == 0 {
			return len(b), nil
		}
		t.line(string(line[:min(len(line), lineLimit)]))
		t.rest = t.rest[advance:]
	}
}

func (t *logTail) line(s string) {
	level := slog.LevelDebug
	switch {
	case strings.HasPrefix(s, "WARNING"): // the sender of a statement gets its ERROR
		level = slog.LevelWarn
	case strings.Contains(s, "terminating connection due to administrator command"):
		// follows from Close
	case strings.HasPrefix(s, "FATAL"), strings.HasPrefix(s, "PANIC"):
		level = slog.LevelError
	}
	t.log.Log(context.Background(), level, "postgres: "+s)
	if t.lines = append(t.lines, s); len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
}

func (t *logTail) last() string {
	if len(t.lines) == 0 {
		return ""
	}
	return ": " + strings.Join(t.lines, "; ")
}

var _ io.Writer = (*logTail)(nil)
