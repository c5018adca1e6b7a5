package postgres

import (
	"context"
	"fmt"
	"slices"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const exportColumns = `e.id::text, e.user_id::text, e.state, e.progress, e.bytes, e.created_at,
	e.expires_at`

func exportTargets(e *store.Export) []any {
	return []any{&e.ID, &e.UserID, &e.State, &e.Progress, &e.Bytes, &e.CreatedAt, &e.ExpiresAt}
}

// RequestExport saves a new archive of a user's data, together with effects and the job that makes
// it. When one is being made already, it returns that one and does nothing else.
func (db *DB) RequestExport(ctx context.Context, userID string,
	after store.Effects) (e store.Export, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return e, fmt.Errorf("export id: %w", err)
	}
	now := db.now()
	err = db.within(ctx, "export", func(ctx context.Context, tx pgx.Tx) error {
		var u store.User
		if err := lockUser(ctx, tx, userID, &u); err != nil {
			return err
		}
		making, err := collect(ctx, tx, `SELECT `+exportColumns+` FROM exports e
			WHERE e.user_id = $1 AND e.state IN ('queued', 'running') AND e.created_at > $2
			ORDER BY e.id DESC LIMIT 1`,
			[]any{userID, now.Add(-store.ExportStaleAfter)}, exportTargets)
		if err != nil {
			return err
		}
		if len(making) == 1 {
			e = making[0]
			return nil
		}
		e = store.Export{
			ID: id.String(), UserID: userID, State: store.ExportQueued, CreatedAt: now,
			ExpiresAt: now.Add(store.ExportLifetime),
		}
		if _, err := tx.Exec(ctx, `INSERT INTO exports (id, user_id, state, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5)`,
			e.ID, e.UserID, e.State, e.CreatedAt, e.ExpiresAt); err != nil {
			return err
		}
		more := after // the transaction may run again
		more.Jobs = append(slices.Clone(after.Jobs), store.MakeExport{ID: e.ID, UserID: userID})
		_, err = db.applyEffects(ctx, tx, u, more)
		return err
	})
	return e, err
}

// LastExport returns a user's newest archive that has not expired, or store.ErrNotFound.
func (db *DB) LastExport(ctx context.Context, userID string) (e store.Export, err error) {
	err = db.do(ctx, "export", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+exportColumns+` FROM exports e
			WHERE e.user_id = $1 AND e.expires_at > $2 ORDER BY e.id DESC LIMIT 1`,
			[]any{userID, db.now()}, exportTargets(&e))
	})
	return e, err
}

// SaveExport saves the state and progress of an archive. It returns store.ErrNotFound when the
// archive was deleted, for example with its account.
func (db *DB) SaveExport(ctx context.Context, e store.Export) error {
	return db.do(ctx, "export", func(ctx context.Context, q querier) error {
		tag, err := q.Exec(ctx,
			`UPDATE exports SET state = $2, progress = $3, bytes = $4 WHERE id = $1`, e.ID,
			e.State, e.Progress, e.Bytes)
		if err == nil && tag.RowsAffected() == 0 {
			err = pgx.ErrNoRows
		}
		return err
	})
}

// SweepExports deletes expired archives and adds jobs that remove their files.
func (db *DB) SweepExports(ctx context.Context) error {
	const batch = 1000
	for more := true; more; {
		err := db.within(ctx, "exports", func(ctx context.Context, tx pgx.Tx) error {
			old, err := collect(ctx, tx, `DELETE FROM exports e WHERE e.id = ANY (ARRAY(
				SELECT id FROM exports WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
				)) RETURNING `+exportColumns, []any{db.now(), batch}, exportTargets)
			if more = len(old) == batch; err != nil || len(old) == 0 {
				return err
			}
			var files store.RemoveFiles
			for _, e := range old {
				files.Keys = append(files.Keys, e.Key())
			}
			return db.insertJobs(ctx, tx, []store.Job{files})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
