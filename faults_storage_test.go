package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"bedside/configs/cluster/faults"
	"bedside/store"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// redisOutage kills Redis during the play, and starts it again without its data.
func (s *faultSuite) redisOutage(t *testing.T, row *faults.Row) {
	shared, redis := startServices(t), startRedis(t)
	all := serve(t, t.TempDir(), append(shared.env(), "REDIS_URL=redis://"+redis.addr))
	p := s.rolePlay(t, visitBoth(t, all.url))
	row.Plays, row.Faults = 1, 1
	p.together(100, time.Minute)
	redis.kill()
	awaitReadiness(t, all.url, "redis")
	p.together(100, time.Minute)
	redis.start()
	awaitReadiness(t, all.url)
	_, row.Frames = p.finish(time.Minute)
	nothingLost(t, row)
	row.Outcome = "not ready meanwhile, nothing lost"
}

// streamsDeleted deletes the streams of NATS under a role play. What was in them is lost, and the
// report names the hole.
func (s *faultSuite) streamsDeleted(t *testing.T, row *faults.Row) {
	shared := startServices(t)
	all := serve(t, t.TempDir(), shared.env())
	p := s.rolePlay(t, visitBoth(t, all.url))
	conn, err := nats.Connect(shared.nats.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	row.Plays, row.Faults = 1, 2
	for _, name := range []string{"AUDIO", "JOBS"} {
		p.together(150, time.Minute)
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	p.together(150, time.Minute)
	awaitReadiness(t, all.url)
	r, frames := p.finish(time.Minute)
	row.Frames = frames
	if frames.Lost > 0 {
		for _, speaker := range r.Speakers {
			if !slices.ContainsFunc(speaker.Interruptions, func(i store.Interruption) bool {
				return i.Cause == store.CauseStorage
			}) {
				t.Errorf("%s: %d frames were lost, but the interruptions are %+v",
					speaker.Speaker, speaker.Frames.Lost, speaker.Interruptions)
			}
		}
	}
	row.Outcome = "made again; the report names the hole"
}

// recordingsRefused puts a file in the place of the recordings' folder, until the report is there.
func (s *faultSuite) recordingsRefused(t *testing.T, row *faults.Row) {
	shared := startServices(t)
	all := serve(t, t.TempDir(), shared.env())
	p := s.rolePlay(t, visitBoth(t, all.url))
	row.Plays, row.Faults = 1, 1
	folder := filepath.Join(shared.dir, "blob")
	if err := errors.Join(os.Rename(folder, folder+".kept"),
		os.WriteFile(folder, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	awaitReadiness(t, all.url, "recordings")
	r, frames := p.finish(time.Minute)
	row.Frames = frames
	nothingLost(t, row)
	if !r.Pending() {
		t.Error("the report does not say that its recording follows")
	}
	if err := errors.Join(os.Remove(folder), os.Rename(folder+".kept", folder)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, 3*time.Minute, "the recordings to follow", func() bool {
		r = p.report(p.candidate, time.Minute)
		return !r.Pending()
	})
	for _, speaker := range r.Speakers {
		if n, err := p.candidate.Audio(t.Context(), p.attempt.ID, string(speaker.Speaker),
			io.Discard); err != nil || n == 0 {
			t.Errorf("%s's recording: %d bytes, %v", speaker.Speaker, n, err)
		}
	}
	row.Outcome = fmt.Sprintf("the report at once, its recordings %.0f s after the repair",
		time.Since(began).Seconds())
}

// diskFull fills the disk of the data folder, with NATS on it, during the play.
func (s *faultSuite) diskFull(t *testing.T, row *faults.Row) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a small disk needs Linux and the permission to mount one")
	}
	shared := startServices(t)
	data := filepath.Join(shared.dir, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, setting := range shared.env() {
		if setting != "NATS_URL="+shared.nats.ClientURL() {
			env = append(env, setting)
		}
	}
	// A file system of the server alone, which the test reaches through /proc.
	all := startWrapped(t, []string{
		"unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=100m tmpfs " + data +
			` && exec "$@"`, "sh",
	}, append(env, "BEDSIDE_STORE_MIN_FREE_MB=10"), "serve", "--data", data, "--listen",
		"127.0.0.1:0")
	all.url = all.waitFor("listening on ", time.Minute)
	v := visitBoth(t, all.url)
	p := s.rolePlay(t, v)
	row.Plays, row.Faults = 2, 1
	p.together(100, time.Minute)
	filler := fmt.Sprintf("/proc/%d/root%s/filler", all.Process.Pid, data)
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	eventually(t, 20*time.Second, "the server not to be ready", func() bool {
		code, _, _ := readiness(t, all.url)
		return code == 503
	})
	p.together(200, time.Minute)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	awaitReadiness(t, all.url)
	p.together(100, time.Minute)
	_, row.Frames = p.finish(time.Minute)
	next := s.rolePlay(t, v)
	next.together(50, time.Minute)
	_, frames := next.finish(time.Minute)
	row.Frames = row.Frames.Plus(frames)
	nothingLost(t, row)
	row.Outcome = "not ready meanwhile, nothing lost, the next role play works"
}
