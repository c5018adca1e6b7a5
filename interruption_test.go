package main

import (
	"math"
	"testing"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// checkFrames checks that the report counts every frame that a speaker's clients have sent.
func checkFrames(t *testing.T, f store.FrameCounts, sent ...protocol.Sent) {
	t.Helper()
	total := 0
	for _, s := range sent {
		total += s.Packets
	}
	checkCounts(t, f, total)
}

// checkCounts checks that a report knows all frames that were sent, and what became of each.
func checkCounts(t *testing.T, f store.FrameCounts, sent int) {
	t.Helper()
	if f.Sent != sent || f.Sent != f.Analysed+f.Concealed+f.Lost {
		t.Errorf("%d frames were sent, the report counts %+v", sent, f)
	}
}

// checkInterruptions checks the causes of a speaker's interruptions, in order, and their lengths
// in seconds within a tolerance.
func checkInterruptions(t *testing.T, got []store.Interruption, within float64,
	want ...store.Interruption) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		length := got[i].ToS - got[i].FromS
		ok = got[i].Cause == want[i].Cause && math.Abs(length-want[i].ToS) < within
	}
	if !ok {
		t.Errorf("interruptions %+v, want the causes and lengths %+v", got, want)
	}
}

// The server is killed while the candidate speaks, stays away for three seconds and more, and
// comes back.
func TestServerComesBackInMidPlay(t *testing.T) {
	t.Parallel()
	data, said := t.TempDir(), spoken(t, "en-gb", 6*time.Second)
	server := serve(t, data, nil)
	p := begin(t, server.url)
	p.speak(p.speaker, said)
	server.kill()
	killed := time.Now()
	p.speak(p.speaker, spoken(t, "en-gb", 3*time.Second)) // into nothing
	before := p.speaker.SentStreams()
	p.speaker.Close()
	left := p.speaker.State().Phase
	again := serve(t, data, nil)
	p.candidate = visit(t, again.url, "candidate")
	p.speaker = p.join(p.candidate, protocol.RoleCandidate)
	if err := p.speaker.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.speaker.TellSent(t.Context(), before...); err != nil {
		t.Fatal(err)
	}
	away := time.Since(killed).Seconds()
	if now := p.speaker.State().Phase; left.RemainingMS-now.RemainingMS > 7000 {
		t.Errorf("the restart took play time: the phase was %+v at the start, and is %+v after 6 s",
			left, now)
	}
	p.speak(p.speaker, said)
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := p.report(p.candidate, time.Minute)
	s, want := r.Speakers[0], analysed(t, said)
	checkInterruptions(t, s.Interruptions, 1,
		store.Interruption{ToS: away, Cause: store.CauseServerRestarted})
	checkFrames(t, s.Frames, append(before, p.speaker.SentStreams()...)...)
	if s.Frames.Lost < 100 {
		t.Errorf("frames %+v, although three seconds were lost", s.Frames)
	}
	got := s.Analysis.Measures
	if *got.PauseMaxS > *want.PauseMaxS+0.2 ||
		math.Abs(*got.PhonationTimeRatio-*want.PhonationTimeRatio) > 0.04 {
		t.Errorf("longest pause %.2f s and phonation-time ratio %.3f; without a restart %.2f s "+
			"and %.3f", *got.PauseMaxS, *got.PhonationTimeRatio, *want.PauseMaxS,
			*want.PhonationTimeRatio)
	}
	if left := r.DurationS - r.PlayS; math.Abs(left-away) > 1 {
		t.Errorf("the clock stood for %.2f s, the server was away for %.2f s", left, away)
	}
	t.Logf("away %.2f s, interruptions %+v, frames %+v, ratio %.3f and %.3f without a restart",
		away, s.Interruptions, s.Frames, *got.PhonationTimeRatio, *want.PhonationTimeRatio)
}

// The candidate mutes the microphone for four seconds, and later loads the page again.
func TestMuteAndReload(t *testing.T) {
	t.Parallel()
	said := spoken(t, "en-gb", 4*time.Second)
	server := serve(t, t.TempDir(), nil)
	p := begin(t, server.url)
	p.speak(p.speaker, said)
	for _, muted := range []bool{true, false} {
		if err := p.speaker.Mute(t.Context(), muted); err != nil {
			t.Fatal(err)
		}
		p.speak(p.speaker, said)
	}
	before := p.speaker.SentStreams()
	p.speaker.Close() // as a browser does that leaves the page
	closed := time.Now()
	eventually(t, time.Minute, "the page to load", func() bool {
		return time.Since(closed) > time.Second
	})
	p.speaker = p.join(p.candidate, protocol.RoleCandidate)
	if err := p.speaker.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.speak(p.speaker, said)
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, want := p.report(p.candidate, time.Minute).Speakers[0], analysed(t, said)
	checkFrames(t, s.Frames, append(before, p.speaker.SentStreams()...)...)
	checkInterruptions(t, s.Interruptions, 0.8,
		store.Interruption{ToS: 4, Cause: store.CauseMuted},
		store.Interruption{ToS: 1.4, Cause: store.CauseConnectionLost})
	got := s.Analysis.Measures
	if math.Abs(*got.PhonationTimeRatio-*want.PhonationTimeRatio) > 0.06 {
		t.Errorf("phonation-time ratio %.3f, of the sentences alone %.3f", *got.PhonationTimeRatio,
			*want.PhonationTimeRatio)
	}
	t.Logf("interruptions %+v, frames %+v, ratio %.3f and %.3f", s.Interruptions, s.Frames,
		*got.PhonationTimeRatio, *want.PhonationTimeRatio)
}
