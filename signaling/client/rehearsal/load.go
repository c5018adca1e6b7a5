package rehearsal

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/load"
)

// LoadTest fills rooms of a server with headless participants.
type LoadTest struct {
	Rooms, Participants int
	Duration            time.Duration // of speaking
	Packets             [][]byte      // spoken by all, repeated: Opus packets of 20 ms
	Scenario            string        // its slug; empty: the longest of the list
	SignIns             int           // a second, while the participants speak
	Candidate           Account       // owns all attempts
	Tutor               Account       // takes all other parts
	Progress            io.Writer
}

// Env returns the settings that a server for this test needs: enough rooms, sockets and joins for
// one account at one address, and trust in this machine as a proxy, so that sign-ins can come from
// many addresses.
func (l LoadTest) Env() []string {
	return []string{
		fmt.Sprintf("BEDSIDE_MEDIA_MAX_ROOMS_PER_ACCOUNT=%d", max(l.Rooms, 1)),
		fmt.Sprintf("BEDSIDE_MEDIA_MAX_ROOMS_PER_ADDRESS=%d", max(l.Rooms, 1)),
		"BEDSIDE_LIMITS_ATTEMPTS_PER_ACCOUNT=0", "BEDSIDE_LIMITS_ATTEMPTS_PER_IP=0",
		"BEDSIDE_LIMITS_JOINS_PER_ACCOUNT=0", "BEDSIDE_LIMITS_JOINS_PER_IP=0",
		fmt.Sprintf("BEDSIDE_MEDIA_MAX_ROOMS=%d", max(l.Rooms, 1)),
		fmt.Sprintf("BEDSIDE_MEDIA_MAX_PER_ADDRESS=%d", max(l.Rooms*l.Participants, 1)),
		// The sign-ins name other addresses, as if through a proxy. With a proxy the server has no
		// demo accounts unless they are asked for.
		"BEDSIDE_PROXIES=127.0.0.1", "BEDSIDE_DEMO=true",
	}
}

// Run returns the measurements. The result may be there beside an error. It returns ErrUsage when
// the numbers or the scenario cannot work.
func (l LoadTest) Run(ctx context.Context, t *Target) (*load.Result, error) {
	cfg := load.Config{
		Rooms: l.Rooms, Participants: l.Participants, Duration: l.Duration, Packets: l.Packets,
		SignIns: l.SignIns, SignIn: t.tryWrongPassword,
		Progress: printLoadProgress(l.Progress, l.Rooms*l.Participants),
	}
	var err error
	if cfg.Candidate, err = t.SignIn(ctx, l.Candidate); err != nil {
		return nil, err
	}
	if cfg.Tutor, err = t.SignIn(ctx, l.Tutor); err != nil {
		return nil, err
	}
	if cfg.Scenario, err = l.scenario(ctx, cfg.Candidate); err != nil {
		return nil, err
	}
	if t.local() {
		cfg.CPU = t.cpu
	}
	result, err := load.Run(ctx, cfg)
	if result == nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return result, err
}

// scenario returns the slug of the role play, which must be long enough for the test.
func (l LoadTest) scenario(ctx context.Context, rest *client.REST) (string, error) {
	list, err := rest.Scenarios(ctx)
	if err != nil {
		return "", err
	}
	longest := client.Scenario{}
	for _, sc := range list {
		if (l.Scenario == "" || sc.Slug == l.Scenario) && sc.PlaySeconds > longest.PlaySeconds {
			longest = sc
		}
	}
	if longest.Slug == "" {
		return "", fmt.Errorf("%w: the server has no role play %q", ErrUsage, l.Scenario)
	}
	if limit := time.Duration(longest.PlaySeconds) * time.Second; l.Duration > limit {
		return "", fmt.Errorf("%w: --duration %v is longer than the role play (%v)", ErrUsage,
			l.Duration, limit)
	}
	return longest.Slug, nil
}

// tryWrongPassword signs in as the i-th of many users at other addresses, with a wrong password,
// which costs the server as much as a right one. The server must trust this machine as a proxy.
func (t *Target) tryWrongPassword(ctx context.Context, i int) (status int, err error) {
	body := fmt.Sprintf(`{"email":"somebody-%d@example.org","password":"not the right one"}`, i)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+"/auth/login",
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
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, err
}

// printLoadProgress returns a function that prints a line when the progress has changed, and while
// the participants speak every five seconds.
func printLoadProgress(w io.Writer, participants int) func(load.Progress) {
	const step = 5 * time.Second
	var last string
	return func(p load.Progress) {
		line := fmt.Sprintf("%s: %d of %d joined", p.Stage, p.Joined, participants)
		if p.Failed > 0 {
			line += fmt.Sprintf(", %d failures", p.Failed)
		}
		if p.Stage == load.Speaking {
			line += fmt.Sprintf(", about %v left", (p.Left + step - time.Second).Truncate(step))
		}
		if line != last {
			fmt.Fprintln(w, line)
			last = line
		}
	}
}

// PrintLoad prints the measurements for people.
func PrintLoad(w io.Writer, r *load.Result) {
	fmt.Fprintf(w, "%d rooms, %d of %d participants joined, %.1f s\n", r.Rooms, r.Joined,
		r.Participants, r.DurationS)
	fmt.Fprintf(w, "  join            p50 %.0f ms, p99 %.0f ms, max %.0f ms\n", r.Join.P50,
		r.Join.P99, r.Join.Max)
	p := r.Packets
	fmt.Fprintf(w,
		"  packets         %d sent, %d expected, %d received, %d lost (%.3f %%), %d duplicated\n",
		p.Sent, p.Expected, p.Received, p.Lost, p.LossPercent(), p.Duplicated)
	fmt.Fprintf(w, "  relay latency   p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", r.Relay.P50,
		r.Relay.P99, r.Relay.Max)
	if s := r.SignIns; s != nil {
		fmt.Fprintf(w,
			"  sign-ins        %d sent, %d hashed (p50 %.0f ms, p99 %.0f ms), %d asked to retry, %d failed, %d not sent\n",
			s.Asked, s.Hashed, s.Answer.P50, s.Answer.P99, s.Busy, s.Failed, s.Left)
	}
	if r.CPU != nil {
		fmt.Fprintf(w,
			"  server's CPU    %.2f s, %.2f cores, %.0f µs per packet received (tap and analysis included)\n",
			r.CPU.Seconds, r.CPU.Cores, r.CPU.PerForwarded)
	}
	for _, failure := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, "  failed          %s (%d times)\n", failure, r.Failures[failure])
	}
}
