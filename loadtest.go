package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/load"
	"bedside/speech/opus"
)

type loadtestCommand struct {
	Rooms        int           `help:"Rooms, each a role play under way." default:"10"`
	Participants int           `help:"Participants a room: candidate, patient, then observers, who only listen." default:"2"`
	Duration     time.Duration `help:"How long they speak." default:"30s"`
	Audio        string        `help:"What they say: WAV or Ogg Opus, repeated; a synthetic voice by default." placeholder:"FILE" type:"existingfile"`
	Scenario     string        `help:"Role play; the longest of the list by default." placeholder:"SLUG"`
	URL          string        `help:"A running server; without it one is started on a temporary folder." name:"url"`
	SignIns      int           `help:"Sign-ins a second while they speak, each by somebody else from somewhere else; only with a server of our own."`
	JSON         bool          `help:"Print the result as JSON." name:"json"`

	Email           string `help:"Candidate's account, which owns all attempts (default: the demo candidate)."`
	Password        string `help:"Candidate's password." env:"BEDSIDE_TEST_PASSWORD"`
	PartnerEmail    string `help:"Tutor's account, which takes all other parts (default: the demo tutor)."`
	PartnerPassword string `help:"Tutor's password." env:"BEDSIDE_TEST_PARTNER_PASSWORD"`
}

// Help is printed by --help.
func (loadtestCommand) Help() string {
	return "Every room plays: what is said is forwarded, logged, analysed and recorded as in a real role play. Every packet carries the time it was " +
		"sent in its padding. The exit code is 1 when somebody could not join or nothing was heard."
}

func (c loadtestCommand) Run(ctx context.Context, s *streams) (err error) {
	packets, err := c.packets()
	if err != nil {
		return err
	}
	if c.SignIns > 0 && c.URL != "" {
		return fmt.Errorf(
			"%w: --sign-ins needs a server of our own: another one counts how often an address tries",
			errUsage)
	}
	total := c.Rooms * c.Participants
	t, err := openTarget(ctx, c.URL, s,
		fmt.Sprintf("BEDSIDE_MEDIA_MAX_ROOMS=%d", max(c.Rooms, 1)), fmt.Sprintf("BEDSIDE_MEDIA_MAX_PER_ADDRESS=%d", max(total, 1)), "BEDSIDE_PROXIES=127.0.0.1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	cfg := load.Config{
		Rooms: c.Rooms, Participants: c.Participants, Duration: c.Duration, Packets: packets, SignIns: c.SignIns, SignIn: t.signInAsSomebody,
		Progress: loadProgress(s.err, total),
	}
	if cfg.Candidate, err = t.signIn(ctx, demo("candidate", c.Email, c.Password)); err != nil {
		return err
	}
	if cfg.Tutor, err = t.signIn(ctx,
		demo("tutor", c.PartnerEmail, c.PartnerPassword)); err != nil {
		return err
	}
	if cfg.Scenario, err = c.scenario(ctx, cfg.Candidate); err != nil {
		return err
	}
	if t.local() {
		cfg.CPU = t.cpu
	}
	result, err := load.Run(ctx, cfg)
	if result == nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if c.JSON {
		err = errors.Join(err, json.NewEncoder(s.out).Encode(result))
	} else {
		printLoad(s.out, result)
	}
	switch {
	case err != nil:
		return err
	case result.Joined < result.Participants:
		return fmt.Errorf("%d of %d participants could not join",
			result.Participants-result.Joined, result.Participants)
	case c.Participants > 1 && result.Packets.Received == 0:
		return errors.New("nothing was heard")
	}
	return nil
}

// scenario chooses the role play, and sees that the load fits into it.
func (c loadtestCommand) scenario(ctx context.Context, rest *client.REST) (string, error) {
	list, err := rest.Scenarios(ctx)
	if err != nil {
		return "", err
	}
	longest := client.Scenario{}
	for _, sc := range list {
		if (c.Scenario == "" || sc.Slug == c.Scenario) && sc.PlaySeconds > longest.PlaySeconds {
			longest = sc
		}
	}
	if longest.Slug == "" {
		return "", fmt.Errorf("%w: the server has no role play %q", errUsage, c.Scenario)
	}
	if limit := time.Duration(longest.PlaySeconds) * time.Second; c.Duration > limit {
		return "", fmt.Errorf("%w: --duration %v is longer than the role play (%v)", errUsage,
			c.Duration, limit)
	}
	return longest.Slug, nil
}

// packets encodes what everybody says, once.
func (c loadtestCommand) packets() ([][]byte, error) {
	if c.Audio == "" {
		return syntheticVoice()
	}
	f, err := os.Open(c.Audio)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Encoded again, even when it is Opus, so that all packets are of one frame.
	pcm, err := opus.ReadAudio(f, opus.ClockRate, 10*time.Minute)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Audio, err)
	}
	return encoded(pcm)
}

// syntheticVoice is ten seconds of a buzz with the rhythm of speech: syllables at 4 Hz, and a
// pause at the end.
func syntheticVoice() ([][]byte, error) {
	pcm := make([]float32, 10*opus.ClockRate)
	for i := range pcm[:8*opus.ClockRate] {
		t := float64(i) / opus.ClockRate
		var buzz float64
		for h := 1.0; h <= 20; h++ {
			buzz += math.Sin(2*math.Pi*120*h*t) / h
		}
		pcm[i] = float32(0.15 * buzz * (0.55 - 0.45*math.Cos(2*math.Pi*4*t)))
	}
	return encoded(pcm)
}

func encoded(pcm []float32) ([][]byte, error) {
	encoder, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		return nil, err
	}
	var packets [][]byte
	for frame := range slices.Chunk(pcm, opus.FrameSamples) {
		if len(frame) < opus.FrameSamples {
			frame = append(slices.Clone(frame), make([]float32, opus.FrameSamples-len(frame))...)
		}
		p, err := encoder.Encode(frame)
		if err != nil {
			return nil, err
		}
		packets = append(packets, slices.Clone(p))
	}
	return packets, nil
}

// cpu reads the CPU time of the server's process from its metrics.
func (t *target) cpu(ctx context.Context) (float64, error) {
	const name = "process_cpu_seconds_total "
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/metrics", nil)
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

// signInAsSomebody is the i-th of many people elsewhere who get their password wrong, which costs
// the server as much as a right one. The server must take us for a proxy.
func (t *target) signInAsSomebody(ctx context.Context, i int) (status int, err error) {
	body := fmt.Sprintf(`{"email":"somebody-%d@example.org","password":"not the right one"}`, i)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/auth/login",
		strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

func loadProgress(w io.Writer, participants int) func(load.Progress) {
	var last string
	return func(p load.Progress) {
		line := fmt.Sprintf("%s: %d of %d joined", p.Stage, p.Joined, participants)
		if p.Failed > 0 {
			line += fmt.Sprintf(", %d failures", p.Failed)
		}
		if p.Stage == load.Speaking {
			// Every five seconds is enough.
			line += fmt.Sprintf(", about %v left",
				(p.Left + 4*time.Second).Truncate(5*time.Second))
		}
		if line != last {
			fmt.Fprintln(w, line)
			last = line
		}
	}
}

func printLoad(w io.Writer, r *load.Result) {
	fmt.Fprintf(w, "%d rooms, %d of %d participants joined, %.1f s\n", r.Rooms, r.Joined,
		r.Participants, r.DurationS)
	fmt.Fprintf(w, "  join            p50 %.0f ms, p99 %.0f ms, max %.0f ms\n", r.Join.P50,
		r.Join.P99, r.Join.Max)
	p := r.Packets
	lost := 0.0
	if p.Expected > 0 {
		lost = 100 * float64(p.Lost) / float64(p.Expected)
	}
	fmt.Fprintf(w,
		"  packets         %d sent, %d expected, %d received, %d lost (%.3f %%), %d duplicated\n",
		p.Sent, p.Expected, p.Received, p.Lost, lost, p.Duplicated)
	fmt.Fprintf(w, "  relay latency   p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", r.Relay.P50,
		r.Relay.P99, r.Relay.Max)
	if s := r.SignIns; s != nil {
		fmt.Fprintf(w, "  sign-ins        %d asked, %d hashed (p50 %.0f ms, p99 %.0f ms), %d told to come again, %d failed, %d left out\n",
			s.Asked, s.Hashed, s.Answer.P50, s.Answer.P99, s.Busy, s.Failed, s.Left)
	}
	if r.CPU != nil {
		fmt.Fprintf(w,
			"  server's CPU    %.2f s, %.2f cores, %.0f µs per packet received (tap and analysis included)\n",
			r.CPU.Seconds, r.CPU.Cores, r.CPU.PerForwarded)
	}
	for _, what := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, "  failed          %s (%d times)\n", what, r.Failures[what])
	}
}
