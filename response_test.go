package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bedside/signaling/client/rehearsal"

	"golang.org/x/sync/errgroup"
)

// What must hold for the time from the candidate's last packet to the patient's first one, at the
// ear of the candidate's client, in seconds, with two role plays at once.
const (
	responseP50 = 0.7
	responseP95 = 1.2
)

// consultations returns what two candidates ask, by scenario: complete questions only.
func consultations() map[string][]string {
	return map[string][]string{
		"nursing-insulin-at-home": {
			"How do you feel about starting insulin?",
			"What worries you most about the injections?",
			"What have you heard about insulin?",
			"Do you live alone?",
			"How long have you had diabetes?",
			"What tablets do you take?",
			"What does a usual working day look like?",
			"How is your eyesight?",
			"Have you ever had a low blood sugar?",
			"Is there anything else you would like to ask me?",
		},
		"medicine-headache-scan": {
			"How have the headaches been since I last saw you?",
			"Have you noticed weakness, or problems in speaking?",
			"What are you hoping that the picture would show?",
			"What do you think might be behind your headaches?",
			"What happened to the person you work with?",
			"Do you take any medicine for the pain?",
			"How often do you take something for it?",
			"Do you sleep well?",
			"Is there a lot of stress in your job?",
			"Did somebody tell you that we're saving money?",
		},
	}
}

// TestResponse measures how soon the patient answers. make response runs it, on a machine that has
// nothing else to do: it judges times.
func TestResponse(t *testing.T) {
	if os.Getenv("RESPONSE") == "" {
		t.Skip("it is run by make response")
	}
	server := serve(t, t.TempDir(), nil)
	before, began := cpuSeconds(t, server.url), time.Now()
	var plays errgroup.Group
	all := make(chan rehearsal.ConsultationResult, len(consultations()))
	for scenario, questions := range consultations() {
		plays.Go(func() error {
			r, err := timed(t, server.url, scenario, questions)
			all <- r
			return err
		})
	}
	if err := plays.Wait(); err != nil {
		t.Fatal(err)
	}
	close(all)
	cores := (cpuSeconds(t, server.url) - before) / time.Since(began).Seconds() /
		float64(len(consultations()))
	var took []float64
	var table strings.Builder
	asked, cuts := 0, 0
	for r := range all {
		seconds, n := r.Responses()
		took, cuts, asked = append(took, seconds...), cuts+n, asked+len(r.Turns)
		if err := r.Print(&table); err != nil {
			t.Error(err)
		}
	}
	p50, p95 := rehearsal.Percentile(took, 0.5), rehearsal.Percentile(took, 0.95)
	summary := fmt.Sprintf("%d questions in %d role plays at once, %d answered, %d cut into: "+
		"p50 %.2f s, p95 %.2f s; the server used %.2f of a core for each\n", asked,
		len(consultations()), len(took), cuts, p50, p95, cores)
	t.Log(table.String() + summary)
	if path := os.Getenv("RESPONSE_OUT"); path != "" {
		if err := os.WriteFile(path, []byte(table.String()+summary), 0o644); err != nil {
			t.Error(err)
		}
	}
	if p50 > responseP50 || p95 > responseP95 {
		t.Errorf("p50 %.2f s and p95 %.2f s; %.1f and %.1f s at most are wanted", p50, p95,
			responseP50, responseP95)
	}
	if len(took) < asked*9/10 || cuts > 0 {
		t.Errorf("%d of %d questions were answered, %d cut into", len(took), asked, cuts)
	}
}

// timed runs bedside rehearse with the automatic patient.
func timed(t *testing.T, url, scenario string, lines []string) (
	r rehearsal.ConsultationResult, err error) {
	script := filepath.Join(t.TempDir(), scenario+".txt")
	if err := os.WriteFile(script, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		return r, err
	}
	var out, progress bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], "rehearse", "--json", "--url", url,
		"--scenario", scenario, "--say", script)
	cmd.Env = append(os.Environ(), asBedside+"=1")
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &progress, time.Second
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("rehearse %s: %w\n%s", scenario, err, progress.String())
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}

// cpuSeconds returns the CPU time that the server has used.
func cpuSeconds(t *testing.T, url string) float64 {
	t.Helper()
	res, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), "process_cpu_seconds_total ")
		if !ok {
			continue
		}
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seconds
	}
	t.Fatal("/metrics has no process_cpu_seconds_total")
	return 0
}
