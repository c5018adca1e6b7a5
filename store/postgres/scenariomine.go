package postgres

import (
	"context"

	"bedside/store"
)

// mine adds the conditions about an account's own practice.
func (s *scenarioQuery) mine(f store.ScenarioFilter) {
	if f.Tried != nil {
		s.always = append(s.always, not(*f.Tried)+`EXISTS (SELECT 1 FROM progress p
			WHERE p.user_id = `+s.arg(f.UserID)+`::uuid AND p.scenario_id = c.id)`)
	}
	if f.Bookmarked != nil {
		s.always = append(s.always, not(*f.Bookmarked)+`EXISTS (SELECT 1 FROM scenario_marks m
			WHERE m.user_id = `+s.arg(f.UserID)+`::uuid AND m.scenario_id = c.id
				AND m.bookmarked_at IS NOT NULL)`)
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
		rows, err := collect(ctx, q, `SELECT coalesce(p.scenario_id, m.scenario_id)::text,
				coalesce(p.attempts, 0), coalesce(p.reported, 0), m.bookmarked_at IS NOT NULL
			FROM (SELECT * FROM progress
				WHERE user_id = $1 AND scenario_id = ANY ($2::uuid[])) p
			FULL JOIN (SELECT * FROM scenario_marks
				WHERE user_id = $1 AND scenario_id = ANY ($2::uuid[])) m
				ON m.scenario_id = p.scenario_id`, []any{userID, ids},
			func(r *row) []any {
				return []any{&r.id, &r.mine.Tried, &r.mine.Reported, &r.mine.Bookmarked}
			})
		for _, r := range rows {
			mine[r.id] = r.mine
		}
		return err
	})
	return mine, err
}
