package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bedside/store"
	"bedside/store/scenario"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// CreateScenario saves a new draft and, in the same transaction, the act that rule returns of it.
// It returns store.ErrConflict when the slug is taken, and store.ErrLimit when the author has
// store.MaxDrafts drafts or there are store.MaxScenarios scenarios.
func (db *DB) CreateScenario(ctx context.Context, s store.Scenario, authorID, note string,
	rule func(store.ScenarioEntry) store.Act) (e store.ScenarioEntry, err error) {
	err = db.within(ctx, "scenario", func(ctx context.Context, tx pgx.Tx) error {
		if e, err = db.createScenario(ctx, tx, s, authorID, note); err != nil {
			return err
		}
		return db.record(ctx, tx, rule(e))
	})
	return e, err
}

func (db *DB) createScenario(ctx context.Context, tx pgx.Tx, s store.Scenario, authorID,
	note string) (e store.ScenarioEntry, err error) {
	// The lock makes the counts exact; changes wait for it anyway when they end.
	if _, err := tx.Exec(ctx, `SELECT 1 FROM catalogue_generation FOR UPDATE`); err != nil {
		return e, err
	}
	var all, drafts int
	if err := scanOne(ctx, tx, `SELECT (SELECT count(*) FROM scenarios),
			(SELECT count(*) FROM scenarios WHERE created_by = $1 AND state = 'draft')`,
		[]any{authorID}, []any{&all, &drafts}); err != nil {
		return e, err
	}
	if all >= store.MaxScenarios || drafts >= store.MaxDrafts {
		return e, fmt.Errorf("%d scenarios, %d drafts of the account: %w", all, drafts,
			store.ErrLimit)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return e, fmt.Errorf("scenario id: %w", err)
	}
	now := db.now()
	e = store.ScenarioEntry{
		ID: id.String(), Slug: s.Slug, State: store.ScenarioDraft, Version: 1,
		CreatedBy: authorID, UpdatedBy: authorID, CreatedAt: now, UpdatedAt: now,
	}
	if err := insertEntry(ctx, tx, e); err != nil {
		return e, err
	}
	return e, saveVersion(ctx, tx, e, s, note)
}

// insertEntry saves a new scenario, whose columns of the text saveVersion sets.
func insertEntry(ctx context.Context, q querier, e store.ScenarioEntry) error {
	_, err := q.Exec(ctx, `INSERT INTO scenarios (id, slug, state, version, published_version,
			built_in, created_by, updated_by, created_at, updated_at, published_at,
			title, profession, summary, difficulty, prepare_seconds, play_seconds)
		VALUES ($1, $2, $3, $4, nullif($5, 0), $6, nullif($7, '')::uuid, nullif($7, '')::uuid,
			$8, $8, $9, '', '', '', 1, 0, 0)`,
		e.ID, e.Slug, e.State, e.Version, e.Published, e.BuiltIn, e.CreatedBy, e.CreatedAt,
		e.PublishedAt)
	return err
}

// saveVersion saves a text as the latest version of a scenario.
func saveVersion(ctx context.Context, q querier, e store.ScenarioEntry, s store.Scenario,
	note string) error {
	document, err := documentOf(s)
	if err != nil {
		return err
	}
	if _, err := q.Exec(ctx, `INSERT INTO scenario_versions (scenario_id, version, slug, title,
			profession, document, note, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, '')::uuid, $9)`,
		e.ID, e.Version, s.Slug, s.Title, s.Profession, document, note, e.UpdatedBy,
		e.UpdatedAt); err != nil {
		return err
	}
	if s.Picture != nil && s.Picture.Media != "" {
		// A trigger has saved what the document refers to; this finds out whether it exists.
		tag, err := q.Exec(ctx, `INSERT INTO media_uses (media_id, scenario_id, version)
			SELECT id, $2, $3 FROM media WHERE id = $1 AND kind = 'scenario'
			ON CONFLICT (media_id, scenario_id, version) DO UPDATE SET version = excluded.version`,
			s.Picture.Media, e.ID, e.Version)
		// A picture of the program may not be among the media yet; it is never removed.
		_, _, shipped := scenario.PictureByID(s.Picture.Media)
		if err == nil && tag.RowsAffected() == 0 && !shipped {
			err = fmt.Errorf("there is no picture %s: %w", s.Picture.Media, store.ErrInvalid)
		}
		if err != nil {
			return err
		}
	}
	return listVersion(ctx, q, e.ID)
}

// documentOf returns the JSON of a scenario as it is stored.
func documentOf(s store.Scenario) ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Slug, err)
	}
	return b, nil
}

// listVersion sets the columns of a scenario that lists and searches use: those of the published
// version, or of the latest while none was published.
func listVersion(ctx context.Context, q querier, id string) error {
	_, err := q.Exec(ctx, `UPDATE scenarios c SET title = d->>'title',
			profession = d->>'profession', summary = d->>'summary',
			difficulty = (d->>'difficulty')::int,
			prepare_seconds = (d->>'prepare_seconds')::int,
			play_seconds = (d->>'play_seconds')::int, setting = coalesce(d->>'setting', ''),
			clinical_focus = coalesce(d->>'clinical_focus', ''),
			criteria = `+textArray("criteria")+`, tags = `+textArray("tags")+`,
			picture = nullif(d->'picture', 'null'), search = scenario_search(d),
			has_dialogue = coalesce(jsonb_typeof(d->'dialogue') = 'object', false)
		FROM (SELECT v.scenario_id, v.version, v.document AS d FROM scenario_versions v
			WHERE v.scenario_id = $1) v
		WHERE c.id = $1 AND v.version = coalesce(c.published_version, c.version)`, id)
	return err
}

// textArray is an SQL array of the texts in a list of the document d, which may be missing.
func textArray(key string) string {
	return `ARRAY(SELECT jsonb_array_elements_text(nullif(d->'` + key + `', 'null')))`
}

// ChangeScenario locks a scenario, given by its id or slug, runs a rule on it and saves the
// result: the state, a new version if there is one, and the act. authorID is who makes the change.
// It returns store.ErrNotFound when there is no such scenario, and store.ErrConflict when the new
// slug is taken.
func (db *DB) ChangeScenario(ctx context.Context, ref, authorID string,
	rule func(e *store.ScenarioEntry) (store.ScenarioChange, error)) (e store.ScenarioEntry,
	err error) {
	err = db.within(ctx, "scenario", func(ctx context.Context, tx pgx.Tx) error {
		if e, err = lockScenario(ctx, tx, ref); err != nil {
			return err
		}
		return db.changeScenario(ctx, tx, &e, authorID, rule)
	})
	return e, err
}

func lockScenario(ctx context.Context, q querier, ref string) (e store.ScenarioEntry, err error) {
	err = scanOne(ctx, q, `SELECT `+entryColumns+` FROM scenarios c WHERE `+refers(ref)+`
		FOR UPDATE`, []any{ref}, entryTargets(&e))
	return e, err
}

func (db *DB) changeScenario(ctx context.Context, q querier, e *store.ScenarioEntry,
	authorID string, rule func(*store.ScenarioEntry) (store.ScenarioChange, error)) error {
	before := *e
	change, err := rule(e)
	if err != nil || *e == before {
		return err // it stays as it is
	}
	e.UpdatedBy, e.UpdatedAt = authorID, db.now()
	if _, err := q.Exec(ctx, `UPDATE scenarios SET slug = $2, state = $3, version = $4,
			published_version = nullif($5, 0), edited = $6, updated_by = nullif($7, '')::uuid,
			updated_at = $8, published_at = $9 WHERE id = $1`,
		e.ID, e.Slug, e.State, e.Version, e.Published, e.Edited, e.UpdatedBy, e.UpdatedAt,
		e.PublishedAt); err != nil {
		return err
	}
	if change.Text != nil {
		err = saveVersion(ctx, q, *e, *change.Text, change.Note)
	} else {
		err = listVersion(ctx, q, e.ID)
	}
	if err != nil {
		return err
	}
	return db.record(ctx, q, change.Act)
}

// DeleteScenario deletes a scenario that was never published, and saves the act that rule returns
// in the same transaction. It returns store.ErrState when the scenario was published.
func (db *DB) DeleteScenario(ctx context.Context, ref string,
	rule func(store.ScenarioEntry) store.Act) error {
	return db.within(ctx, "scenario", func(ctx context.Context, tx pgx.Tx) error {
		e, err := lockScenario(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := e.CheckRemovable(); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM scenarios WHERE id = $1`, e.ID); err != nil {
			return err
		}
		return db.record(ctx, tx, rule(e))
	})
}

// ImportScenarios saves scenarios as drafts, in one transaction, with the act that rule returns of
// each. With update, one whose slug exists becomes the latest version of that scenario; otherwise
// the error is store.ErrConflict. The other errors are those of CreateScenario and
// store.ScenarioEntry.Revise.
func (db *DB) ImportScenarios(ctx context.Context, scenarios []store.Scenario, update bool,
	authorID string, rule func(store.ScenarioEntry) store.Act) (entries []store.ScenarioEntry,
	err error) {
	err = db.within(ctx, "scenarios", func(ctx context.Context, tx pgx.Tx) error {
		entries = make([]store.ScenarioEntry, len(scenarios))
		for i, s := range scenarios {
			e, err := lockScenario(ctx, tx, s.Slug)
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				if e, err = db.createScenario(ctx, tx, s, authorID, "Imported"); err == nil {
					err = db.record(ctx, tx, rule(e))
				}
			case err == nil && !update:
				err = fmt.Errorf("scenario %s: %w", s.Slug, store.ErrConflict)
			case err == nil:
				err = db.changeScenario(ctx, tx, &e, authorID,
					func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
						err := e.Revise(0, s.Slug)
						return store.ScenarioChange{
							Text: &s, Note: "Imported", Act: rule(*e),
						}, err
					})
			}
			if err != nil {
				return err
			}
			entries[i] = e
		}
		return nil
	})
	return entries, err
}

// seedScenario inserts a scenario of the program when there is none with its slug. A scenario that
// is there gets the text as a new version, but only if nobody has changed it and it has not had
// that text before, so that an older process that starts does not bring an old text back.
func (db *DB) seedScenario(ctx context.Context, s store.Scenario) error {
	document, err := documentOf(s)
	if err != nil {
		return err
	}
	return db.within(ctx, "scenario", func(ctx context.Context, tx pgx.Tx) error {
		e, err := lockScenario(ctx, tx, s.Slug)
		if errors.Is(err, pgx.ErrNoRows) {
			return db.insertBuiltIn(ctx, tx, s)
		}
		if err != nil || !e.BuiltIn || e.Edited {
			return err
		}
		var had bool
		if err := scanOne(ctx, tx, `SELECT EXISTS (SELECT 1 FROM scenario_versions
				WHERE scenario_id = $1 AND document = $2::jsonb)`,
			[]any{e.ID, string(document)}, []any{&had}); err != nil || had {
			return err
		}
		e.Version++
		e.Published, e.UpdatedAt = e.Version, db.now()
		if _, err := tx.Exec(ctx, `UPDATE scenarios SET version = $2, published_version = $2,
				updated_at = $3 WHERE id = $1`, e.ID, e.Version, e.UpdatedAt); err != nil {
			return err
		}
		return saveVersion(ctx, tx, e, s, "")
	})
}

func (db *DB) insertBuiltIn(ctx context.Context, tx pgx.Tx, s store.Scenario) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("scenario id: %w", err)
	}
	now := db.now()
	e := store.ScenarioEntry{
		ID: id.String(), Slug: s.Slug, State: store.ScenarioPublished, Version: 1, Published: 1,
		BuiltIn: true, CreatedAt: now, UpdatedAt: now, PublishedAt: &now,
	}
	if err := insertEntry(ctx, tx, e); err != nil {
		return err
	}
	return saveVersion(ctx, tx, e, s, "")
}
