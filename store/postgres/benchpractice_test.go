package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"
)

// BenchmarkPractice runs the queries of progress and analytics, and a change of an attempt with
// what follows from it. Each query is to take less than 50 ms at 100,000 users and 1,000,000
// attempts, which need BEDSIDE_BENCH_DATA.
func BenchmarkPractice(b *testing.B) {
	size, dir := pgtest.Size{Users: 2_000, Attempts: 20_000}, b.TempDir()
	if kept := os.Getenv("BEDSIDE_BENCH_DATA"); kept != "" {
		size, dir = pgtest.Size{Users: 100_000, Attempts: 1_000_000}, kept
	}
	db, err := pgtest.OpenFilled(dir, size, postgres.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Stop(); err != nil {
			b.Error(err)
		}
	})
	p, err := db.People(b.Context(), size)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	period := func(days int, tutor string) store.PracticeFilter {
		return store.PracticeFilter{From: now.AddDate(0, 0, -days), To: now, TutorID: tutor}
	}
	byScenario := func(f store.PracticeFilter) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := db.PracticeByScenario(ctx, f)
			return err
		}
	}
	byDay := func(f store.PracticeFilter) func(context.Context) error {
		return func(ctx context.Context) error { _, err := db.PracticeByDay(ctx, f); return err }
	}
	overview := func(user string) func(context.Context) error {
		return func(ctx context.Context) error { _, err := db.Overview(ctx, user); return err }
	}
	const slug = "nursing-insulin-at-home"
	for _, one := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"overview", overview(p.Candidate)},
		{"overview-busy", overview(p.BusyCandidate)},
		{"progress", func(ctx context.Context) error {
			_, err := db.Progress(ctx, p.BusyCandidate, slug)
			return err
		}},
		{"marks", func(ctx context.Context) error {
			_, err := db.ChangeMarks(ctx, p.Candidate, slug, store.MarksChange{})
			return err
		}},
		{"by-scenario-90-days", byScenario(period(90, ""))},
		{"by-scenario-2-years", byScenario(period(730, ""))},
		{"by-scenario-2-years-busy-tutor", byScenario(period(730, p.BusyTutor))},
		{"by-day-2-years", byDay(period(730, ""))},
		{"by-day-2-years-busy-tutor", byDay(period(730, p.BusyTutor))},
		{"csv-page", func(ctx context.Context) error {
			_, err := db.PracticeRows(ctx, period(730, ""), store.DayPractice{}, 1000)
			return err
		}},
		{"attempt-of-a-busy-candidate", func(ctx context.Context) error {
			return playOnce(ctx, db, p.BusyCandidate, slug)
		}},
		{"fold", func(ctx context.Context) error { _, err := db.FoldPractice(ctx); return err }},
	} {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				if err := one.run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// playOnce creates an attempt, plays it and saves its report: seven changes of progress and
// analytics.
func playOnce(ctx context.Context, db *pgtest.Database, candidate, slug string) error {
	s, err := db.PublishedScenario(ctx, slug)
	if err != nil {
		return err
	}
	a, err := db.CreateAttempt(ctx, store.NewAttempt{
		CandidateID: candidate, ScenarioID: s.ID, Consent: true,
	})
	if err != nil {
		return err
	}
	now := time.Now()
	for _, step := range []func(context.Context, string, int64, time.Time) (store.Attempt, error){
		db.PrepareAttempt, db.StartAttempt, db.FinishAttempt,
	} {
		if _, err := step(ctx, a.ID, 0, now); err != nil {
			return err
		}
	}
	return db.SaveReport(ctx, store.Report{AttemptID: a.ID, CreatedAt: now, StartedAt: now})
}
