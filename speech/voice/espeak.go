package voice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// espeakRate is espeak-ng's own rate, in words a minute, and espeakPitch its pitch.
	espeakRate, espeakPitch = 160, 50
	// espeakLasts is how long espeak-ng may run. A line takes some hundredths of a second.
	espeakLasts = 5 * time.Second
)

// espeak speaks many languages with espeak-ng. Its licence (GPL) asks for a process of its own.
type espeak struct {
	path, release string
	languages     map[string]bool
	slot          chan struct{} // taken while it runs
}

// newEspeak looks for espeak-ng.
func newEspeak() (engine, error) {
	path, err := exec.LookPath("espeak-ng")
	if err != nil {
		return nil, errors.New("espeak-ng is not installed")
	}
	e := &espeak{path: path, languages: map[string]bool{}, slot: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), espeakLasts)
	defer cancel()
	release, err := e.run(ctx, "", "--version")
	if err != nil {
		return nil, err
	}
	// "eSpeak NG text-to-speech: 1.51  Data at: ..."
	_, after, _ := strings.Cut(string(release), ": ")
	e.release, _, _ = strings.Cut(after, " ")
	list, err := e.run(ctx, "", "--voices")
	if err != nil {
		return nil, err
	}
	for row := range strings.Lines(string(list)) {
		if fields := strings.Fields(row); len(fields) > 1 {
			e.languages[fields[1]] = true
		}
	}
	return e, nil
}

func (e *espeak) name() string { return "espeak-ng" }

func (e *espeak) remote() bool { return false }

func (e *espeak) speaks(language string) bool { return e.languages[e.language(language)] }

// language returns espeak-ng's name of a language.
func (e *espeak) language(tag string) string {
	switch tag {
	case "en":
		return "en-gb"
	case "zh":
		return "cmn"
	case "no":
		return "nb"
	}
	return tag
}

func (e *espeak) version(s style) string { return e.release + " " + strings.Join(e.flags(s), " ") }

// flags returns how to speak in a style. The language is one of espeak-ng's list.
func (e *espeak) flags(s style) []string {
	variant := "+m3"
	if s.sex == "female" {
		variant = "+f3"
	}
	round := func(x float64) string { return fmt.Sprint(int(math.Round(x))) }
	return []string{
		"-v", e.language(s.language) + variant, "-s", round(espeakRate * s.rate()),
		"-p", round(espeakPitch * s.pitch()),
	}
}

func (e *espeak) render(ctx context.Context, text string, s style) (sound, error) {
	select {
	case e.slot <- struct{}{}:
		defer func() { <-e.slot }()
	case <-ctx.Done():
		return sound{}, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, espeakLasts)
	defer cancel()
	file, err := e.run(ctx, text, append(e.flags(s), "--stdin", "--stdout")...)
	if err != nil {
		return sound{}, err
	}
	return readSound(bytes.NewReader(file))
}

// run runs espeak-ng and returns its output. The text is its input, never an argument. When ctx
// ends or the output is too long, it is killed with everything that it has started.
func (e *espeak) run(ctx context.Context, text string, arguments ...string) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, e.path, arguments...)
	cmd.Env = []string{"LANG=C.UTF-8"}
	cmd.Stdin = strings.NewReader(text)
	out := &bounded{left: maxAnswer, full: cancel}
	cmd.Stdout = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // then its output is closed, whoever still has it
	if err := cmd.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("espeak-ng: %w", err)
	}
	return out.data.Bytes(), nil
}

var errLong = errors.New("its output is too long")

// bounded keeps what is written, up to a number of bytes; then it calls full.
type bounded struct {
	data bytes.Buffer
	left int
	full func(error)
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.full(errLong)
		return 0, io.ErrShortWrite
	}
	b.left -= len(p)
	return b.data.Write(p)
}
