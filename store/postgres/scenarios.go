package postgres

import (
	"context"
	"fmt"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// scenarioColumns are the columns of scenario_versions v with the text of a scenario.
const scenarioColumns = `v.document, v.scenario_id::text, v.slug, v.version`

func scenarioTargets(s *store.Scenario) []any {
	return []any{s, &s.ID, &s.Slug, &s.Version}
}

// PublishedScenario returns the published version of a scenario, by its id or slug. It returns
// store.ErrNotFound when there is none, and store.ErrState when the scenario is archived.
func (db *DB) PublishedScenario(ctx context.Context, ref string) (s store.Scenario, err error) {
	err = db.do(ctx, "scenario", func(ctx context.Context, q querier) error {
		var state store.ScenarioState
		if err := scanOne(ctx, q, `SELECT c.state, `+scenarioColumns+`
			FROM scenarios c JOIN scenario_versions v
				ON (v.scenario_id, v.version) = (c.id, c.published_version)
			WHERE `+refers(ref), []any{ref}, append([]any{&state}, scenarioTargets(&s)...),
		); err != nil {
			return err
		}
		if state == store.ScenarioArchived {
			return fmt.Errorf("scenario %s is archived: %w", s.Slug, store.ErrState)
		}
		return nil
	})
	if err != nil {
		return store.Scenario{}, err
	}
	return s, nil
}

const entryColumns = `c.id::text, c.slug, c.state, c.version, coalesce(c.published_version, 0),
	c.built_in, c.edited, coalesce(c.created_by::text, ''), coalesce(c.updated_by::text, ''),
	c.created_at, c.updated_at, c.published_at`

func entryTargets(e *store.ScenarioEntry) []any {
	return []any{
		&e.ID, &e.Slug, &e.State, &e.Version, &e.Published, &e.BuiltIn, &e.Edited, &e.CreatedBy,
		&e.UpdatedBy, &e.CreatedAt, &e.UpdatedAt, &e.PublishedAt,
	}
}

// refers is a condition on scenarios c: $1 is their id or slug.
func refers(ref string) string {
	if store.IsID(ref) {
		return "c.id = $1::uuid"
	}
	return "c.slug = $1"
}

// LibraryScenario returns a scenario in any state, by its id or slug, with the text of a version,
// or of the latest when version is 0. It returns store.ErrNotFound when there is none.
func (db *DB) LibraryScenario(ctx context.Context, ref string, version int) (
	e store.ScenarioEntry, s store.Scenario, err error) {
	err = db.do(ctx, "scenario", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+entryColumns+`, `+scenarioColumns+`
			FROM scenarios c JOIN scenario_versions v ON v.scenario_id = c.id
				AND v.version = CASE $2::int WHEN 0 THEN c.version ELSE $2 END
			WHERE `+refers(ref), []any{ref, version},
			append(entryTargets(&e), scenarioTargets(&s)...))
	})
	return e, s, err
}

// ScenarioVersions returns the versions of a scenario, newest first, or store.ErrNotFound.
func (db *DB) ScenarioVersions(ctx context.Context, ref string) (list []store.ScenarioVersion,
	err error) {
	err = db.do(ctx, "scenario versions", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT v.version, v.title, v.note,
				coalesce(v.created_by::text, ''),
				coalesce((SELECT name FROM users WHERE id = v.created_by), ''), v.created_at
			FROM scenarios c JOIN scenario_versions v ON v.scenario_id = c.id
			WHERE `+refers(ref)+` ORDER BY v.version DESC`, []any{ref},
			func(v *store.ScenarioVersion) []any {
				return []any{&v.Version, &v.Title, &v.Note, &v.AuthorID, &v.AuthorName,
					&v.CreatedAt}
			})
		if err == nil && len(list) == 0 {
			return pgx.ErrNoRows
		}
		return err
	})
	return list, err
}

// CatalogueGeneration returns a text that changes with every change of a scenario. It is read from
// the database, so that a read after a change gets the new one, on every node.
func (db *DB) CatalogueGeneration(ctx context.Context) (generation string, err error) {
	err = db.do(ctx, "catalogue", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT number || '-' || token FROM catalogue_generation`, nil,
			[]any{&generation})
	})
	return generation, err
}
