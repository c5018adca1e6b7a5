package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverVersion is the newest of River's own migrations that we have taken. A newer River that
// brings another one needs a migration of ours beside jobTables.
const riverVersion = 8

// jobTables makes River's tables, as migration 10 of ours.
func jobTables(pool *pgxpool.Config) *goose.Migration {
	run := func(direction rivermigrate.Direction, target int) *goose.GoFunc {
		return &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error {
			p, err := pgxpool.NewWithConfig(ctx, pool)
			if err != nil {
				return err
			}
			defer p.Close()
			m, err := rivermigrate.New(riverpgxv5.New(p), nil)
			if err != nil {
				return err
			}
			if _, err := m.Migrate(ctx, direction, &rivermigrate.MigrateOpts{
				TargetVersion: target,
			}); err != nil {
				return fmt.Errorf("tables of the job queue: %w", err)
			}
			return nil
		}}
	}
	return goose.NewGoMigration(10, run(rivermigrate.DirectionUp, riverVersion),
		run(rivermigrate.DirectionDown, -1))
}
