package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

//go:embed fill.sql
var fillScript string

// FillSize is how much Fill puts into a database.
type FillSize struct{ Users, Attempts int }

// Tutors is the number of tutors, with the one administrator.
func (s FillSize) Tutors() int { return max(s.Users/300, 5) }

// Busy is the number of candidates who have a tenth of all attempts.
func (s FillSize) Busy() int { return max(s.Users/5000, 3) }

// Validate returns store.ErrInvalid when a number is too small or too large.
func (s FillSize) Validate() error {
	if s.Users < 20 || s.Users > 2_000_000 || s.Attempts < 0 || s.Attempts > 20_000_000 {
		return fmt.Errorf("20 to 2000000 users and at most 20000000 attempts: %w",
			store.ErrInvalid)
	}
	return nil
}

// FillVersion returns a text that changes with what Fill does.
func FillVersion() string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(fillScript)))
}

// HasRealAccounts reports whether there is an account that is not a demo account.
func (db *DB) HasRealAccounts(ctx context.Context) (has bool, err error) {
	var demo []string
	for _, u := range DemoUsers() {
		demo = append(demo, u.Email)
	}
	err = db.do(ctx, "users", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q,
			`SELECT EXISTS (SELECT 1 FROM users WHERE email <> ALL ($1::text[]))`, []any{demo},
			[]any{&has})
	})
	return has, err
}

// Fill puts accounts, attempts and everything that belongs to them into a database whose tables
// and scenarios are there, in one transaction. It spreads them as years of use do: most candidates
// have ten attempts, a few have thousands. Rows are the same for the same size, but their times
// end at the current hour. Nobody can sign in to the accounts. 100,000 users and 1,000,000
// attempts take about two minutes. It calls report before each step.
//
// It needs a database user who may turn triggers off, and locks whole tables, so that no server
// should use the database.
func (db *DB) Fill(ctx context.Context, size FillSize, report func(step string)) error {
	if err := size.Validate(); err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, db.unlimited().ConnConfig)
	if err != nil {
		return translate(ctx, "filling the database", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	script := strings.NewReplacer(
		"{users}", strconv.Itoa(size.Users), "{attempts}", strconv.Itoa(size.Attempts),
		"{tutors}", strconv.Itoa(size.Tutors()), "{heavy}", strconv.Itoa(size.Busy()),
	).Replace(fillScript)
	steps := strings.Split(script, "-- step: ")
	tx, err := conn.Begin(ctx)
	if err != nil {
		return translate(ctx, "filling the database", err)
	}
	for _, step := range steps[1:] {
		name, sql, _ := strings.Cut(step, "\n")
		report(name)
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return translate(ctx, name, err) // closing the connection rolls back
		}
	}
	report("commit")
	if err := tx.Commit(ctx); err != nil {
		return translate(ctx, "filling the database", err)
	}
	report("statistics")
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return translate(ctx, "statistics", err)
}
