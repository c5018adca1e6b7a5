// Package services runs on this machine, as processes of their own, what several Bedside processes
// share: NATS, Redis and an S3 server. It is for tests and for trying things out: everything
// listens on loopback, and stops with the process that started it.
package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ErrMissing is returned when a program is not installed.
var ErrMissing = errors.New("is missing: run make setup-test")

const (
	pollPause  = 20 * time.Millisecond
	tailBytes  = 4000
	pollAnswer = 5 * time.Second // how long a question whether a service is ready may take
)

// Service is a program that can be started again with the same address and the same files. Its
// methods are safe for concurrent use, but only one goroutine may start and end it.
type Service struct {
	Name string
	Path string   // of the program
	Args []string // of the program
	Env  []string // in addition to the environment of this process
	Log  string   // the file that the output is appended to

	// Ready returns nil once the service works. Start polls it.
	Ready func(context.Context) error

	mu   sync.Mutex
	cmd  *exec.Cmd     // nil before the first start; guarded by mu
	done chan struct{} // closed when cmd has ended; guarded by mu
}

// Start starts the program and waits until it is ready. It returns an error when the program ends
// before that, or ctx does.
func (s *Service) Start(ctx context.Context) error {
	if err := s.Launch(); err != nil {
		return err
	}
	return s.Wait(ctx)
}

// Launch starts the program without waiting until it is ready.
func (s *Service) Launch() error {
	out, err := os.OpenFile(s.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), s.Env...), out, out
	cmd.SysProcAttr = ownGroup() // Ctrl-C in a terminal is for this process only
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state is read from ProcessState
		close(done)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd, s.done = cmd, done
	return nil
}

// Wait waits until a started service is ready.
func (s *Service) Wait(ctx context.Context) error {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, pollAnswer)
		err := s.Ready(asking)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-s.Done():
			return fmt.Errorf("%s ended by itself: %s:\n%s", s.Name, s.state(), s.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w:\n%s", s.Name, err, s.tail())
		case <-tick.C:
		}
	}
}

// Done returns a channel that is closed when the running program has ended.
func (s *Service) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

func (s *Service) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.ProcessState.String()
}

// tail returns the end of the log.
func (s *Service) tail() string {
	b, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-tailBytes):])
}

// Signal sends a signal. It does nothing when the program has not been started or has ended.
func (s *Service) Signal(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(sig) // the only error is that it has ended
	}
}

// Kill ends the program at once, as a power cut would.
func (s *Service) Kill() {
	s.Signal(syscall.SIGKILL)
	if done := s.Done(); done != nil {
		<-done
	}
}

// Pause stops the program without ending it: its connections stay open and nothing answers.
func (s *Service) Pause() { s.Signal(syscall.SIGSTOP) }

// Resume lets a paused program continue.
func (s *Service) Resume() { s.Signal(syscall.SIGCONT) }

// Terminate asks the program to end, and reports whether it has after the limit.
func (s *Service) Terminate(limit time.Duration) bool {
	done := s.Done()
	if done == nil {
		return true
	}
	s.Resume()
	s.Signal(syscall.SIGTERM)
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// Stop asks the program to end, and kills it when it has not after the limit. It reports whether
// the program ended by itself.
func (s *Service) Stop(limit time.Duration) bool {
	if s.Terminate(limit) {
		return true
	}
	s.Kill()
	return false
}

// Find returns the path of a program: one that .ci/setup has built in bin/tools, or an installed
// one. It returns ErrMissing when there is none.
func Find(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, "bin", "tools", name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s %w", name, ErrMissing)
	}
	return path, nil
}

// FreeAddress returns an address on loopback that nobody listened on a moment ago.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// freeAddresses returns n addresses, all different.
func freeAddresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all are found
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// Answers returns a function for Service.Ready: a GET of the URL is answered with 200.
func Answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Close = true // no connection stays open, nor its goroutines
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, res.Status)
		}
		return nil
	}
}

// accepts returns a function for Service.Ready: the address accepts connections.
func accepts(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
