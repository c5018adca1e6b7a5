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

// riverVersion is the version of River's own migrations that jobTables runs. When a new release of
// River adds a migration, add one here as well.
const riverVersion = 8

// jobTables returns migration 10, which creates River's tables.
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
