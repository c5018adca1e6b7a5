package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/signaling/protocol"
	"bedside/speech"
	"bedside/speech/opus"
	"bedside/store"
	"bedside/store/postgres"
)

func openAudio(path string) (rehearsal.Audio, error) { return opus.OpenFile(path) }

// visit signs a demo account in and returns its REST client.
func visit(t *testing.T, url, name string) *client.REST {
	t.Helper()
	rest, err := (&rehearsal.Target{URL: url}).SignIn(t.Context(),
		rehearsal.Demo(name, "", "", postgres.DemoPassword))
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

// play is a role play that a test controls step by step.
type play struct {
	t         *testing.T
	candidate *client.REST
	attempt   client.Attempt
	speaker   *client.Client
}

// begin signs in, joins as the candidate and starts the play.
func begin(t *testing.T, url string, change ...func(*client.Config)) *play {
	t.Helper()
	p := &play{t: t, candidate: visit(t, url, "candidate")}
	scenarios, err := p.candidate.Scenarios(t.Context())
	if err != nil || len(scenarios) < 3 {
		t.Fatalf("got %d scenarios, %v; want at least three", len(scenarios), err)
	}
	if p.attempt, err = p.candidate.CreateAttempt(t.Context(), scenarios[0].Slug); err != nil {
		t.Fatal(err)
	}
	p.speaker = p.join(p.candidate, protocol.RoleCandidate, change...)
	if err := p.speaker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *play) join(rest *client.REST, role protocol.Role,
	change ...func(*client.Config)) *client.Client {
	p.t.Helper()
	ticket, err := rest.Ticket(p.t.Context(), p.attempt.ID, role)
	if err != nil {
		p.t.Fatal(err)
	}
	cfg := ticket.Config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := client.Join(p.t.Context(), cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// speak speaks a file to its end.
func (p *play) speak(c *client.Client, path string) {
	p.t.Helper()
	if err := p.speakTo(c, path); err != nil {
		p.t.Fatal(err)
	}
}

// speakTo is like speak, for other goroutines than the test's.
func (p *play) speakTo(c *client.Client, path string) error {
	return rehearsal.Speak(p.t.Context(), c, openAudio, path)
}

// report waits for the report and returns it.
func (p *play) report(rest *client.REST, limit time.Duration) store.Report {
	p.t.Helper()
	return reportOf(p.t, rest, p.attempt.ID, limit)
}

func reportOf(t *testing.T, rest *client.REST, attemptID string,
	limit time.Duration) store.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	body, err := rest.WaitReport(ctx, attemptID, nil)
	if err != nil {
		t.Fatal(err)
	}
	var r store.Report
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// rehearsed runs bedside rehearse and returns the result and the report that it printed.
func rehearsed(t *testing.T, limit time.Duration,
	args ...string) (r rehearsal.Result, rep store.Report) {
	t.Helper()
	var out, progress bytes.Buffer
	cmd := exec.Command(os.Args[0], append([]string{"rehearse", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), asBedside+"=1")
	cmd.Stdout, cmd.Stderr = &out, &progress
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { cmd.Process.Signal(os.Interrupt) })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("rehearse: %v\n%s", err, tail(progress.String(), 10_000))
	}
	if err := errors.Join(json.Unmarshal(out.Bytes(), &r),
		json.Unmarshal(r.Report, &rep)); err != nil {
		t.Fatalf("cannot read what rehearse printed: %v\n%s", err, tail(out.String(), 2000))
	}
	return r, rep
}

// measured returns every measure that has a value, by field name.
func measured(m store.Measures) map[string]float64 {
	all := map[string]float64{}
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch x := v.Field(i).Interface().(type) {
		case float64:
			all[name] = x
		case int:
			all[name] = float64(x)
		case *float64:
			if x != nil {
				all[name] = *x
			}
		}
	}
	return all
}

// sameMeasures fails the test when a measure differs by more than a fraction of its value.
func sameMeasures(t *testing.T, what string, got, want store.Measures, within float64) {
	t.Helper()
	g, w := measured(got), measured(want)
	if len(g) != len(w) {
		t.Errorf("%s: got %d measures, want %d", what, len(g), len(w))
	}
	for name, x := range w {
		if y, ok := g[name]; !ok || math.Abs(x-y) > within*math.Abs(x) {
			t.Errorf("%s: %s is %v, want %v within %v", what, name, y, x, within)
		}
	}
}

// other returns when the speaker who is not who spoke, or was away.
func other(r store.Report, who store.Speaker) []store.Span {
	for _, s := range r.Speakers {
		if s.Speaker != who {
			return s.Occupied()
		}
	}
	return nil
}

// checkClean checks the report of a role play without packet loss: every frame that was sent is in
// the log and analysed, and analysing the recording gives the report's measures.
func checkClean(t *testing.T, rest *client.REST, r rehearsal.Result, rep store.Report) {
	t.Helper()
	for _, s := range rep.Speakers {
		sent := r.Participants[string(s.Speaker)].Sent.Packets
		f := s.Frames
		if sent == 0 || uint64(f.Received) != sent || uint64(f.Analysed) != sent ||
			uint64(f.Sent) != sent ||
			f.Lost+f.Dropped+f.Late+f.Corrupt+f.Duplicated != 0 {
			t.Errorf("%s: sent %d frames, the report counts %+v", s.Speaker, sent, f)
		}
		var recording bytes.Buffer
		if _, err := rest.Audio(t.Context(), rep.AttemptID, string(s.Speaker),
			&recording); err != nil {
			t.Fatal(err)
		}
		again, err := speech.AnalyzeFile(t.Context(), &recording, nil)
		if err != nil {
			t.Fatal(err)
		}
		// A file knows nothing of the other speaker and of interruptions.
		timing := store.NewTiming(again.Speech, s.Cut(), other(rep, s.Speaker))
		timing.Set(&again.Measures, len(again.Syllables))
		sameMeasures(t, string(s.Speaker)+"'s recording", again.Measures, s.Analysis.Measures,
			0.01)
	}
}

func TestRolePlayFromSignInToReport(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), nil)
	candidate, patient := spoken(t, "en-gb", 20*time.Second), spoken(t, "en-us+f3", 12*time.Second)
	r, rep := rehearsed(t, 2*time.Minute, "--url", server.url, "--audio", candidate, "--partner",
		patient)
	if len(rep.Speakers) != 2 || rep.Speakers[0].Speaker != store.SpeakerCandidate {
		t.Fatalf("the report has the speakers %+v", rep.Speakers)
	}
	checkClean(t, visit(t, server.url, "candidate"), r, rep)
	for who, path := range map[int]string{0: candidate, 1: patient} {
		want := analysed(t, path)
		got := rep.Speakers[who].Analysis.Measures
		if math.Abs(got.PhonationTimeS-want.PhonationTimeS) > 0.05*want.PhonationTimeS {
			t.Errorf("%s spoke for %.2f s, the file for %.2f s", rep.Speakers[who].Speaker,
				got.PhonationTimeS, want.PhonationTimeS)
		}
	}
	if rep.Turns.GapMedianS == nil || rep.Turns.CandidateTalkRatio <= 0 ||
		rep.Turns.CandidateTalkRatio >= 1 {
		t.Errorf("turns: %+v", rep.Turns)
	}
	if code, body := get(t, server.url+"/health/ready"); code != 200 {
		t.Errorf("/health/ready: %d %s", code, body)
	}
	if code, body := get(t, server.url+"/metrics"); code != 200 ||
		!strings.Contains(body, "bedside_bus_frames_published_total") {
		t.Errorf("/metrics: %d", code)
	}
}

func TestFiveMinutes(t *testing.T) {
	if testing.Short() {
		t.Skip("five minutes of real time")
	}
	t.Parallel()
	server := serve(t, t.TempDir(), nil)
	r, rep := rehearsed(t, 7*time.Minute, "--url", server.url, "--audio",
		spoken(t, "en-gb", 298*time.Second), "--partner", spoken(t, "en-us+f3", 290*time.Second))
	checkClean(t, visit(t, server.url, "candidate"), r, rep)
	t.Logf("report %.2f s after the end of %.0f s", r.ReportAfterS, rep.DurationS)
}

func analysed(t *testing.T, path string) store.Measures {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := speech.AnalyzeFile(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.Measures
}

func TestSecondServerOnDataFolderIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	serve(t, data, nil)
	second := start(t, nil, "serve", "--data", data, "--listen", "127.0.0.1:0")
	if code := second.wait(30 * time.Second); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if out := second.text(); !strings.Contains(out, "in use by another Bedside server") ||
		!strings.Contains(out, "--data") {
		t.Errorf("it printed: %s", out)
	}
}

func TestInterruptLeavesRoomsAndKeepsAudio(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := serve(t, data, nil)
	p := begin(t, server.url)
	p.speak(p.speaker, spoken(t, "en-gb", 4*time.Second))
	children := childrenOf(t, server.Process.Pid)
	if len(children) == 0 {
		t.Error("the server has no PostgreSQL process")
	}
	server.Process.Signal(os.Interrupt)
	if code := server.wait(30 * time.Second); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, tail(server.text(), 5000))
	}
	for _, pid := range children {
		eventually(t, 5*time.Second, "a child to end", func() bool { return !running(pid) })
	}
	if st := p.speaker.State(); st.Phase.Name != protocol.PhasePlaying ||
		st.Phase.Reason != protocol.ReasonMoving {
		t.Errorf("the room was left with %+v", st.Phase)
	}
	// Nobody comes back: the log ends by itself.
	again := serve(t, data, []string{"BEDSIDE_SPEECH_IDLE_END=3s"})
	if r := p.report(visit(t, again.url, "candidate"), time.Minute); r.DurationS < 3.5 {
		t.Errorf("of 4 s of speech %v s were reported", r.DurationS)
	}
}

func TestReportSurvivesKilledServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := serve(t, data, nil)
	p := begin(t, server.url)
	p.speak(p.speaker, spoken(t, "en-gb", 6*time.Second))
	server.kill()
	again := serve(t, data, []string{"BEDSIDE_SPEECH_IDLE_END=3s"})
	r := p.report(visit(t, again.url, "candidate"), time.Minute)
	// The frames that the tap had not yet published are lost: a tenth of a second, and those in
	// flight.
	sent := int(p.speaker.Stats().Sent.Packets)
	if f := r.Speakers[0].Frames; f.Analysed < sent-25 || f.Analysed > sent || f.Lost != 0 {
		t.Errorf("of %d frames sent the report counts %+v", sent, f)
	}
}

func TestRehearsalSurvivesKilledServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := serve(t, data, nil)
	rehearsal := start(t, nil, "rehearse", "--json", "--url", server.url,
		"--audio", spoken(t, "en-gb", 40*time.Second))
	eventually(t, 30*time.Second, "the candidate to speak for a while", func() bool {
		return strings.Contains(rehearsal.text(), "frames sent")
	})
	server.kill()
	serve(t, data, nil, "--listen", strings.TrimPrefix(server.url, "http://"))
	if code := rehearsal.wait(2 * time.Minute); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	out := rehearsal.text()
	if !strings.Contains(out, `"rejoins":1`) {
		t.Errorf("it did not join again: %s", tail(out, 2000))
	}
	var result struct {
		Participants map[string]client.Stats
		Report       store.Report
	}
	printed := out[max(strings.LastIndex(out, "\n{"), 0):]
	if err := json.NewDecoder(strings.NewReader(printed)).Decode(&result); err != nil {
		t.Fatalf("%v: %s", err, tail(printed, 2000))
	}
	sent, s := result.Participants["candidate"].Sent.Packets, result.Report.Speakers[0]
	if uint64(s.Frames.Sent) != sent || s.Frames.Lost == 0 || len(s.Interruptions) == 0 ||
		s.Interruptions[0].Cause != store.CauseServerRestarted {
		t.Errorf("%d frames were sent, the report counts %+v and has the interruptions %+v", sent,
			s.Frames, s.Interruptions)
	}
}

// The patient leaves in the middle: with a return the play goes on, without one the candidate
// finishes it. Either way the report does not count the time without a patient.
func TestPatientLeavesInMidPlay(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), nil)
	for name, returns := range map[string]string{"and returns": "3s", "for good": "0s"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, report := rehearsed(t, 2*time.Minute, "--url", server.url,
				"--audio", spoken(t, "en-gb", 12*time.Second),
				"--partner", spoken(t, "en-us+f3", 3*time.Second),
				"--partner-leaves", "4s", "--partner-returns", returns)
			if r.Ended != protocol.ReasonFinished {
				t.Errorf("the play ended: %s", r.Ended)
			}
			stopped := 0.0
			for _, i := range report.Speakers[0].Interruptions {
				if i.Cause == store.CauseClockStopped {
					stopped += i.ToS - i.FromS
				}
			}
			if stopped == 0 || returns != "0s" && stopped < 2.5 {
				t.Errorf("the report leaves %.2f s out: %+v", stopped,
					report.Speakers[0].Interruptions)
			}
			if diff := report.DurationS - stopped - report.PlayS; diff < -0.1 || diff > 0.1 {
				t.Errorf("%.2f s in all, %.2f s stopped, %.2f s of play", report.DurationS,
					stopped, report.PlayS)
			}
		})
	}
}

// childrenOf returns the process ids of a process's children.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	var pids []int
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil // ps fails when there are none
	}
	for _, field := range strings.Fields(string(out)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

func running(pid int) bool {
	return exec.Command("kill", "-0", strconv.Itoa(pid)).Run() == nil
}

func TestBadAudioFilesAreReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole, err := os.ReadFile(spoken(t, "en-gb", time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		content []byte
		want    string
	}{
		"empty.wav":  {nil, "empty"},
		"text.wav":   {[]byte("this is text, although its name ends in .wav"), "not"},
		"header.wav": {whole[:30], ""},
		"cut.ogg":    {[]byte("OggS\x00\x02"), ""},
	} {
		path := dir + "/" + name
		if err := os.WriteFile(path, tc.content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"analyze", path, "--json"}, {"rehearse", "--audio", path},
		} {
			var out, problems bytes.Buffer
			code := runCommand(t.Context(), args, &invocation{
				in: strings.NewReader(""), out: &out, err: &problems,
			})
			if code != exitFailed || out.Len() > 0 ||
				!strings.Contains(problems.String(), tc.want) ||
				!strings.Contains(problems.String(), name) {
				t.Errorf("%v: exit code %d, printed %q and %q", args, code, out.String(),
					problems.String())
			}
		}
	}
}

func TestExitCodesAndUsage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"help":            {[]string{"--help"}, exitDone, "rehearse"},
		"nothing":         {nil, exitDone, "rehearse"},
		"help of one":     {[]string{"serve", "--help"}, exitDone, "--listen"},
		"unknown command": {[]string{"dance"}, exitUsage, "dance"},
		"missing flag":    {[]string{"rehearse"}, exitUsage, "--audio"},
		"bad address":     {[]string{"serve", "--listen", "nowhere"}, exitUsage, "host:port"},
		"version":         {[]string{"version"}, exitDone, "bedside"},
		"openapi":         {[]string{"openapi"}, exitDone, `"3.1`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			code := runCommand(t.Context(), tc.args, &invocation{
				in: strings.NewReader(""), out: &out, err: &out,
			})
			if code != tc.code || !strings.Contains(out.String(), tc.want) {
				t.Errorf("exit code %d, want %d; it printed %s", code, tc.code,
					tail(out.String(), 500))
			}
		})
	}
}
