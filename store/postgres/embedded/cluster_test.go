package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// parentVariable is an environment variable. With it, the test binary starts a cluster in the
// folder that it names and waits to be killed.
const parentVariable = "BEDSIDE_TEST_CLUSTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		c, err := Start(context.Background(), Config{Dir: dir}, slog.New(slog.DiscardHandler))
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println(c.PID())
		select {}
	}
	os.Exit(m.Run())
}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func start(t *testing.T, dir string) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), Config{Dir: dir}, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return c
}

// ask runs a statement, and retries it while the server restarts.
func ask(t *testing.T, c *Cluster, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		answer, err := query(ctx, c, sql)
		if err == nil {
			return answer
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

func query(ctx context.Context, c *Cluster, sql string) (answer string, err error) {
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	return answer, conn.QueryRow(ctx, sql).Scan(&answer)
}

// store writes what expectStored reads.
func store(t *testing.T, c *Cluster) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(),
		`CREATE TABLE IF NOT EXISTS kept AS SELECT 'still here' AS word`); err != nil {
		t.Fatal(err)
	}
}

func expectStored(t *testing.T, c *Cluster) {
	t.Helper()
	if got := ask(t, c, "SELECT word FROM kept"); got != "still here" {
		t.Errorf("read %q", got)
	}
}

// TestStartInAnyFolder starts clusters in a folder that the server's account may enter, in one
// that it may not, and in one whose path is too long for a socket.
func TestStartInAnyFolder(t *testing.T) {
	open, err := os.MkdirTemp("", "cl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(open) })
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"open":   filepath.Join(open, "pg"),
		"closed": filepath.Join(closed, "p g's"),
		"long":   filepath.Join(open, strings.Repeat("long/", 30), "pg"),
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, dir)
			store(t, c)
			if err := c.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left := readLines(filepath.Join(dir, dataName, "postmaster.pid")); left != nil {
				t.Errorf("the server did not stop in an orderly way: %q", left)
			}
			again := start(t, dir)
			expectStored(t, again)
			if got := ask(t, again, "SHOW listen_addresses"); got != "" {
				t.Errorf("listens on TCP: %q", got)
			}
		})
	}
}

func TestKilledServerRestarts(t *testing.T) {
	c := start(t, filepath.Join(t.TempDir(), "pg"))
	store(t, c)
	for range 2 {
		killed := c.PID()
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for c.PID() == killed || c.PID() == 0 {
			time.Sleep(time.Millisecond)
		}
		expectStored(t, c)
	}
}

func TestServerStopsWithKilledParent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pg")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent printed %q", line)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // reports the kill

	c := start(t, dir)
	if c.PID() == pid {
		t.Error("the orphan was used as the new server")
	}
	store(t, c)
	expectStored(t, c)
	if serves(pid, filepath.Join(dir, dataName)) {
		t.Error("the orphan still runs")
	}
}

// stopped creates a cluster that has what store writes, and stops it. It returns the folder, the
// stopped cluster and the folder's place, in which a test can run programs as the server's
// account.
func stopped(t *testing.T) (dir string, c *Cluster, p *place) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "pg")
	c = start(t, dir)
	store(t, c)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := newPlace(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	return dir, c, p
}

// TestStartStopsAnOrphan starts a cluster while an earlier server of it, which no supervisor
// stopped, is running.
func TestStartStopsAnOrphan(t *testing.T) {
	dir, c, p := stopped(t)
	c.place = p
	orphan := p.command(filepath.Join(c.bin.Dir, "postgres"), c.arguments()...)
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	pidFile := filepath.Join(dir, dataName, "postmaster.pid")
	if !waitReady(pidFile, orphan.Process.Pid, nil) {
		t.Fatal("the orphan did not start")
	}
	go orphan.Wait() //nolint:errcheck // only to reap the process

	again := start(t, dir)
	expectStored(t, again)
}

// TestStartWithAStalePIDFile starts a cluster whose pid file, left by a crash, names another
// running process of the server's account.
func TestStartWithAStalePIDFile(t *testing.T) {
	dir, _, p := stopped(t)
	bystander := p.command("/bin/sleep", "60")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	pidFile := filepath.Join(dir, dataName, "postmaster.pid")
	if err := os.WriteFile(pidFile,
		fmt.Appendf(nil, "%d\n%s\n", bystander.Process.Pid, filepath.Join(dir, dataName)),
		0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.chown(pidFile); err != nil {
		t.Fatal(err)
	}
	expectStored(t, start(t, dir))
	if err := bystander.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process was stopped: %v", err)
	}
}

func TestStartAfterAnInterruptedInitdb(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pg")
	half := filepath.Join(dir, dataName+".new", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	store(t, start(t, dir))
}

func TestStartErrors(t *testing.T) {
	t.Run("nothing installed", func(t *testing.T) {
		_, err := Start(t.Context(),
			Config{Dir: filepath.Join(t.TempDir(), "pg"), Binaries: t.TempDir()}, logger(t))
		if !errors.Is(err, ErrMissing) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("made by another version", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "pg")
		if err := os.MkdirAll(filepath.Join(dir, dataName), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, dataName, "PG_VERSION"), []byte("9\n"),
			0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Config{Dir: dir}, logger(t))
		if err == nil || !strings.Contains(err.Error(), "made by PostgreSQL 9") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Start(ctx, Config{Dir: filepath.Join(t.TempDir(), "pg")}, logger(t))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
