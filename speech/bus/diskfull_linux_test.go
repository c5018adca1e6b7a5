package bus

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// onSmallDisk runs a test again in a process that has a small file system of its own, and returns
// the folder of that file system there. In the first process it returns "" when the test has
// passed in the second.
func onSmallDisk(t *testing.T, megabytes string) string {
	t.Helper()
	const inside = "BEDSIDE_TEST_SMALL_DISK"
	if os.Getenv(inside) != "" {
		dir := t.TempDir()
		must(t, syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+megabytes+"m"))
		// After the closers of the test, which registers them later.
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("a small disk needs a mount namespace: %v", err)
	}
	err := cmd.Wait()
	t.Logf("on a disk of %s MB:\n%s", megabytes, &out)
	if bytes.Contains(out.Bytes(), []byte("operation not permitted")) {
		t.Skip("a small disk needs the permission to mount one")
	}
	must(t, err)
	return ""
}

// fill fills the file system of a folder, and returns what frees it again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	must(t, err)
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("cannot fill the disk: %v", err)
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(path)) }
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a minute still not: %s", what)
		}
	}
}

// fails returns a condition: the log is not ready, for another reason than its own limit.
func fails(t *testing.T, b *Bus) func() bool {
	return func() bool {
		err := b.Ping(t.Context())
		return err != nil && !errors.Is(err, errLogFull)
	}
}

func works(t *testing.T, b *Bus) func() bool {
	return func() bool { return b.Ping(t.Context()) == nil }
}

func TestDiskFullLosesNothing(t *testing.T) {
	t.Parallel()
	dir := onSmallDisk(t, "24")
	if dir == "" {
		return
	}
	b := open(t, Config{Dir: filepath.Join(dir, "nats"), IdleEnd: 5 * time.Second})
	must(t, b.Ping(t.Context()))
	must(t, b.Begin(t.Context(), "a", time.Now()))
	c := claim(t, b)
	all := make(chan received, 1)
	go func() { all <- receiveAll(t, c) }()
	w := writer(t, b, "a", "candidate")
	sent := writeFrames(w, 0, 200, 0)

	for round := range 2 { // the server recovers more than once
		free := fill(t, dir)
		from := len(sent)
		sent = append(sent, writeFrames(w, from, from+600, 0)...)
		eventually(t, "503", fails(t, b))
		full := time.Now()
		begun := make(chan error, 1)
		go func() { begun <- b.Begin(t.Context(), []string{"b", "c"}[round], time.Now()) }()
		eventually(t, "longer than the idle end", func() bool {
			return round > 0 || time.Since(full) > 7*time.Second
		})
		sent = append(sent, writeFrames(w, from+600, from+700, 0)...)
		free()
		eventually(t, "ready again", works(t, b))
		must(t, <-begun)
	}
	must(t, b.Finish(t.Context(), "a"))
	got := <-all
	equalFrames(t, "spoken before, during and after", got.frames["candidate"], sent)
	if got.dropped != 0 {
		t.Errorf("%d frames counted as lost", got.dropped)
	}
	must(t, c.Done(t.Context()))
	// The next role plays work without a restart.
	for _, id := range []string{"b", "c"} {
		more := writeFrames(writer(t, b, id, "candidate"), 0, 100, 0)
		must(t, b.Finish(t.Context(), id))
		c := claim(t, b)
		if c.Job().AttemptID != id {
			t.Errorf("claimed %s, want %s", c.Job().AttemptID, id)
		}
		equalFrames(t, id, receiveAll(t, c).frames["candidate"], more)
		must(t, c.Done(t.Context()))
	}
}
