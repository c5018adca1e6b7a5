package sherpa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"bedside/speech/asr"
)

// maxTry is how long a try may take. Large models load for some seconds.
const maxTry = time.Minute

// Tried is what a try has found.
type Tried struct {
	Version string  `json:"version"` // of the engine
	Load    float64 `json:"load"`    // how long loading took, in seconds
	// Cost is how long the model takes for a second of audio, in seconds.
	Cost float64 `json:"cost"`
}

// Try loads an engine and a model, recognises two seconds of silence, and writes a Tried as JSON.
// The engine may end the process. Call it in a process that does nothing else.
func Try(w io.Writer, library, model string) error {
	f, err := readFolder(model)
	if err != nil {
		return err
	}
	began := time.Now()
	e, err := load(library, f)
	if err != nil {
		return err
	}
	defer e.free()
	t := Tried{Version: e.version, Load: time.Since(began).Seconds()}
	s, err := e.open()
	if err != nil {
		return err
	}
	defer s.free()
	began = time.Now()
	s.write(make([]float32, 2*asr.SampleRate))
	if _, err := s.end(); err != nil {
		return err
	}
	if s.decoded == 0 {
		return errors.New("the model has decoded nothing of two seconds")
	}
	t.Cost = time.Since(began).Seconds() / 2
	return json.NewEncoder(w).Encode(t)
}

// try runs Config.Try.
func (c Config) try(ctx context.Context, library, model string) (t Tried, err error) {
	if len(c.Try) == 0 {
		return t, errors.New("sherpa-onnx: no command to try a model with")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxTry,
		fmt.Errorf("the model does not load within %v", maxTry))
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Try[0], append(c.Try[1:], library, model)...)
	var out, errs bounded
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return t, context.Cause(ctx)
		}
		return t, fmt.Errorf("sherpa-onnx cannot use %s: %s", model, errs.reason(err))
	}
	if err := json.Unmarshal(out.Bytes(), &t); err != nil || t.Version == "" {
		return t, fmt.Errorf("sherpa-onnx cannot use %s: the try says nothing", model)
	}
	return t, nil
}

// bounded is a buffer that drops what comes after 16 KiB.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := 16<<10 - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

// reason returns the line that says why a process has ended, or else its error. It is the last
// one, but for exceptions of C++, which are followed by the state of the process.
func (b *bounded) reason(err error) string {
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	reason := lines[len(lines)-1]
	for _, line := range lines {
		if _, what, ok := strings.Cut(line, "what():"); ok {
			reason = what
		}
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return err.Error()
	}
	return fmt.Sprintf("%.300s (%v)", reason, err)
}
