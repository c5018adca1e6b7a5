package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// PersonalTable says which rows of a table are about a user, and which of their columns the user
// may read. What happens to the rows when the account is deleted is declared by the slice that
// owns the table, or by OwnTables.
type PersonalTable struct {
	Table  string
	Where  string   // selects a user's rows t, where $1 is the user's id; empty: there are none
	Secret []string // columns that no archive contains
	// Others is an SQL array of the columns of a row t that are about somebody else, or sealed.
	Others string
}

// OwnTables returns the rules for the tables of the job queue (River), the migrations (goose) and
// the health checks, which no slice owns.
func OwnTables() []store.TableRule {
	rules := []store.TableRule{{
		Table: "river_job", OnDelete: store.Deleted,
		Why: "mail and archives that wait. A job that is running is removed a day after it " +
			"is done, or a week after its last try failed",
	}}
	for _, table := range []string{
		"river_leader", "river_migration", "river_notification", "river_queue", "goose_db_version",
		"health_writes",
	} {
		rules = append(rules, store.TableRule{
			Table: table, OnDelete: store.Kept, Why: "not about a user",
		})
	}
	return rules
}

// PersonalTables returns an entry for every table of the database.
func PersonalTables() []PersonalTable {
	return []PersonalTable{
		{Table: "users", Where: `t.id = $1`, Secret: []string{"password_hash"}},
		{
			Table: "sessions", Where: `t.user_id = $1`,
			Secret: []string{"refresh_hash", "parent_hash", "refresh_salt"},
		},
		{
			Table: "session_proofs",
			Where: `t.session_id IN (SELECT id FROM sessions WHERE user_id = $1)`,
		},
		{Table: "mail_tokens", Where: `t.user_id = $1`, Secret: []string{"hash"}},
		{
			Table: "factors", Where: `t.user_id = $1`,
			Secret: []string{"secret", "recovery", "last_step"},
		},
		{
			Table: "passkeys", Where: `t.user_id = $1`,
			Secret: []string{"credential"},
		},
		{
			Table: "ceremonies", Where: `t.user_id = $1`,
			Secret: []string{"hash", "data"},
		},
		{Table: "sign_ins", Where: `t.user_id = $1`, Secret: []string{"hash"}},
		{Table: "exports", Where: `t.user_id = $1`},
		{
			Table: "attempts", Where: `t.candidate_id = $1`,
			// store.Attempt.Sealed
			Others: `CASE WHEN t.exam_id IS NOT NULL AND t.state = 'created'
				THEN ARRAY['scenario_id', 'scenario_version'] ELSE ARRAY[]::text[] END`,
		},
		{
			// The archive contains the bodies as files of their own.
			Table:  "reports",
			Where:  `t.attempt_id IN (SELECT id FROM attempts WHERE candidate_id = $1)`,
			Secret: []string{"body"},
		},
		{
			Table:  "invitations",
			Where:  `t.attempt_id IN (SELECT id FROM attempts WHERE candidate_id = $1)`,
			Secret: []string{"token_hash"},
		},
		{Table: "recordings", Where: recordingsOf},
		{
			// The candidate does not know yet what comes.
			Table: "exams", Where: `t.candidate_id = $1`,
			Others: `CASE WHEN t.state IN ('warm_up', 'first', 'between', 'second')
				THEN ARRAY['scenario_1', 'version_1', 'scenario_2', 'version_2']
				ELSE ARRAY[]::text[] END`,
		},
		{
			Table: "exam_results",
			Where: `t.attempt_id IN (SELECT id FROM attempts
				WHERE candidate_id = $1 AND exam_id IS NOT NULL)`,
		},
		{Table: "results", Where: `t.candidate_id = $1`},
		{Table: "progress", Where: `t.user_id = $1`},
		{Table: "scenario_marks", Where: `t.user_id = $1`},
		{Table: "hearings", Where: `t.user_id = $1`},
		{Table: "practice_days", Where: `t.tutor_id = $1`},
		{Table: "practice_changes", Where: `t.tutor_id = $1`},
		{
			// When somebody else acted on the account, their device and address are theirs.
			Table: "acts", Where: `(t.user_id = $1 OR t.actor_id = $1)`,
			Others: `CASE WHEN t.actor_id <> $1 THEN ARRAY['session_id', 'ip', 'user_agent']
				ELSE ARRAY[]::text[] END`,
		},
		{Table: "act_tallies", Where: `t.user_id = $1`},
		{Table: "media", Where: `t.owner_id = $1`},
		{
			Table: "media_files",
			Where: `t.media_id IN (SELECT id FROM media WHERE owner_id = $1)`,
		},
		{Table: "media_blobs"},
		{Table: "media_uses"},
		{
			// Both columns may name somebody else.
			Table: "scenarios", Where: `(t.created_by = $1 OR t.updated_by = $1)`,
			Secret: []string{"search"},
			Others: `array_remove(ARRAY[CASE WHEN t.created_by <> $1 THEN 'created_by' END,
				CASE WHEN t.updated_by <> $1 THEN 'updated_by' END], NULL)`,
		},
		{Table: "scenario_versions", Where: `t.created_by = $1`},
		{Table: "catalogue_generation"},
		{
			Table: "river_job", Where: `t.args @> jsonb_build_object('user_id', $1::text)`,
			Secret: []string{"args", "errors", "metadata"},
		},
		{Table: "river_leader"},
		{Table: "river_migration"},
		{Table: "river_notification"},
		{Table: "river_queue"},
		{Table: "goose_db_version"},
		{Table: "health_writes"},
	}
}

// recordingsOf selects the recordings that belong to a user: both sides of the user's own
// attempts, and the user's voice as the patient in the attempts of others.
// Arrays, unlike IN, let the planner find them by an index.
const recordingsOf = `(t.attempt_id = ANY (ARRAY(SELECT id FROM attempts WHERE candidate_id = $1))
	OR t.speaker = 'patient' AND
		t.attempt_id = ANY (ARRAY(SELECT id FROM attempts WHERE partner_id = $1)))`

// PersonalRows returns what a table holds about a user, one JSON object per row.
func (db *DB) PersonalRows(ctx context.Context, p PersonalTable,
	userID string) (rows []string, err error) {
	if p.Where == "" {
		return nil, nil
	}
	secret := p.Secret
	if secret == nil {
		secret = []string{}
	}
	others := cmp.Or(p.Others, `ARRAY[]::text[]`)
	err = db.do(ctx, p.Table, func(ctx context.Context, q querier) error {
		rows, err = ids(ctx, q, `SELECT (to_jsonb(t) - $2::text[] - `+others+`)::text
			FROM `+p.Table+` t WHERE `+p.Where+` LIMIT 100000`, userID, secret)
		return err
	})
	return rows, err
}

// PersonalReports returns the ids of the attempts of a user that have a report.
func (db *DB) PersonalReports(ctx context.Context, userID string) (attempts []string, err error) {
	err = db.do(ctx, "reports", func(ctx context.Context, q querier) error {
		attempts, err = ids(ctx, q,
			`SELECT t.attempt_id::text FROM reports t JOIN attempts a ON a.id = t.attempt_id
				WHERE a.candidate_id = $1 ORDER BY t.attempt_id`,
			userID)
		return err
	})
	return attempts, err
}

// PersonalFiles returns the stored files that a user may have a copy of: recordings of both sides
// of the user's own attempts, and of the user's voice in the attempts of others; and the uploaded
// lines and pictures, each in its largest size.
func (db *DB) PersonalFiles(ctx context.Context, userID string) (files []store.PersonalFile,
	err error) {
	err = db.do(ctx, "files", func(ctx context.Context, q querier) error {
		recordings, err := personalRecordings(ctx, q, userID, `t.state = 'kept'`)
		if err != nil {
			return err
		}
		uploads, err := collect(ctx, q, `SELECT t.id::text, t.kind, f.key FROM media t
			JOIN media_files f ON f.media_id = t.id AND f.size = 'large'
			WHERE t.owner_id = $1 ORDER BY t.id`, []any{userID},
			func(f *store.PersonalFile) []any { return []any{&f.MediaID, &f.MediaKind, &f.Key} })
		files = append(recordings, uploads...)
		return err
	})
	return files, err
}

func personalRecordings(ctx context.Context, q querier, userID,
	condition string) ([]store.PersonalFile, error) {
	return collect(ctx, q, `SELECT t.attempt_id::text, t.speaker, t.key FROM recordings t
		WHERE `+recordingsOf+` AND `+condition+` ORDER BY t.attempt_id, t.speaker`, []any{userID},
		func(f *store.PersonalFile) []any { return []any{&f.AttemptID, &f.Speaker, &f.Key} })
}

// DeleteUser deletes an account and adds a job that removes its files. What happens to the rows of
// each table is in the rules of its owner (store.TableRule). It saves the effects that rule
// returns in the same transaction, and returns the ids of the sessions that ended. It returns
// store.ErrState when the account is the last active administrator.
func (db *DB) DeleteUser(ctx context.Context, userID string,
	rule func(store.User) (store.Effects, error)) (ended []string, err error) {
	if !store.IsID(userID) {
		return nil, fmt.Errorf("user: %w", store.ErrNotFound)
	}
	err = db.within(ctx, "user", func(ctx context.Context, tx pgx.Tx) error {
		var u store.User
		if err := lockUser(ctx, tx, userID, &u); err != nil {
			return err
		}
		if u.IsActiveAdmin() {
			if err := requireOtherAdmin(ctx, tx, userID); err != nil {
				return err
			}
		}
		after, err := rule(u)
		if err != nil {
			return err
		}
		// Lock the attempts, so that a report saved from now on sees partner_left.
		for _, sql := range []string{
			`SELECT 1 FROM attempts WHERE candidate_id = $1 OR partner_id = $1
				ORDER BY id FOR UPDATE`,
			`UPDATE attempts SET partner_left = true WHERE partner_id = $1`,
		} {
			if _, err := tx.Exec(ctx, sql, userID); err != nil {
				return err
			}
		}
		portraits, err := ids(ctx, tx, `SELECT id::text FROM media
			WHERE owner_id = $1 AND kind = 'avatar' ORDER BY id FOR UPDATE`, userID)
		if err != nil {
			return err
		}
		if err := db.deleteMedia(ctx, tx, portraits); err != nil {
			return err
		}
		keys, err := ownedKeys(ctx, tx, userID)
		if err != nil {
			return err
		}
		if ended, err = ids(ctx, tx,
			`SELECT id::text FROM sessions WHERE user_id = $1 AND ended_at IS NULL`,
			userID); err != nil {
			return err
		}
		for _, sql := range []string{
			`UPDATE acts SET ip = '', user_agent = ''
				WHERE (user_id = $1 OR actor_id = $1) AND (ip <> '' OR user_agent <> '')`,
			`DELETE FROM act_tallies WHERE user_id = $1`,
			`DELETE FROM recordings t WHERE ` + recordingsOf,
			// River removes running ones within a day of their end.
			`DELETE FROM river_job WHERE args @> jsonb_build_object('user_id', $1::text)
				AND state <> 'running'`,
			`DELETE FROM users WHERE id = $1`,
		} {
			if _, err := tx.Exec(ctx, sql, userID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx,
			`DELETE FROM river_job WHERE args @> jsonb_build_object('to', $1::text)
				AND state <> 'running'`,
			u.Email); err != nil {
			return err
		}
		for some := range slices.Chunk(keys, removedAtOnce) {
			after.Jobs = append(after.Jobs, store.RemoveFiles{Keys: some})
		}
		_, err = db.applyEffects(ctx, tx, store.User{}, after)
		return err
	})
	return ended, err
}

// removedAtOnce is the number of files that one job removes when an account is deleted.
const removedAtOnce = 200

// ownedKeys returns the keys of the recordings and archives of a user, and those that files of
// attempts without a report have if there are any: a worker stores the files before the report
// that refers to them. Before the play another partner can still take the seat, whose recording
// has the same key. Files of media are not among them, since others may have the same.
func ownedKeys(ctx context.Context, q querier, userID string) ([]string, error) {
	// A recording that follows its report may be stored at this moment.
	files, err := personalRecordings(ctx, q, userID, `t.state <> 'deleted'`)
	if err != nil {
		return nil, err
	}
	unreported, err := collect(ctx, q, `SELECT id::text, s FROM attempts,
			(VALUES ('candidate'), ('patient')) x(s)
			WHERE candidate_id = $1 AND state <> 'reported'
		UNION ALL SELECT id::text, 'patient' FROM attempts
			WHERE partner_id = $1 AND state IN ('playing', 'analysing', 'failed', 'abandoned')`,
		[]any{userID},
		func(f *store.PersonalFile) []any { return []any{&f.AttemptID, &f.Speaker} })
	if err != nil {
		return nil, err
	}
	exports, err := collect(ctx, q, `SELECT `+exportColumns+` FROM exports e WHERE e.user_id = $1`,
		[]any{userID}, exportTargets)
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(files)+len(unreported)+len(exports))
	for _, f := range files {
		keys = append(keys, f.Key)
	}
	for _, f := range unreported {
		keys = append(keys, store.RecordingKey(f.AttemptID, f.Speaker))
	}
	for _, e := range exports {
		keys = append(keys, e.Key())
	}
	return keys, nil
}
