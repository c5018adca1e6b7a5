package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const attemptColumns = `a.id::text, a.scenario_id::text, a.scenario_version,
	a.candidate_id::text, coalesce(a.partner_id::text, ''), a.state, a.consent, a.created_at,
	a.prepared_at, a.started_at, a.ended_at, a.problem, a.fence, coalesce(a.exam_id::text, ''),
	coalesce(a.exam_position, 0), coalesce(a.exam_replaces, false), a.patient,
	CASE WHEN a.exam_id IS NULL THEN a.mode ELSE 'exam' END`

func attemptTargets(a *store.Attempt) []any {
	return []any{&a.ID, &a.ScenarioID, &a.ScenarioVersion, &a.CandidateID, &a.PartnerID, &a.State,
		&a.Consent, &a.CreatedAt, &a.PreparedAt, &a.StartedAt, &a.EndedAt, &a.Problem, &a.Fence,
		&a.Exam.ID, &a.Exam.Position, &a.Exam.Replaces, &a.Patient, &a.Mode}
}

// ofAttempt joins attempts a with the versions v of their scenarios.
const ofAttempt = `attempts a JOIN scenario_versions v
	ON (v.scenario_id, v.version) = (a.scenario_id, a.scenario_version)`

// viewColumns are the columns of ofAttempt with the names that a list shows. The names are read by
// subqueries, so that no plan reads all users to join them.
const viewColumns = attemptColumns + `, v.slug, v.title, v.profession,
	(SELECT name FROM users WHERE id = a.candidate_id),
	coalesce((SELECT name FROM users WHERE id = a.partner_id), '')`

func viewTargets(v *store.AttemptView) []any {
	return append(attemptTargets(&v.Attempt), &v.ScenarioSlug, &v.ScenarioTitle, &v.Profession,
		&v.CandidateName, &v.PartnerName)
}

// CreateAttempt saves a new attempt of a candidate at the published version of a scenario. It
// returns store.ErrState when the scenario is not published, and store.ErrNotFound when there is
// no such candidate.
func (db *DB) CreateAttempt(ctx context.Context, n store.NewAttempt) (store.Attempt, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return store.Attempt{}, fmt.Errorf("attempt id: %w", err)
	}
	a := store.Attempt{
		ID: id.String(), ScenarioID: n.ScenarioID, CandidateID: n.CandidateID,
		State: store.AttemptCreated, Consent: n.Consent, CreatedAt: db.now(),
		Patient: cmp.Or(n.Patient, store.PatientTutor), Mode: cmp.Or(n.Mode, store.ModePractice),
		PartnerID: n.PartnerID,
	}
	err = db.do(ctx, "attempt", func(ctx context.Context, q querier) error {
		err := scanOne(ctx, q, `INSERT INTO attempts
				(id, scenario_id, scenario_version, candidate_id, state, consent, created_at,
				patient, mode, partner_id)
			SELECT $1::uuid, c.id, c.published_version, $3::uuid, $4::text, $5::boolean,
				$6::timestamptz, $7::text, $8::text, nullif($9::text, '')::uuid FROM scenarios c
			WHERE c.id = $2 AND c.state = 'published' RETURNING scenario_version`,
			[]any{a.ID, a.ScenarioID, a.CandidateID, a.State, a.Consent, a.CreatedAt, a.Patient,
				a.Mode, a.PartnerID},
			[]any{&a.ScenarioVersion})
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("the scenario is not published: %w", store.ErrState)
		}
		return err
	})
	return a, err
}

// Attempt returns an attempt and its scenario, or store.ErrNotFound.
func (db *DB) Attempt(ctx context.Context, id string) (a store.Attempt, s store.Scenario,
	err error) {
	if !store.IsID(id) {
		return a, s, fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "attempt", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+attemptColumns+`, `+scenarioColumns+`
			FROM `+ofAttempt+` WHERE a.id = $1`,
			[]any{id}, append(attemptTargets(&a), scenarioTargets(&s)...))
	})
	return a, s, err
}

// FindAttempt returns an attempt without its scenario, or store.ErrNotFound.
func (db *DB) FindAttempt(ctx context.Context, id string) (a store.Attempt, err error) {
	if !store.IsID(id) {
		return a, fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "attempt", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+attemptColumns+` FROM attempts a WHERE a.id = $1`,
			[]any{id}, attemptTargets(&a))
	})
	return a, err
}

// AttemptView returns an attempt with the names that a list shows, and its scenario, or
// store.ErrNotFound.
func (db *DB) AttemptView(ctx context.Context, id string) (v store.AttemptView, s store.Scenario,
	err error) {
	if !store.IsID(id) {
		return v, s, fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "attempt", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+viewColumns+`, `+scenarioColumns+`
			FROM `+ofAttempt+` WHERE a.id = $1`,
			[]any{id}, append(viewTargets(&v), scenarioTargets(&s)...))
	})
	return v, s, err
}

// AttemptsOf returns at most limit attempts in which the user is the candidate or the partner,
// newest first. before is the id of the last attempt of the page before, or empty; anything else
// is store.ErrInvalid.
func (db *DB) AttemptsOf(ctx context.Context, userID, before string,
	limit int) (list []store.AttemptView, err error) {
	return db.FilterAttempts(ctx, store.AttemptFilter{
		UserID: userID, Before: before, Limit: limit,
	})
}

// FilterAttempts returns the attempts in which a user is the candidate or the partner and which
// match a filter, newest first. It returns store.ErrInvalid for a page that there cannot be.
func (db *DB) FilterAttempts(ctx context.Context,
	f store.AttemptFilter) (list []store.AttemptView, err error) {
	if f.Before != "" && !store.IsID(f.Before) {
		return nil, fmt.Errorf("page cursor: %w", store.ErrInvalid)
	}
	args := []any{f.UserID, cmp.Or(f.Before, lastID)}
	condition := "true"
	if f.Scenario != "" {
		args = append(args, f.Scenario)
		condition += fmt.Sprintf(
			" AND scenario_id = (SELECT id FROM scenarios WHERE slug = $%d)", len(args))
		// store.Attempt.Sealed: the candidate must not find out by trying.
		condition += " AND NOT (exam_id IS NOT NULL AND state = 'created' AND candidate_id = $1)"
	}
	if f.State != "" {
		args = append(args, string(f.State))
		condition += fmt.Sprintf(" AND state = $%d", len(args))
	}
	err = db.do(ctx, "attempts", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT `+viewColumns+` FROM (
				(`+pageOf("attempts", "candidate_id", condition, f.Limit)+`) UNION ALL
				(`+pageOf("attempts", "partner_id", condition+" AND candidate_id <> $1", f.Limit)+`)
				ORDER BY id DESC LIMIT `+strconv.Itoa(f.Limit)+`
			) a JOIN scenario_versions v
				ON (v.scenario_id, v.version) = (a.scenario_id, a.scenario_version)
			ORDER BY a.id DESC`,
			args, viewTargets)
		return err
	})
	return list, err
}

// AttemptViews returns the attempts with the ids, oldest first. It leaves out ids that do not
// exist.
func (db *DB) AttemptViews(ctx context.Context, ids []string) (list []store.AttemptView,
	err error) {
	err = db.do(ctx, "attempts", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT `+viewColumns+`
			FROM `+ofAttempt+`
			WHERE a.id = ANY($1::uuid[]) ORDER BY a.id`,
			[]any{ids}, viewTargets)
		return err
	})
	return list, err
}

// PrepareAttempt runs store.Attempt.Prepare on the stored attempt and returns the result. As in
// the three methods below, fence is that of the media node's lease; the error is store.ErrFenced
// when another node has taken the room since.
func (db *DB) PrepareAttempt(ctx context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return db.changeFenced(ctx, id, fence, func(a *store.Attempt) error {
		return a.Prepare(micros(now))
	})
}

// StartAttempt runs store.Attempt.Start on the stored attempt and returns the result.
func (db *DB) StartAttempt(ctx context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return db.changeFenced(ctx, id, fence, func(a *store.Attempt) error {
		return a.Start(micros(now))
	})
}

// FinishAttempt runs store.Attempt.Finish on the stored attempt and returns the result.
func (db *DB) FinishAttempt(ctx context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return db.changeFenced(ctx, id, fence, func(a *store.Attempt) error {
		return a.Finish(micros(now))
	})
}

// AbandonAttempt runs store.Attempt.Abandon on the stored attempt and returns the result.
func (db *DB) AbandonAttempt(ctx context.Context, id string, fence int64,
	now time.Time) (store.Attempt, error) {
	return db.changeFenced(ctx, id, fence, func(a *store.Attempt) error {
		return a.Abandon(micros(now))
	})
}

func (db *DB) changeFenced(ctx context.Context, id string, fence int64,
	rule func(*store.Attempt) error) (store.Attempt, error) {
	return db.changeAttempt(ctx, id, func(a *store.Attempt) error {
		if err := a.CheckFence(fence); err != nil {
			return err
		}
		return rule(a)
	})
}

// RaiseFence increments an attempt's fence and returns it, so that the node that held the room
// before can no longer change the attempt.
func (db *DB) RaiseFence(ctx context.Context, id string) (fence int64, err error) {
	if !store.IsID(id) {
		return 0, fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "attempt", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q,
			`UPDATE attempts SET fence = fence + 1 WHERE id = $1 RETURNING fence`,
			[]any{id}, []any{&fence})
	})
	return fence, err
}

// Fences returns the fences of attempts by id, and leaves out those that do not exist.
func (db *DB) Fences(ctx context.Context, ids []string) (map[string]int64, error) {
	type row struct {
		id    string
		fence int64
	}
	fences := make(map[string]int64, len(ids))
	err := db.do(ctx, "attempts", func(ctx context.Context, q querier) error {
		rows, err := collect(ctx, q,
			`SELECT id::text, fence FROM attempts WHERE id = ANY($1::uuid[])`, []any{ids},
			func(r *row) []any { return []any{&r.id, &r.fence} })
		for _, r := range rows {
			fences[r.id] = r.fence
		}
		return err
	})
	return fences, err
}

// FailAttempt runs store.Attempt.Fail on the stored attempt.
func (db *DB) FailAttempt(ctx context.Context, id, problem string) error {
	_, err := db.changeAttempt(ctx, id, func(a *store.Attempt) error {
		return a.Fail(db.now(), problem)
	})
	return err
}

// SeatPartner runs store.Attempt.Seat on the stored attempt and returns the result.
func (db *DB) SeatPartner(ctx context.Context, id, userID string,
	present bool) (store.Attempt, error) {
	return db.changeAttempt(ctx, id, func(a *store.Attempt) error {
		return a.Seat(userID, present)
	})
}

// SweepAttempts deletes the attempts that were created before a time and that nobody has joined,
// abandons those whose preparation began before it and that were not played, and returns their
// number.
func (db *DB) SweepAttempts(ctx context.Context, before time.Time) (n int64, err error) {
	const batch = 1000
	for more := true; more; {
		err := db.do(ctx, "attempts", func(ctx context.Context, q querier) error {
			var removed int64
			// Analytics go on counting them.
			err := scanOne(ctx, q, `WITH gone AS (
					DELETE FROM attempts WHERE state = 'created' AND id = ANY (
						ARRAY(SELECT id FROM attempts WHERE state = 'created' AND created_at < $1
							ORDER BY created_at LIMIT $2)) RETURNING scenario_id, created_at),
				counted AS (INSERT INTO practice_changes (day, scenario_id, unjoined)
					SELECT (created_at AT TIME ZONE 'UTC')::date, scenario_id, count(*) FROM gone
					GROUP BY 1, 2)
				SELECT count(*) FROM gone`, []any{before, batch}, []any{&removed})
			n += removed
			more = removed == batch
			return err
		})
		if err != nil {
			return n, err
		}
	}
	var unplayed []string
	err = db.do(ctx, "attempts", func(ctx context.Context, q querier) (err error) {
		unplayed, err = ids(ctx, q, `SELECT id::text FROM attempts
			WHERE state = 'preparing' AND created_at < $1 AND prepared_at < $1
			ORDER BY created_at LIMIT $2`, before, batch)
		return err
	})
	if err != nil {
		return n, err
	}
	for _, id := range unplayed {
		_, err := db.changeAttempt(ctx, id, func(a *store.Attempt) error {
			return a.Abandon(db.now())
		})
		switch {
		case err == nil:
			n++
		case !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrNotFound):
			return n, err // otherwise it was played or deleted meanwhile
		}
	}
	return n, nil
}

func (db *DB) changeAttempt(ctx context.Context, id string,
	rule func(*store.Attempt) error) (a store.Attempt, err error) {
	if !store.IsID(id) {
		return a, fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	err = db.transact(ctx, "attempt", func(ctx context.Context, q querier) error {
		a, err = changeAttempt(ctx, q, db.now(), id, rule)
		return err
	})
	return a, err
}

// changeAttempt locks the row of an attempt, runs a rule on it, and saves the result. The state of
// the attempt's exam follows, if it is in one; code that locks both locks the attempt first.
func changeAttempt(ctx context.Context, q querier, now time.Time, id string,
	rule func(*store.Attempt) error) (a store.Attempt, err error) {
	err = scanOne(ctx, q, `SELECT `+attemptColumns+` FROM attempts a WHERE a.id = $1 FOR UPDATE`,
		[]any{id}, attemptTargets(&a))
	if err != nil {
		return a, err
	}
	was := a.State
	if err := rule(&a); err != nil {
		return a, err
	}
	// partner_left means that the partner deleted the account. A new partner who takes the seat
	// before the play resets it, because then nothing was recorded of the old one.
	_, err = q.Exec(ctx, `UPDATE attempts SET partner_id = nullif($2, '')::uuid, state = $3,
		partner_left = partner_left AND
			(started_at IS NOT NULL OR partner_id IS NOT DISTINCT FROM nullif($2, '')::uuid),
		prepared_at = $4, started_at = $5, ended_at = $6, problem = $7 WHERE id = $1`,
		a.ID, a.PartnerID, a.State, a.PreparedAt, a.StartedAt, a.EndedAt, a.Problem)
	if err != nil || a.Exam.ID == "" || a.State == was {
		return a, err
	}
	return a, followExam(ctx, q, a.Exam.ID, now)
}
