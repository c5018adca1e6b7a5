package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bedside/signaling/client"
	"bedside/store/postgres"
)

// target is the server that a headless command works with: one that runs, or one of its own on a
// temporary folder.
type target struct {
	url    string
	pid    int // of a server of our own, else 0
	close  func() error
	signed []*client.REST // accounts that are signed in
}

// openTarget uses the server at an address, or starts one with env when there is none.
func openTarget(ctx context.Context, address string, s *streams, env ...string) (*target, error) {
	if address != "" {
		t := &target{url: strings.TrimSuffix(address, "/")}
		t.close = t.signOut
		return t, nil
	}
	return startServer(ctx, s, env)
}

// startServer runs `bedside serve` as a process of its own, so that its CPU can be told from
// ours. It ends when our end of its standard input does, however that happens.
func startServer(ctx context.Context, s *streams, env []string) (_ *target, err error) {
	dir, err := os.MkdirTemp("", "bedside-")
	if err != nil {
		return nil, err
	}
	// The private PostgreSQL may run under an account of its own, which must be able to walk here.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	self, err := os.Executable()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	fmt.Fprintln(s.err, "starting a server of our own")
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	cmd := exec.Command(self, "serve", "--data", filepath.Join(dir, "data"), "--listen",
		"127.0.0.1:0", "--with-stdin")
	cmd.Env, cmd.Stderr = slices.Concat(s.env, env), log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; the server follows
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	t := &target{pid: cmd.Process.Pid, close: func() error {
		stdin.Close()
		err := cmd.Wait()
		if err != nil {
			text, _ := os.ReadFile(log.Name())
			err = fmt.Errorf("the server ended badly: %w\n%s", err, text)
		}
		return errors.Join(err, log.Close(), os.RemoveAll(dir))
	}}
	if t.url, err = announced(ctx, out); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// local tells whether the server runs on this machine.
func (t *target) local() bool {
	u, err := url.Parse(t.url)
	return err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

// announced reads the address from what the server prints, and goes on reading so that it can go
// on printing.
func announced(ctx context.Context, out io.Reader) (string, error) {
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "listening on "); ok {
				found <- strings.Fields(rest)[0]
			}
		}
		close(found)
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case url, ok := <-found:
		if !ok {
			return "", errors.New("the server did not start")
		}
		return url, nil
	case <-ctx.Done():
		return "", fmt.Errorf("the server did not start: %w", context.Cause(ctx))
	}
}

// account is who a headless command signs in as.
type account struct{ email, password string }

// demo gives the demo account of a role, with what the user gave instead.
func demo(name, email, password string) account {
	a := account{email: email, password: password}
	if a.email == "" {
		a.email = name + "@demo.bedside"
	}
	if a.password == "" {
		a.password = postgres.DemoPassword
	}
	return a
}

// signIn signs an account in at the target.
func (t *target) signIn(ctx context.Context, a account) (*client.REST, error) {
	rest, err := client.NewREST(t.url, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if _, err := rest.SignIn(ctx, a.email, a.password); err != nil {
		return nil, fmt.Errorf("signing in as %s: %w", a.email, err)
	}
	t.signed = append(t.signed, rest)
	return rest, nil
}

// signOut leaves no signed-in devices behind: an account may have only so many.
func (t *target) signOut() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, rest := range t.signed {
		if err := rest.SignOut(ctx); err != nil {
			return fmt.Errorf("signing out: %w", err)
		}
	}
	return nil
}
