package rehearsal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bedside/signaling/client"
)

// ErrUsage is returned when what the caller asked for cannot work: a bad address, a role play that
// the server does not have, or a duration that does not fit into it.
var ErrUsage = errors.New("wrong usage")

const (
	startLimit   = time.Minute     // for a server to start
	signOutLimit = 5 * time.Second // for all accounts to sign out
)

// Target is the server that a rehearsal plays on. It belongs to one goroutine, which closes it.
type Target struct {
	URL    string
	close  func() error
	signed []*client.REST // accounts that are signed in
}

// Launch says how to start a server for the rehearsal alone.
type Launch struct {
	Env      []string // environment of the process, as KEY=value
	Progress io.Writer
}

// OpenTarget returns the server at an address, or starts one when address is empty.
func OpenTarget(ctx context.Context, address string, l Launch) (*Target, error) {
	if address == "" {
		return startServer(ctx, l)
	}
	t := &Target{URL: strings.TrimSuffix(address, "/")}
	t.close = t.signOut
	return t, nil
}

// startServer runs this binary's serve command as a process of its own, so that its CPU time can
// be measured apart from that of the headless participants. The server ends when the pipe to its
// standard input closes, however this process ends.
func startServer(ctx context.Context, l Launch) (_ *Target, err error) {
	dir, err := os.MkdirTemp("", "bedside-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	// The private PostgreSQL may run as another user, which must be able to enter the folder.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(l.Progress, "starting a server for this command")
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "serve", "--data", filepath.Join(dir, "data"), "--listen",
		"127.0.0.1:0", "--with-stdin")
	cmd.Env, cmd.Stderr = l.Env, log
	// Ctrl-C reaches only this process, which then closes the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &Target{close: func() error {
		stdin.Close()
		err := cmd.Wait()
		if err != nil {
			text, _ := os.ReadFile(log.Name())
			err = fmt.Errorf("the server failed: %w\n%s", err, text)
		}
		return errors.Join(err, log.Close(), os.RemoveAll(dir))
	}}
	if t.URL, err = readAddress(ctx, out); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// readAddress returns the address that a server prints when it is ready. A goroutine goes on
// reading until the output ends, so that the server can print more.
func readAddress(ctx context.Context, out io.Reader) (string, error) {
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
	ctx, cancel := context.WithTimeout(ctx, startLimit)
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

// Close stops a server that OpenTarget started. At any other server it signs the accounts out,
// since an account has a limited number of devices.
func (t *Target) Close() error { return t.close() }

func (t *Target) signOut() error {
	ctx, cancel := context.WithTimeout(context.Background(), signOutLimit)
	defer cancel()
	for _, rest := range t.signed {
		if err := rest.SignOut(ctx); err != nil {
			return fmt.Errorf("signing out: %w", err)
		}
	}
	return nil
}

// Account is an account to sign in with.
type Account struct{ Email, Password string }

// Demo returns the demo account of a role, with email and password in place of its own unless they
// are empty.
func Demo(role, email, password, demoPassword string) Account {
	a := Account{Email: email, Password: password}
	if a.Email == "" {
		a.Email = role + "@demo.bedside"
	}
	if a.Password == "" {
		a.Password = demoPassword
	}
	return a
}

// SignIn signs an account in.
func (t *Target) SignIn(ctx context.Context, a Account) (*client.REST, error) {
	rest, err := client.NewREST(t.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if _, err := rest.SignIn(ctx, a.Email, a.Password); err != nil {
		return nil, fmt.Errorf("signing in as %s: %w", a.Email, err)
	}
	t.signed = append(t.signed, rest)
	return rest, nil
}

// local reports whether the server runs on this machine.
func (t *Target) local() bool {
	u, err := url.Parse(t.URL)
	return err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

// cpu returns the CPU time of the server's process in seconds, from its metrics.
func (t *Target) cpu(ctx context.Context) (float64, error) {
	const name = "process_cpu_seconds_total "
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.Join(lines.Err(),
		fmt.Errorf("/metrics answered %s without the process's CPU time", res.Status))
}
