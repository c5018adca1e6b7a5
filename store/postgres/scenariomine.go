package postgres

import (
	"context"

	"bedside/store"
)

// mine adds the conditions about an account's own practice.
func (s *scenarioQuery) mine(f store.ScenarioFilter) {
	if f.Tried != nil {
		s.always = append(s.always, not(*f.Tried)+`EXISTS (SELECT 1 FROM attempts a
			WHERE a.candidate_id = `+s.arg(f.UserID)+`::uuid AND a.scenario_id = c.id
				AND a.started_at IS NOT NULL)`)
	}
	if f.Bookmarked != nil && *f.Bookmarked {
		s.always = append(s.always, "false")
	}
}

func not(yes bool) string {
	if yes {
		return ""
	}
	return "NOT "
}

// ScenariosMine returns what a user has done with scenarios, by their id. It leaves out those with
// which the user has done nothing.
func (db *DB) ScenariosMine(ctx context.Context, userID string, ids []string) (
	map[string]store.ScenarioMine, error) {
	type row struct {
		id   string
		mine store.ScenarioMine
	}
	mine := make(map[string]store.ScenarioMine, len(ids))
	err := db.do(ctx, "scenarios", func(ctx context.Context, q querier) error {
		rows, err := collect(ctx, q, `SELECT a.scenario_id::text, count(*) FROM attempts a
			WHERE a.candidate_id = $1 AND a.scenario_id = ANY ($2::uuid[])
				AND a.started_at IS NOT NULL GROUP BY 1`, []any{userID, ids},
			func(r *row) []any { return []any{&r.id, &r.mine.Tried} })
		for _, r := range rows {
			mine[r.id] = r.mine
		}
		return err
	})
	return mine, err
}
