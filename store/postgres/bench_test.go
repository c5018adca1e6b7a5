package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// BenchmarkSweeps runs each part of the hourly sweep, with the retention that the server has, and
// reports how many rows its statements read and delete. Like the benchmark of package api it needs
// BEDSIDE_BENCH_DATA for a large database.
func BenchmarkSweeps(b *testing.B) {
	size, dir := pgtest.Size{Users: 2_000, Attempts: 20_000}, b.TempDir()
	if kept := os.Getenv("BEDSIDE_BENCH_DATA"); kept != "" {
		size, dir = pgtest.Size{Users: 100_000, Attempts: 1_000_000}, kept
	}
	var sent pgtest.Recorder
	db, err := pgtest.OpenFilled(dir, size, postgres.Config{Tracer: &sent})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Stop(); err != nil {
			b.Error(err)
		}
	})
	ago := func(days int) time.Time { return time.Now().AddDate(0, 0, -days) }
	for _, sweep := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"sessions", func(ctx context.Context) error {
			_, err := db.SweepSessions(ctx, ago(30))
			return err
		}},
		{"attempts", func(ctx context.Context) error {
			_, err := db.SweepAttempts(ctx, ago(1))
			return err
		}},
		{"registrations", func(ctx context.Context) error {
			_, err := db.SweepPending(ctx, ago(7))
			return err
		}},
		{"tokens-and-acts", db.SweepAccounts},
		{"archives", db.SweepExports},
	} {
		b.Run(sweep.name, func(b *testing.B) {
			sent.Take()
			for b.Loop() {
				if err := sweep.run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rowsRead(b, db, sent.Take()))/float64(b.N), "rows-read")
		})
	}
}

// rowsRead returns the number of rows that statements read.
func rowsRead(b *testing.B, db *pgtest.Database, statements []pgtest.Statement) (rows int) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), db.Cluster.URL())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(b.Context()))
	for _, s := range statements {
		p, err := pgtest.Explain(b.Context(), conn, s, pgtest.Custom)
		if err != nil {
			b.Fatal(err)
		}
		rows += p.Read
	}
	return rows
}
