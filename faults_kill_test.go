package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"bedside/configs/cluster/faults"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
)

// mediaKills kills the media process at random times while two role plays run, also while their
// clients join again, and starts it at once.
func (s *faultSuite) mediaKills(t *testing.T, row *faults.Row, group uint64) {
	shared, redis := startServices(t), startRedis(t)
	env := append(shared.env(), "REDIS_URL=redis://"+redis.addr,
		"BEDSIDE_AUTH_KEY="+strings.Repeat("k", 64))
	serve(t, t.TempDir(), env, "--role", "speech")
	data := t.TempDir()
	front := serve(t, data, env, "--role", "api,media")
	v := visitBoth(t, front.url)
	plays := []*duo{s.rolePlay(t, v), s.rolePlay(t, v)}
	row.Plays, row.Faults = len(plays), s.pick(8, 15)
	random := rand.New(rand.NewPCG(s.seed, group))
	for range row.Faults {
		after(t, 300*time.Millisecond+time.Duration(random.Int64N(int64(4*time.Second))))
		front.kill()
		front = serve(t, data, env, "--role", "api,media", "--listen",
			strings.TrimPrefix(front.url, "http://"))
	}
	rejoins, causes := 0, map[store.Cause]int{}
	for _, p := range plays {
		r, frames := p.finish(time.Minute)
		row.Frames = row.Frames.Plus(frames)
		for _, c := range p.people {
			rejoins += c.Stats().Rejoins
		}
		for _, s := range r.Speakers {
			for _, i := range s.Interruptions {
				causes[i.Cause]++
			}
			if pause := s.Analysis.Measures.PauseMaxS; pause != nil && *pause > 2.5 {
				t.Errorf("attempt %s, %s: a pause of %.1f s, although the audio has none: %+v",
					p.attempt.ID, s.Speaker, *pause, s.Interruptions)
			}
		}
	}
	row.Outcome = fmt.Sprintf("every play reported, %d rejoins, interruptions %v", rejoins, causes)
}

// after waits for a time that a fault lasts.
func after(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// speechRestarts stops and starts the speech process twenty times in one role play. A copy of the
// log, analysed in one go, gives the same report.
func (s *faultSuite) speechRestarts(t *testing.T, row *faults.Row) {
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	copied := copyLog(t, shared)
	p := s.rolePlay(t, visitBoth(t, front.url))
	row.Plays, row.Faults = 1, 20
	for range row.Faults {
		worker := serve(t, t.TempDir(), shared.env(), "--role", "speech", "--log-level", "debug")
		worker.waitFor("analysis begins", 30*time.Second)
		worker.Process.Signal(os.Interrupt)
		if code := worker.wait(30 * time.Second); code != exitDone {
			t.Fatalf("exit code %d", code)
		}
	}
	serve(t, t.TempDir(), shared.env(), "--role", "speech")
	got, frames := p.finish(time.Minute)
	row.Frames = frames
	want := analyseCopy(t, copied, p.attempt.ID, got.StartedAt)
	got.CreatedAt, want.SchemaVersion = want.CreatedAt, store.ReportVersion
	for i := range want.Speakers {
		want.Speakers[i].Recording.Key = "" // not in JSON
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("without a restart the report differs:\n%s", tail(diff, 3000))
	}
	nothingLost(t, row)
	row.Outcome = "the report is equal to the digit"
}

// speechKills kills the speech process while it analyses.
func (s *faultSuite) speechKills(t *testing.T, row *faults.Row) {
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	p := s.rolePlay(t, visitBoth(t, front.url))
	row.Plays, row.Faults = 1, s.pick(2, 4)
	for range row.Faults {
		worker := serve(t, t.TempDir(), shared.env(), "--role", "speech", "--log-level", "debug")
		worker.waitFor("analysis begins", 90*time.Second)
		worker.kill()
	}
	serve(t, t.TempDir(), shared.env(), "--role", "speech")
	_, row.Frames = p.finish(2 * time.Minute)
	nothingLost(t, row)
	row.Outcome = "nothing lost"
}

// nothingLost fails the test when a frame was lost.
func nothingLost(t *testing.T, row *faults.Row) {
	t.Helper()
	if row.Frames.Lost != 0 {
		t.Errorf("of %d frames %d were lost", row.Frames.Sent, row.Frames.Lost)
	}
}

// natsOutage stops NATS for some seconds, twice: during the play, and at its end.
func (s *faultSuite) natsOutage(t *testing.T, row *faults.Row) {
	shared := startServices(t)
	all := serve(t, t.TempDir(), shared.env())
	p := s.rolePlay(t, visitBoth(t, all.url))
	row.Plays, row.Faults = 1, 2
	p.together(100, time.Minute)
	shared.stopNATS()
	awaitReadiness(t, all.url, "nats")
	p.together(100, time.Minute)
	shared.startNATS()
	awaitReadiness(t, all.url)
	p.together(100, time.Minute)
	shared.stopNATS()
	p.together(50, time.Minute)
	shared.startNATS()
	_, row.Frames = p.finish(time.Minute)
	nothingLost(t, row)
	row.Outcome = "not ready meanwhile, nothing lost"
}

// databaseOutage stops PostgreSQL during the play and over its end.
func (s *faultSuite) databaseOutage(t *testing.T, row *faults.Row) {
	shared := startServices(t)
	all := serve(t, t.TempDir(), shared.env())
	p := s.rolePlay(t, visitBoth(t, all.url))
	row.Plays, row.Faults = 1, 1
	p.together(100, time.Minute)
	shared.stopDatabase()
	awaitReadiness(t, all.url, "database")
	p.together(100, time.Minute)
	shared.startDatabase()
	_, row.Frames = p.finish(time.Minute)
	nothingLost(t, row)
	row.Outcome = "not ready meanwhile, nothing lost"
}
