package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asBedside is the environment variable that makes the test binary run as the bedside command, so
// that fault tests can kill real processes, built with the race detector like the tests.
const asBedside = "BEDSIDE_TEST_AS_COMMAND"

// faultsBinary is the environment variable that names the bedside command to run instead of the
// test binary: for the fault suite, without the race detector.
const faultsBinary = "FAULTS_BIN"

func TestMain(m *testing.M) {
	if os.Getenv(asBedside) != "" {
		os.Unsetenv(asBedside)
		main()
	}
	os.Exit(m.Run())
}

// process is a bedside command in a process of its own. It ends with the test that started it.
type process struct {
	*exec.Cmd
	t      *testing.T
	stdin  io.Closer
	url    string // of a server that is ready
	mu     sync.Mutex
	output bytes.Buffer  // guarded by mu
	done   chan struct{} // closed when the process has ended
}

// start runs `bedside args...`. Its standard input stays open until the test ends.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return startWrapped(t, nil, env, args...)
}

// startWrapped runs `wrap... bedside args...`.
func startWrapped(t *testing.T, wrap, env []string, args ...string) *process {
	t.Helper()
	program := []string{os.Args[0]}
	// The processes of a test that ends do not wait for its role plays.
	environ := append(append(os.Environ(), "BEDSIDE_MEDIA_DRAIN=0s"), env...)
	if bin := os.Getenv(faultsBinary); bin != "" {
		program[0] = bin
	} else {
		environ = append(environ, asBedside+"=1")
	}
	program = slices.Concat(wrap, program, args)
	p := &process{Cmd: exec.Command(program[0], program[1:]...), t: t, done: make(chan struct{})}
	p.Env = environ
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.Stdout, p.Stderr = stdin, p, p
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Wait() // the state is read from ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		stdin.Close()
		p.Process.Signal(os.Interrupt)
		select {
		case <-p.done:
		case <-time.After(30 * time.Second):
			p.Process.Kill()
			<-p.done
			t.Errorf("bedside %s did not end within 30 s of an interrupt", strings.Join(args, " "))
		}
		if out := p.text(); strings.Contains(out, "DATA RACE") ||
			strings.Contains(out, "panic:") || t.Failed() {
			t.Logf("bedside %s printed:\n%s", strings.Join(args, " "), tail(out, 20_000))
		}
		if strings.Contains(p.text(), "DATA RACE") || strings.Contains(p.text(), "panic:") {
			t.Errorf("bedside %s raced or panicked", args[0])
		}
	})
	return p
}

// serve starts a server on data and waits until it is ready.
func serve(t *testing.T, data string, env []string, args ...string) *process {
	t.Helper()
	args = append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, args...)
	p := start(t, env, args...)
	p.url = p.waitFor("listening on ", 60*time.Second)
	return p
}

// Write appends to the process's output. It is called by exec.Cmd.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// waitFor waits for a line that contains prefix and returns the word after it.
func (p *process) waitFor(prefix string, limit time.Duration) string {
	p.t.Helper()
	var word string
	eventually(p.t, limit, fmt.Sprintf("the process to print %q", prefix), func() bool {
		for line := range strings.Lines(p.text()) {
			if _, rest, ok := strings.Cut(line, prefix); ok && strings.HasSuffix(line, "\n") {
				if fields := strings.Fields(rest); len(fields) > 0 {
					word = strings.Trim(fields[0], `"`)
				}
				return true
			}
		}
		select {
		case <-p.done:
			p.t.Fatalf("the process ended before it printed %q:\n%s", prefix, tail(p.text(), 5000))
		default:
		}
		return false
	})
	return word
}

// kill ends the process with SIGKILL, as a power cut would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

// wait waits for the process to end by itself and returns its exit code.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("still running after %v:\n%s", limit, tail(p.text(), 5000))
		return -1
	}
}

// eventually polls until ok returns true. The condition depends on another process, so there is no
// channel to wait on.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; <-tick.C {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

func tail(s string, n int) string {
	return s[max(0, len(s)-n):]
}

// spoken writes a WAV file of synthetic speech, 48 kHz mono, of the given length: sentences of one
// voice with pauses between them. It returns the path.
func spoken(t *testing.T, voice string, length time.Duration) string {
	t.Helper()
	need(t, "espeak-ng")
	need(t, "sox")
	sentences := []string{
		"Good morning. My name is Anna and I am one of the nurses here.",
		"Could you tell me what has been worrying you since you came home?",
		"I understand. That must have been frightening for you and for your family.",
		"Let me explain two things. First, what the tablets do, and second, how to take them.",
		"Does that make sense so far, or would you like me to go over it again?",
		"We will call you next week to see how you are getting on.",
	}
	dir := t.TempDir()
	said, out := filepath.Join(dir, "said.wav"), filepath.Join(dir, "speech.wav")
	var script strings.Builder
	for i := 0; time.Duration(i)*4*time.Second < length+30*time.Second; i++ {
		fmt.Fprintf(&script, "%s <break time=\"%dms\"/>\n", sentences[i%len(sentences)],
			300+200*(i%4))
	}
	command(t, "espeak-ng", "-m", "-v", voice, "-s", "150", "-w", said, script.String())
	command(t, "sox", said, "-r", "48000", "-c", "1", "-b", "16", out, "trim", "0",
		fmt.Sprintf("%.3f", length.Seconds()))
	return out
}

// need fails the test when a program is missing. Skipping would make an untested fault look
// tested.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is missing: run `make setup-test`", program)
	}
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// get fetches a page without credentials.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(bufio.NewReader(res.Body))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
