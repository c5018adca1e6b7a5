package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const examColumns = `e.id::text, e.candidate_id::text, e.profession, e.consent, e.state,
	e.scenario_1::text, e.version_1, e.replaced_1, e.scenario_2::text, e.version_2, e.replaced_2,
	e.created_at, e.changed_at, e.ended_at`

func examTargets(e *store.Exam) []any {
	return []any{
		&e.ID, &e.CandidateID, &e.Profession, &e.Consent, &e.State, &e.Slots[0].ScenarioID,
		&e.Slots[0].Version, &e.Slots[0].Replaced, &e.Slots[1].ScenarioID, &e.Slots[1].Version,
		&e.Slots[1].Replaced, &e.CreatedAt, &e.ChangedAt, &e.EndedAt,
	}
}

// liveExam is a condition on exams e whose candidate is still needed.
const liveExam = `e.state IN ('warm_up', 'first', 'between', 'second')`

// CreateExam saves a new exam of a candidate, with two scenarios of a profession, which the rules
// of store.ChooseExam choose. It returns store.ErrConflict when the candidate has a live exam, and
// store.ErrState when the profession has fewer than two published scenarios.
func (db *DB) CreateExam(ctx context.Context, candidateID,
	profession string) (e store.Exam, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return e, fmt.Errorf("exam id: %w", err)
	}
	err = db.transact(ctx, "exam", func(ctx context.Context, q querier) error {
		now := db.now()
		if err := noLiveExam(ctx, q, candidateID, now); err != nil {
			return err
		}
		pool, err := examChoices(ctx, q, candidateID, profession)
		if err != nil {
			return err
		}
		pair, ok := store.ChooseExam(id.String(), pool)
		if !ok {
			return fmt.Errorf("%d scenarios of %s: %w", len(pool), profession, store.ErrState)
		}
		e = store.Exam{
			ID: id.String(), CandidateID: candidateID, Profession: profession, Consent: true,
			State: store.ExamWarmUp, CreatedAt: now, ChangedAt: now,
		}
		for i, c := range pair {
			e.Slots[i] = store.ExamSlot{ScenarioID: c.ScenarioID, Version: c.Version}
		}
		_, err = q.Exec(ctx, `INSERT INTO exams (id, candidate_id, profession, consent, state,
				scenario_1, version_1, scenario_2, version_2, created_at, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
			e.ID, e.CandidateID, e.Profession, e.Consent, e.State, e.Slots[0].ScenarioID,
			e.Slots[0].Version, e.Slots[1].ScenarioID, e.Slots[1].Version, now)
		return err
	})
	return e, err
}

// lockCandidate locks a candidate's row. Whoever begins an exam, or goes on with one, decides
// under the lock whether another one is live.
func lockCandidate(ctx context.Context, q querier, candidateID string) error {
	_, err := q.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, candidateID)
	return err
}

// noLiveExam locks a candidate's row, and returns store.ErrConflict when the candidate has a live
// exam. It ends those that have waited for too long.
func noLiveExam(ctx context.Context, q querier, candidateID string, now time.Time) error {
	if err := lockCandidate(ctx, q, candidateID); err != nil {
		return err
	}
	live, err := ids(ctx, q, `SELECT e.id::text FROM exams e
		WHERE e.candidate_id = $1 AND `+liveExam+` ORDER BY e.id`, candidateID)
	if err != nil {
		return err
	}
	for _, id := range live {
		if _, err := forgetAttempts(ctx, q, id, now.Add(-store.ExamPause), now); err != nil {
			return err
		}
		e, err := changeExam(ctx, q, id, func(e *store.Exam) error {
			e.Expire(now)
			return nil
		})
		if err != nil {
			return err
		}
		if e.State.Live() {
			return fmt.Errorf("exam %s is %s: %w", id, e.State, store.ErrConflict)
		}
	}
	return nil
}

// maxChoices is the number of scenarios of which an exam's are chosen.
const maxChoices = 200

// examChoices returns the published scenarios of a profession, and how often a candidate has
// played each.
func examChoices(ctx context.Context, q querier, candidateID,
	profession string) ([]store.ExamChoice, error) {
	return collect(ctx, q, `SELECT c.id::text, c.slug, c.published_version,
			c.clinical_focus, (SELECT count(*) FROM attempts a WHERE a.candidate_id = $1
				AND a.scenario_id = c.id AND a.started_at IS NOT NULL)
		FROM scenarios c WHERE c.state = 'published' AND c.profession = $2
		ORDER BY c.slug LIMIT $3`,
		[]any{candidateID, profession, maxChoices},
		func(c *store.ExamChoice) []any {
			return []any{&c.ScenarioID, &c.Slug, &c.Version, &c.Focus, &c.Tries}
		})
}

// BeginSlot creates the attempt of an exam's next slot. It returns store.ErrState when there is
// none, and store.ErrConflict when a failed role play would be repeated during another live exam.
func (db *DB) BeginSlot(ctx context.Context, examID string) (a store.Attempt, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return a, fmt.Errorf("attempt id: %w", err)
	}
	e, err := db.findExam(ctx, examID)
	if err != nil {
		return a, err
	}
	err = db.transact(ctx, "exam", func(ctx context.Context, q querier) error {
		now := db.now()
		if err := lockCandidate(ctx, q, e.CandidateID); err != nil {
			return err
		}
		e, err := forgetAttempts(ctx, q, examID, now.Add(-store.ExamPause), now)
		if err != nil {
			return err
		}
		if !e.State.Live() {
			if err := noLiveExam(ctx, q, e.CandidateID, now); err != nil {
				return err
			}
		}
		expired := false
		_, err = changeExam(ctx, q, examID, func(e *store.Exam) error {
			if expired = e.Expire(now); expired {
				return nil // saved, although nothing can be begun
			}
			if next, ok := e.Next(now); ok && next.Replaces {
				pool, err := examChoices(ctx, q, e.CandidateID, e.Profession)
				if err != nil {
					return err
				}
				c := store.ChooseReplacement(*e, next.Position, pool)
				slot := &e.Slots[next.Position-1]
				slot.ScenarioID, slot.Version = c.ScenarioID, c.Version
			}
			a = store.Attempt{
				ID: id.String(), CandidateID: e.CandidateID, State: store.AttemptCreated,
				Consent: e.Consent, CreatedAt: now, Patient: store.PatientTutor,
				Mode: store.ModeExam,
			}
			if err := e.Begin(&a, now); err != nil {
				return err
			}
			return insertExamAttempt(ctx, q, a)
		})
		if err != nil {
			return err
		}
		if expired {
			a = store.Attempt{}
		}
		return nil
	})
	if err == nil && a.ID == "" {
		err = fmt.Errorf("the exam waited for too long: %w", store.ErrState)
	}
	return a, err
}

func insertExamAttempt(ctx context.Context, q querier, a store.Attempt) error {
	_, err := q.Exec(ctx, `INSERT INTO attempts (id, scenario_id, scenario_version, candidate_id,
			state, consent, created_at, exam_id, exam_position, exam_replaces, patient, mode)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.ID, a.ScenarioID, a.ScenarioVersion, a.CandidateID, a.State, a.Consent, a.CreatedAt,
		a.Exam.ID, a.Exam.Position, a.Exam.Replaces, a.Patient, a.Mode)
	return err
}

// GiveUpExam runs store.Exam.GiveUp on a stored exam. An attempt that nobody has joined is removed
// before.
func (db *DB) GiveUpExam(ctx context.Context, examID string) error {
	if !store.IsID(examID) {
		return fmt.Errorf("exam: %w", store.ErrNotFound)
	}
	return db.transact(ctx, "exam", func(ctx context.Context, q querier) error {
		now := db.now()
		if _, err := forgetAttempts(ctx, q, examID, now, now); err != nil {
			return err
		}
		_, err := changeExam(ctx, q, examID, func(e *store.Exam) error { return e.GiveUp(now) })
		return err
	})
}

// forgetAttempts removes the attempts of an exam that nobody has joined and that were created by a
// time. Their candidate has not seen a card, so the slot can be begun again. Like changeAttempt it
// locks the attempts before the exam.
func forgetAttempts(ctx context.Context, q querier, examID string,
	by, now time.Time) (store.Exam, error) {
	gone, err := collect(ctx, q, `DELETE FROM attempts a
		WHERE a.exam_id = $1 AND a.state = 'created' AND a.created_at <= $2
		RETURNING `+attemptColumns, []any{examID, by}, attemptTargets)
	if err != nil {
		return store.Exam{}, err
	}
	return changeExam(ctx, q, examID, func(e *store.Exam) error {
		for _, a := range gone {
			e.Forget(a, now)
		}
		e.Follow(now)
		return nil
	})
}

// followExam sets an exam's state after a change of an attempt.
func followExam(ctx context.Context, q querier, examID string, now time.Time) error {
	_, err := changeExam(ctx, q, examID, func(e *store.Exam) error {
		e.Follow(now)
		return nil
	})
	return err
}

// changeExam locks the row of an exam, runs a rule on it, and saves the result.
func changeExam(ctx context.Context, q querier, id string,
	rule func(*store.Exam) error) (e store.Exam, err error) {
	if err := scanOne(ctx, q, `SELECT `+examColumns+` FROM exams e WHERE e.id = $1 FOR UPDATE`,
		[]any{id}, examTargets(&e)); err != nil {
		return e, err
	}
	// A statement of its own: it must see what was saved until the lock was had.
	attempts, err := collect(ctx, q, `SELECT `+attemptColumns+` FROM attempts a
		WHERE a.exam_id = $1 ORDER BY a.id`, []any{id}, attemptTargets)
	if err != nil {
		return e, err
	}
	for i := range attempts {
		seat(&e, &attempts[i])
	}
	if err := rule(&e); err != nil {
		return e, err
	}
	begun := e.Slots[0].Attempt != nil || e.Slots[1].Attempt != nil
	_, err = q.Exec(ctx, `UPDATE exams SET state = $2, changed_at = $3, ended_at = $4,
			scenario_1 = $5, version_1 = $6, scenario_2 = $7, version_2 = $8, begun = $9,
			replaced_1 = $10, replaced_2 = $11
		WHERE id = $1`,
		e.ID, e.State, e.ChangedAt, e.EndedAt, e.Slots[0].ScenarioID, e.Slots[0].Version,
		e.Slots[1].ScenarioID, e.Slots[1].Version, begun, e.Slots[0].Replaced,
		e.Slots[1].Replaced)
	return e, err
}

// seat puts an attempt into its slot. Attempts come in the order in which they were created.
func seat(e *store.Exam, a *store.Attempt) {
	if p := a.Exam.Position; p == 1 || p == 2 {
		slot := &e.Slots[p-1]
		slot.Attempt, slot.Replaced = a, slot.Replaced || a.Exam.Replaces
	}
}

func (db *DB) findExam(ctx context.Context, id string) (e store.Exam, err error) {
	if !store.IsID(id) {
		return e, fmt.Errorf("exam: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "exam", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+examColumns+` FROM exams e WHERE e.id = $1`, []any{id},
			examTargets(&e))
	})
	return e, err
}

// Exam returns an exam with its attempts and what is kept of their reports, or store.ErrNotFound.
func (db *DB) Exam(ctx context.Context, id string) (store.ExamView, error) {
	e, err := db.findExam(ctx, id)
	if err != nil {
		return store.ExamView{}, err
	}
	list, err := db.viewExams(ctx, []store.Exam{e})
	if err != nil {
		return store.ExamView{}, err
	}
	v := list[0]
	err = db.do(ctx, "exam results", func(ctx context.Context, q querier) error {
		for i, slot := range v.Slots {
			if slot.Attempt == nil {
				continue
			}
			err := scanOne(ctx, q, `SELECT body FROM exam_results WHERE attempt_id = $1`,
				[]any{slot.Attempt.ID}, []any{&v.Parts[i]})
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		return nil
	})
	return v, err
}

// ExamsOf returns at most limit exams of a candidate, newest first. before is the id of the last
// exam of the page before, or empty; anything else is store.ErrInvalid.
func (db *DB) ExamsOf(ctx context.Context, candidateID, before string,
	limit int) ([]store.ExamView, error) {
	if before == "" {
		before = lastID
	} else if !store.IsID(before) {
		return nil, fmt.Errorf("page cursor: %w", store.ErrInvalid)
	}
	var list []store.Exam
	err := db.do(ctx, "exams", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT `+examColumns+` FROM (
			`+pageOf("exams", "candidate_id", "true", limit)+`) e
			ORDER BY e.id DESC LIMIT `+strconv.Itoa(limit), []any{candidateID, before},
			examTargets)
		return err
	})
	if err != nil {
		return nil, err
	}
	return db.viewExams(ctx, list)
}

// viewExams adds attempts and scenarios to exams.
func (db *DB) viewExams(ctx context.Context, list []store.Exam) ([]store.ExamView, error) {
	views := make([]store.ExamView, len(list))
	index := make(map[string]*store.ExamView, len(list))
	exams := make([]string, len(list))
	for i, e := range list {
		views[i].Exam, exams[i] = e, e.ID
		index[e.ID] = &views[i]
	}
	err := db.do(ctx, "exams", func(ctx context.Context, q querier) error {
		attempts, err := collect(ctx, q, `SELECT `+viewColumns+` FROM `+ofAttempt+`
			WHERE a.exam_id = ANY($1::uuid[]) ORDER BY a.id`, []any{exams}, viewTargets)
		if err != nil {
			return err
		}
		for i := range attempts {
			v := index[attempts[i].Attempt.Exam.ID]
			seat(&v.Exam, &attempts[i].Attempt)
			v.Attempts[attempts[i].Attempt.Exam.Position-1] = &attempts[i]
		}
		return addLengths(ctx, q, exams, index)
	})
	return views, err
}

// addLengths adds how long the role plays of exams last.
func addLengths(ctx context.Context, q querier, exams []string,
	index map[string]*store.ExamView) error {
	type lengths struct {
		exam          string
		prepare, play [2]int
	}
	list, err := collect(ctx, q, `SELECT e.id::text,
			(v.document->>'prepare_seconds')::integer, (v.document->>'play_seconds')::integer,
			(w.document->>'prepare_seconds')::integer, (w.document->>'play_seconds')::integer
		FROM exams e
		JOIN scenario_versions v ON (v.scenario_id, v.version) = (e.scenario_1, e.version_1)
		JOIN scenario_versions w ON (w.scenario_id, w.version) = (e.scenario_2, e.version_2)
		WHERE e.id = ANY($1::uuid[])`, []any{exams},
		func(l *lengths) []any {
			return []any{&l.exam, &l.prepare[0], &l.play[0], &l.prepare[1], &l.play[1]}
		})
	for _, l := range list {
		index[l.exam].PrepareSeconds, index[l.exam].PlaySeconds = l.prepare, l.play
	}
	return err
}

// dropFromExam follows the deletion of an exam's attempt: the exam ends, and is deleted when it
// has no other.
func dropFromExam(ctx context.Context, q querier, id string, now time.Time) error {
	if _, err := changeExam(ctx, q, id, func(e *store.Exam) error {
		e.Drop(now)
		return nil
	}); err != nil {
		return err
	}
	_, err := q.Exec(ctx, `DELETE FROM exams e WHERE e.id = $1
		AND e.ended_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.exam_id = e.id)`, id)
	return err
}

// saveExamPart saves what the result of an attempt's exam keeps of its report, if it is in one.
func saveExamPart(ctx context.Context, q querier, r store.Report) error {
	_, err := q.Exec(ctx, `INSERT INTO exam_results (attempt_id, body)
		SELECT id, $2 FROM attempts WHERE id = $1 AND exam_id IS NOT NULL
		ON CONFLICT (attempt_id) DO UPDATE SET body = excluded.body`,
		r.AttemptID, store.NewExamPart(r))
	return err
}

// SweepExams ends live exams that have waited for their candidates for too long, and deletes the
// exams that ended before a time without an attempt. It returns the number of exams that it has
// ended or deleted.
func (db *DB) SweepExams(ctx context.Context, before time.Time) (n int64, err error) {
	const batch = 1000
	var live []string
	if err := db.do(ctx, "exams", func(ctx context.Context, q querier) (err error) {
		live, err = ids(ctx, q, `SELECT e.id::text FROM exams e WHERE `+liveExam+`
			ORDER BY e.id LIMIT $1`, batch)
		return err
	}); err != nil {
		return 0, err
	}
	for _, id := range live {
		ended, err := db.sweepExam(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return n, err
		}
		if ended {
			n++
		}
	}
	err = db.do(ctx, "exams", func(ctx context.Context, q querier) error {
		tag, err := q.Exec(ctx, `DELETE FROM exams WHERE id IN (
			SELECT e.id FROM exams e WHERE NOT e.begun AND e.ended_at < $1
			ORDER BY e.ended_at LIMIT $2)`, before, batch)
		n += tag.RowsAffected()
		return err
	})
	return n, err
}

// sweepExam removes what nobody has joined of an exam, fails the preparation of which no media
// server has said for long what became of it, and then ends the exam if it waits for too long. It
// reports whether the exam ended.
func (db *DB) sweepExam(ctx context.Context, id string) (ended bool, err error) {
	now := db.now()
	var silent []string
	err = db.transact(ctx, "exam", func(ctx context.Context, q querier) error {
		if _, err := forgetAttempts(ctx, q, id, now.Add(-store.ExamPause), now); err != nil {
			return err
		}
		silent, err = ids(ctx, q, `SELECT id::text FROM attempts
			WHERE exam_id = $1 AND state = 'preparing'`, id)
		return err
	})
	for _, attempt := range silent {
		if err != nil {
			return false, err
		}
		_, err = db.changeAttempt(ctx, attempt, func(a *store.Attempt) error {
			if !a.Silent(now) {
				return nil
			}
			return a.Fail(now, store.ProblemPreparationLost)
		})
	}
	if err != nil {
		return false, err
	}
	err = db.transact(ctx, "exam", func(ctx context.Context, q querier) error {
		_, err := changeExam(ctx, q, id, func(e *store.Exam) error {
			ended = e.Expire(now)
			return nil
		})
		return err
	})
	return ended, err
}
