package main

import (
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
)

// TestMockExam plays a whole mock exam on a real server without a browser: two role plays with a
// tutor, who finds the second room through the exam, and one result over both.
func TestMockExam(t *testing.T) {
	t.Parallel()
	said := spoken(t, "en-gb", 3*time.Second)
	server := serve(t, t.TempDir(), nil)
	v := visitBoth(t, server.url)
	ctx := t.Context()
	exam, err := v.candidate.CreateExam(ctx, "nursing")
	if err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		var p *client.Problem
		_, err := v.candidate.BeginRolePlay(ctx, exam.ID)
		if !errors.As(err, &p) || p.Status != http.StatusConflict {
			t.Errorf("a role play that cannot be begun: %v", err)
		}
	}
	titles := map[string]bool{}
	for position := 1; position <= 2; position++ {
		begun, err := v.candidate.BeginRolePlay(ctx, exam.ID)
		if err != nil {
			t.Fatal(err)
		}
		refused() // while this one goes on
		if position == 2 {
			// The partner of the first role play learns of the second from the exam.
			seen, err := v.tutor.Exam(ctx, exam.ID)
			if err != nil || seen.RolePlays[1].Attempt == nil {
				t.Fatalf("the partner sees %+v, %v", seen, err)
			}
			begun = *seen.RolePlays[1].Attempt
		}
		p := &play{t: t, candidate: v.candidate, attempt: client.Attempt{ID: begun.ID}}
		if a, err := v.candidate.Attempt(ctx, begun.ID); err != nil || a.Scenario.Slug != "" {
			t.Errorf("before the preparation the candidate is told %+v, %v", a, err)
		}
		p.speaker = p.join(v.candidate, protocol.RoleCandidate)
		patient := p.join(v.tutor, protocol.RolePatient)
		for _, c := range []*client.Client{p.speaker, patient} {
			if err := c.Connected(ctx); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, 10*time.Second, "the card to be shown", func() bool {
			a, err := v.candidate.Attempt(ctx, begun.ID)
			if err == nil && a.Scenario.Slug != "" {
				titles[a.Scenario.Slug] = true
			}
			return err == nil && a.Scenario.Slug != ""
		})
		if err := p.speaker.Start(ctx); err != nil {
			t.Fatal(err)
		}
		p.speak(p.speaker, said)
		if err := p.speaker.Finish(ctx); err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, "the role play to be over", func() bool {
			e, err := v.candidate.Exam(ctx, exam.ID)
			return err == nil && e.State != "first" && e.State != "second"
		})
		p.speaker.Close()
		patient.Close()
	}
	eventually(t, 30*time.Second, "the result", func() bool {
		exam, err = v.candidate.Exam(ctx, exam.ID)
		return err == nil && exam.State == "reported"
	})
	refused()
	r := exam.Result
	if r == nil || len(r.Parts) != 2 || len(titles) < 2 {
		t.Fatalf("the result: %+v; the scenarios %v", r, titles)
	}
	phonation, syllables := 0.0, 0
	for _, part := range r.Parts {
		if part.Measures.PhonationTimeS < 1 {
			t.Errorf("in a part %v s were spoken", part.Measures.PhonationTimeS)
		}
		phonation += part.Measures.PhonationTimeS
		syllables += part.Measures.Syllables
	}
	if math.Abs(phonation-r.Pooled.PhonationTimeS) > 1e-6 || syllables != r.Pooled.Syllables {
		t.Errorf("pooled %+v; the parts have %v s and %d syllables", r.Pooled, phonation,
			syllables)
	}
}
