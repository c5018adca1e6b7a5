package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"bedside/signaling/client/load"
)

func TestLoadCountsEveryPacket(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), nil)
	var out, progress bytes.Buffer
	s := &invocation{in: strings.NewReader(""), out: &out, err: &progress, env: os.Environ()}
	if code := runCommand(t.Context(),
		[]string{
			"loadtest", "--url", server.url, "--rooms", "2", "--participants", "3", "--duration",
			"3s", "--max-loss", "0", "--max-p99", "1m", "--json",
		},
		s); code != exitDone {
		t.Fatalf("exit code %d: %s", code, progress.String())
	}
	var r load.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	p := r.Packets
	// Two participants speak in each of two rooms, and two others receive each of them, except for
	// the packets that were sent before the track was subscribed.
	if r.Joined != 6 || len(r.Failures) != 0 || p.Sent < 400 || p.Expected == 0 ||
		p.Expected > 2*p.Sent || p.Received != p.Expected || p.Lost != 0 || p.Duplicated != 0 {
		t.Errorf("%+v", r)
	}
	if r.Join.Count != 6 || r.Relay.Count != p.Received || r.Relay.P50 <= 0 ||
		r.Relay.P99 < r.Relay.P50 || r.CPU == nil || r.CPU.Seconds <= 0 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(progress.String(), "speaking: 6 of 6 joined") {
		t.Errorf("progress: %s", progress.String())
	}
}

// TestLoadWithSignIns starts a server and sends it more sign-ins than it can hash passwords for.
func TestLoadWithSignIns(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	s := &invocation{
		in: strings.NewReader(""), out: &out, err: &progress,
		env: append(os.Environ(), asBedside+"=1"),
	}
	if code := runCommand(t.Context(),
		[]string{"loadtest", "--rooms", "1", "--duration", "3s", "--sign-ins", "100", "--json"},
		s); code != exitDone {
		t.Fatalf("exit code %d: %s", code, progress.String())
	}
	var r load.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	in := r.SignIns
	if in == nil || in.PerSecond != 100 || in.Hashed == 0 || in.Busy == 0 || in.Failed != 0 ||
		in.Hashed+in.Busy != in.Asked || in.Answer.Count != uint64(in.Hashed) {
		t.Errorf("sign-ins: %+v", in)
	}
	if r.Joined != 2 || r.Packets.Received == 0 || r.Packets.Lost != 0 {
		t.Errorf("%+v", r)
	}
}

func TestLoadReportsErrors(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), []string{"BEDSIDE_MEDIA_MAX_PARTICIPANTS=2"})
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no rooms":     {[]string{"--rooms", "0"}, exitUsage, "1 to 1000"},
		"too long":     {[]string{"--duration", "20m"}, exitUsage, "longer than the role play"},
		"no such play": {[]string{"--scenario", "hamlet"}, exitUsage, "hamlet"},
		"wrong password": {
			[]string{"--password", "not-the-password"}, exitFailed,
			"signing in as candidate@demo.bedside",
		},
		"another server": {
			[]string{"--sign-ins", "5"}, exitUsage, "a server that this command starts",
		},
		"a wrong limit": {[]string{"--max-loss", "101"}, exitUsage, "0 to 100 percent"},
		"too slow": {
			[]string{"--rooms", "1", "--duration", "1s", "--max-loss", "100", "--max-p99", "1us"},
			exitFailed, "the limit is 1µs (",
		},
		"a full room": {
			[]string{"--rooms", "1", "--participants", "3", "--duration", "100ms"}, exitFailed,
			"1 of 3 participants could not join",
		},
	} {
		var out bytes.Buffer
		s := &invocation{in: strings.NewReader(""), out: &out, err: &out, env: os.Environ()}
		args := append([]string{"loadtest", "--url", server.url}, tc.args...)
		code := runCommand(t.Context(), args, s)
		if code != tc.code || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: exit code %d, %s", name, code, out.String())
		}
	}
}
