package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// Limits of what an overview contains. The latest are those that count.
const (
	maxProgress = 500
	maxPlays    = 5000
	maxResults  = 100 // of a criterion
)

// practisedColumns are the columns of scenarios c that name one of which something is counted.
const practisedColumns = `c.id::text, c.slug, c.title, c.profession, c.difficulty, c.criteria`

func practisedTargets(s *store.Scenario) []any {
	return []any{&s.ID, &s.Slug, &s.Title, &s.Profession, &s.Difficulty, &s.Criteria}
}

// progressColumns are the columns of progress p, of its results b and l, of scenario_marks m and
// of scenarios c. Each but c may be missing.
const progressColumns = `coalesce(p.attempts, 0), coalesce(p.reported, 0),
	coalesce(p.practice_seconds, 0), p.last_at,
	coalesce(b.attempt_id::text, ''), coalesce(b.at, 'epoch'), coalesce(b.low, 0),
	coalesce(b.high, 0), coalesce(l.attempt_id::text, ''), coalesce(l.at, 'epoch'),
	coalesce(l.low, 0), coalesce(l.high, 0),
	m.bookmarked_at, m.card_read_at, coalesce(m.notes, ''), m.updated_at, ` + practisedColumns

const progressResults = `
	LEFT JOIN results b ON b.attempt_id = p.best_attempt AND b.criterion = 'overall'
	LEFT JOIN results l ON l.attempt_id = p.latest_attempt AND l.criterion = 'overall'`

// progressRow is a row of progressColumns.
type progressRow struct {
	store.Progress
	seconds      int
	best, latest store.Result
}

func progressTargets(r *progressRow) []any {
	m := &r.Marks
	return append([]any{
		&r.Attempts, &r.Reported, &r.seconds, &r.LastAt,
		&r.best.AttemptID, &r.best.At, &r.best.Low, &r.best.High,
		&r.latest.AttemptID, &r.latest.At, &r.latest.Low, &r.latest.High,
		&m.BookmarkedAt, &m.CardReadAt, &m.Notes, &m.UpdatedAt,
	}, practisedTargets(&r.Scenario)...)
}

func (r progressRow) progress() store.Progress {
	p := r.Progress
	p.Practice = time.Duration(r.seconds) * time.Second
	for at, from := range map[**store.Result]store.Result{&p.Best: r.best, &p.Latest: r.latest} {
		if from.AttemptID != "" {
			from.Criterion = store.ResultOverall
			*at = &from
		}
	}
	return p
}

// Progress returns what a user has done with a scenario, whose id or slug is given. It returns
// store.ErrNotFound when there is no such scenario, or it was never published.
func (db *DB) Progress(ctx context.Context, userID, scenario string) (p store.Progress,
	err error) {
	err = db.do(ctx, "progress", func(ctx context.Context, q querier) error {
		p, err = progressOf(ctx, q, userID, scenario)
		return err
	})
	return p, err
}

func progressOf(ctx context.Context, q querier, userID, scenario string) (store.Progress, error) {
	var r progressRow
	err := scanOne(ctx, q, `SELECT `+progressColumns+` FROM scenarios c
		LEFT JOIN progress p ON p.user_id = $2 AND p.scenario_id = c.id
		LEFT JOIN scenario_marks m ON m.user_id = $2 AND m.scenario_id = c.id`+progressResults+`
		WHERE c.published_version IS NOT NULL AND `+refers(scenario), []any{scenario, userID},
		progressTargets(&r))
	return r.progress(), err
}

// ChangeMarks changes what a user notes about a scenario, whose id or slug is given, and returns
// the user's progress. It returns store.ErrNotFound when there is no such scenario.
func (db *DB) ChangeMarks(ctx context.Context, userID, scenario string,
	change store.MarksChange) (p store.Progress, err error) {
	err = db.transact(ctx, "progress", func(ctx context.Context, q querier) error {
		if p, err = progressOf(ctx, q, userID, scenario); err != nil {
			return err
		}
		now := db.now()
		if _, err := q.Exec(ctx, `INSERT INTO scenario_marks (user_id, scenario_id, updated_at)
			VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			userID, p.Scenario.ID, now); err != nil {
			return err
		}
		m := &p.Marks
		if err := scanOne(ctx, q, `SELECT bookmarked_at, card_read_at, notes FROM scenario_marks
			WHERE user_id = $1 AND scenario_id = $2 FOR UPDATE`, []any{userID, p.Scenario.ID},
			[]any{&m.BookmarkedAt, &m.CardReadAt, &m.Notes}); err != nil {
			return err
		}
		m.Apply(change, now)
		_, err := q.Exec(ctx, `UPDATE scenario_marks SET bookmarked_at = $3, card_read_at = $4,
			notes = $5, updated_at = $6 WHERE user_id = $1 AND scenario_id = $2`,
			userID, p.Scenario.ID, m.BookmarkedAt, m.CardReadAt, m.Notes, now)
		return err
	})
	return p, err
}

// Overview returns all that a user has practised: the latest scenarios, plays and results.
func (db *DB) Overview(ctx context.Context, userID string) (o store.Overview, err error) {
	if !store.IsID(userID) {
		return o, fmt.Errorf("progress: %w", store.ErrNotFound)
	}
	err = errors.Join(
		db.do(ctx, "progress", func(ctx context.Context, q querier) (err error) {
			o.Progress, err = progressList(ctx, q, userID)
			return err
		}),
		db.do(ctx, "plays", func(ctx context.Context, q querier) (err error) {
			o.Plays, err = plays(ctx, q, userID)
			return err
		}),
		db.do(ctx, "results", func(ctx context.Context, q querier) (err error) {
			o.Results, err = resultsOf(ctx, q, userID)
			return err
		}))
	return o, err
}

func progressList(ctx context.Context, q querier, userID string) ([]store.Progress, error) {
	rows, err := collect(ctx, q, `SELECT `+progressColumns+`
		FROM (SELECT * FROM progress WHERE user_id = $1) p
		FULL JOIN (SELECT * FROM scenario_marks WHERE user_id = $1) m
			ON m.scenario_id = p.scenario_id
		JOIN scenarios c ON c.id = coalesce(p.scenario_id, m.scenario_id)`+progressResults+`
		ORDER BY p.last_at DESC NULLS LAST, c.slug LIMIT `+strconv.Itoa(maxProgress),
		[]any{userID}, progressTargets)
	list := make([]store.Progress, len(rows))
	for i, r := range rows {
		list[i] = r.progress()
	}
	return list, err
}

func plays(ctx context.Context, q querier, userID string) ([]store.Play, error) {
	type row struct {
		at      time.Time
		seconds int
	}
	rows, err := collect(ctx, q, `SELECT started_at, practice_seconds(started_at, ended_at) FROM (
			SELECT started_at, ended_at FROM attempts
			WHERE candidate_id >= $1 AND candidate_id <= $1 AND started_at IS NOT NULL
			ORDER BY candidate_id DESC, id DESC LIMIT `+strconv.Itoa(maxPlays)+`) a`,
		[]any{userID}, func(r *row) []any { return []any{&r.at, &r.seconds} })
	list := make([]store.Play, len(rows))
	for i, r := range rows {
		list[i] = store.Play{
			StartedAt: r.at, Practice: time.Duration(r.seconds) * time.Second,
		}
	}
	return list, err
}

func resultsOf(ctx context.Context, q querier, userID string) ([]store.Result, error) {
	return collect(ctx, q, `SELECT attempt_id::text, criterion, at, low, high FROM (
			SELECT *, row_number() OVER (PARTITION BY criterion ORDER BY at DESC, attempt_id DESC)
				AS nth FROM results WHERE candidate_id = $1) r
		WHERE nth <= `+strconv.Itoa(maxResults)+` ORDER BY criterion, at, attempt_id`,
		[]any{userID}, func(r *store.Result) []any {
			return []any{&r.AttemptID, &r.Criterion, &r.At, &r.Low, &r.High}
		})
}

// PlayableScenarios returns the scenarios that can be practised, without their text, at most a
// thousand.
func (db *DB) PlayableScenarios(ctx context.Context) (list []store.Scenario, err error) {
	err = db.do(ctx, "scenarios", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT `+practisedColumns+` FROM scenarios c
			WHERE c.state = 'published' ORDER BY c.slug LIMIT 1000`, nil, practisedTargets)
		return err
	})
	return list, err
}

// saveResults replaces the scores of an attempt, in the transaction that saves its report. The
// candidate's progress follows.
func saveResults(ctx context.Context, q pgx.Tx, a store.Attempt, results []store.Result) error {
	if _, err := q.Exec(ctx, `DELETE FROM results WHERE attempt_id = $1`, a.ID); err != nil {
		return err
	}
	for _, r := range results {
		if _, err := q.Exec(ctx, `INSERT INTO results
			(attempt_id, criterion, candidate_id, at, low, high) VALUES ($1, $2, $3, $4, $5, $6)`,
			a.ID, r.Criterion, a.CandidateID, a.StartedAt, r.Low, r.High); err != nil {
			return err
		}
	}
	return nil
}
