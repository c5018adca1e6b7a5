package postgres

import (
	"context"

	"bedside/store"
)

// SeedScenario is the part of Seed for one scenario, so that tests can ship another text.
func (db *DB) SeedScenario(ctx context.Context, s store.Scenario) error {
	return db.seedScenario(ctx, s)
}
