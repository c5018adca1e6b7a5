package postgres

import (
	"context"
	"fmt"

	"bedside/store"

	"github.com/google/uuid"
)

const scenarioColumns = summaryColumns + `, c.candidate_card, c.interlocutor_card`

func scenarioTargets(s *store.Scenario) []any {
	return append(summaryTargets(s), &s.Candidate, &s.Patient)
}

const summaryColumns = `c.id::text, c.slug, c.title, c.profession, c.summary, c.difficulty,
	c.prepare_seconds, c.play_seconds`

func summaryTargets(s *store.Scenario) []any {
	return []any{
		&s.ID, &s.Slug, &s.Title, &s.Profession, &s.Summary, &s.Difficulty, &s.PrepareSeconds,
		&s.PlaySeconds,
	}
}

// Scenarios returns every scenario without its cards, by profession and then by difficulty.
func (db *DB) Scenarios(ctx context.Context) (list []store.Scenario, err error) {
	err = db.do(ctx, "scenarios", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q,
			`SELECT `+summaryColumns+` FROM scenarios c
				ORDER BY c.profession, c.difficulty, c.slug`, nil, summaryTargets)
		return err
	})
	return list, err
}

// ScenarioBySlug returns the scenario with a slug, or store.ErrNotFound.
func (db *DB) ScenarioBySlug(ctx context.Context, slug string) (s store.Scenario, err error) {
	err = db.do(ctx, "scenario", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+scenarioColumns+` FROM scenarios c WHERE c.slug = $1`,
			[]any{slug}, scenarioTargets(&s))
	})
	return s, err
}

// SaveScenario saves a scenario under its slug and returns it with its id, which stays the same
// when the slug exists. It returns store.ErrInvalid when the scenario is not valid.
func (db *DB) SaveScenario(ctx context.Context, s store.Scenario) (store.Scenario, error) {
	if err := s.Validate(); err != nil {
		return s, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return s, fmt.Errorf("scenario id: %w", err)
	}
	err = db.do(ctx, "scenario", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `INSERT INTO scenarios (id, slug, title, profession, summary,
				difficulty, prepare_seconds, play_seconds, candidate_card, interlocutor_card)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (slug) DO UPDATE SET title = excluded.title,
				profession = excluded.profession, summary = excluded.summary,
				difficulty = excluded.difficulty, prepare_seconds = excluded.prepare_seconds,
				play_seconds = excluded.play_seconds, candidate_card = excluded.candidate_card,
				interlocutor_card = excluded.interlocutor_card
			RETURNING id::text`,
			[]any{id.String(), s.Slug, s.Title, s.Profession, s.Summary, s.Difficulty,
				s.PrepareSeconds, s.PlaySeconds, s.Candidate, s.Patient}, []any{&s.ID})
	})
	return s, err
}
