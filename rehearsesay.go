package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bedside/signaling/client/rehearsal"
	"bedside/speech/opus"
	"bedside/speech/patient"
	"bedside/speech/voice"
	"bedside/store/postgres"
)

// maxSaid is the largest number of lines that a script for --say may have.
const maxSaid = 300

// consult plays a role play with the automatic patient.
func (c rehearseCommand) consult(ctx context.Context, i *invocation) (err error) {
	if c.Audio != "" || c.Partner != "" || c.Leaves > 0 || c.Returns > 0 {
		return usage("--say goes with the automatic patient, without --audio and --partner")
	}
	if c.Scenario == "" {
		return usage("--say needs --scenario, since the lines are for one role play")
	}
	lines, err := c.lines(ctx)
	if err != nil {
		return err
	}
	room, err := roomTone()
	if err != nil {
		return err
	}
	t, err := rehearsal.OpenTarget(ctx, c.URL, rehearsal.Launch{Env: i.env, Progress: i.err})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	r, err := rehearsal.Consultation{
		Scenario: c.Scenario, Lines: lines, Room: room, Progress: i.err,
		Candidate: rehearsal.Demo("candidate", c.Email, c.Password, postgres.DemoPassword),
	}.Run(ctx, t)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(i.out).Encode(r)
	}
	return r.Print(i.out)
}

// interrupts begins a line of a script that does not wait for the end of the answer before it.
const interrupts = "!"

// lines reads the script: a line to say, or the name of an audio file, on each line.
func (c rehearseCommand) lines(ctx context.Context) (lines []rehearsal.Line, err error) {
	f, err := os.Open(c.Say)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	script, err := readScript(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Say, err)
	}
	voices, err := voice.New(voice.Defaults(), nil, nil, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	defer voices.Close()
	for _, text := range script {
		text, now := strings.CutPrefix(text, interrupts)
		text = strings.TrimSpace(text)
		l := rehearsal.Line{Name: text, Interrupts: now}
		if isAudio(text) {
			if !filepath.IsAbs(text) {
				text = filepath.Join(filepath.Dir(c.Say), text)
			}
			l.Packets, err = readPackets(text)
		} else {
			l.Packets, err = c.speak(ctx, voices, text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name, err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// readScript returns the lines of a script without empty ones and comments.
func readScript(r io.Reader) ([]string, error) {
	var script []string
	in := bufio.NewScanner(r)
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if script = append(script, line); len(script) > maxSaid {
			return nil, usage("at most %d lines can be said", maxSaid)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(script) == 0 {
		return nil, usage("there is nothing to say")
	}
	return script, nil
}

// isAudio reports whether a line of a script names an audio file.
func isAudio(line string) bool {
	return slices.Contains([]string{".wav", ".ogg", ".opus", ".mp3"},
		strings.ToLower(filepath.Ext(line)))
}

// readPackets reads an audio file.
func readPackets(path string) (packets []rehearsal.Packet, err error) {
	audio, err := opus.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer audio.Close()
	for {
		payload, samples, level, err := audio.Next()
		if errors.Is(err, io.EOF) {
			return packets, nil
		} else if err != nil {
			return nil, err
		}
		packets = append(packets, rehearsal.Packet{
			Payload: slices.Clone(payload), Samples: samples, Level: level,
		})
	}
}

// speak renders a line with the candidate's voice.
func (c rehearseCommand) speak(ctx context.Context, voices *voice.Voices,
	text string) (packets []rehearsal.Packet, err error) {
	clip, err := voices.Line(ctx, patient.Line{Text: text, Emotion: patient.Neutral},
		patient.Voice{Sex: c.Voice, Age: 35, Rate: 1})
	if err != nil {
		return nil, err
	}
	for _, f := range clip.Frames {
		packets = append(packets, rehearsal.Packet{
			Payload: f.Payload, Samples: opus.FrameSamples, Level: f.Level,
		})
	}
	return packets, nil
}

// roomTone returns two seconds of the sound of a quiet room, which a microphone sends while nobody
// speaks.
func roomTone() (packets []rehearsal.Packet, err error) {
	const quiet = 0.0008 // -62 dB
	encoder, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	pcm := make([]float32, opus.FrameSamples)
	for range 100 {
		for i := range pcm {
			pcm[i] = float32(random.NormFloat64() * quiet)
		}
		payload, err := encoder.Encode(pcm)
		if err != nil {
			return nil, err
		}
		packets = append(packets, rehearsal.Packet{
			Payload: slices.Clone(payload), Samples: opus.FrameSamples, Level: opus.Level(pcm),
		})
	}
	return packets, nil
}

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{rehearsal.ErrUsage}, args...)...)
}
