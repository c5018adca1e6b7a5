package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Files of media are shared: equal ones are one file under the hash of their content. Who writes a
// file, and who removes it, meet at its row in media_blobs:
//
//   - An upload makes or touches the row (ReserveMediaFiles), then writes the file, and then
//     refers to the row from media_files (CreateMedia), which fails when the row is gone.
//   - A removal (RemoveMediaFile) locks the row, looks whether a medium refers to it, removes the
//     file, and deletes the row last. An upload that wants the same file waits for it, and writes
//     the file again.

const mediaColumns = `m.id::text, coalesce(m.owner_id::text, ''), m.kind, m.alt,
	m.duration_ms * interval '1 ms', m.loudness, m.built_in, m.source,
	m.built_in OR ` + publicMedia + `, m.created_at`

// publicMedia says that a version of a scenario refers to the medium m, a picture, that is
// published, or that somebody plays or has played.
const publicMedia = `m.kind = 'scenario' AND EXISTS (SELECT 1 FROM media_uses u
	JOIN scenarios c ON c.id = u.scenario_id
	WHERE u.media_id = m.id AND (c.state = 'published' AND c.published_version = u.version
		OR EXISTS (SELECT 1 FROM attempts a
			WHERE a.scenario_id = u.scenario_id AND a.scenario_version = u.version)))`

func mediaTargets(m *store.Media) []any {
	return []any{
		&m.ID, &m.OwnerID, &m.Kind, &m.Alt, &m.Duration, &m.Loudness, &m.BuiltIn, &m.Source,
		&m.Public, &m.CreatedAt,
	}
}

// ReserveMediaFiles announces that files with these keys are about to be written to the blob
// store. It waits for a removal of one of them.
func (db *DB) ReserveMediaFiles(ctx context.Context, keys []string) error {
	keys = distinct(keys)
	return db.transact(ctx, "media", func(ctx context.Context, q querier) error {
		for _, key := range keys { // in the same order everywhere, so that nobody deadlocks
			if _, err := q.Exec(ctx, `INSERT INTO media_blobs (key, touched_at) VALUES ($1, $2)
				ON CONFLICT (key) DO UPDATE SET touched_at = excluded.touched_at`, key,
				db.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func distinct(keys []string) []string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// CreateMedia saves a medium whose files were written to the blob store, and returns it with its
// id, a new one unless it has one. A portrait becomes its owner's, and an earlier one is deleted.
// It returns store.ErrLimit when the owner has no room left for it, store.ErrNotFound when the
// owner is gone, and store.ErrState when one of the files was removed meanwhile: then the caller
// writes them once more and tries again.
func (db *DB) CreateMedia(ctx context.Context, m store.Media,
	quota store.MediaQuota) (store.Media, error) {
	if m.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return m, fmt.Errorf("media id: %w", err)
		}
		m.ID = id.String()
	}
	m.CreatedAt = db.now()
	err := db.within(ctx, "media", func(ctx context.Context, tx pgx.Tx) error {
		if m.OwnerID != "" {
			if err := checkMediaQuota(ctx, tx, m, quota); err != nil {
				return err
			}
		}
		if err := insertMedia(ctx, tx, m); err != nil {
			return err
		}
		if m.Kind != store.MediaAvatar {
			return nil
		}
		old, err := ids(ctx, tx, `SELECT id::text FROM media WHERE owner_id = $1
			AND kind = 'avatar' AND id <> $2`, m.OwnerID, m.ID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET avatar_id = $2 WHERE id = $1`, m.OwnerID,
			m.ID); err != nil {
			return err
		}
		return db.deleteMedia(ctx, tx, old)
	})
	return m, err
}

// SetBuiltInMedia saves a medium that comes with the program, whose files were written to the blob
// store, in the place of one with the same id. It returns store.ErrState as CreateMedia does.
func (db *DB) SetBuiltInMedia(ctx context.Context, m store.Media) error {
	m.CreatedAt = db.now()
	return db.within(ctx, "media", func(ctx context.Context, tx pgx.Tx) error {
		old, err := ids(ctx, tx, `WITH gone AS (
				DELETE FROM media_files WHERE media_id = $1 RETURNING key)
			SELECT DISTINCT key FROM gone`, m.ID)
		if err != nil {
			return err
		}
		if err := insertMedia(ctx, tx, m); err != nil || len(old) == 0 {
			return err
		}
		return db.insertJobs(ctx, tx, []store.Job{store.RemoveMedia{Keys: old}})
	})
}

// checkMediaQuota locks the owner and returns store.ErrLimit when the quota has no room for m. A
// portrait takes the place of the earlier one.
func checkMediaQuota(ctx context.Context, q querier, m store.Media, quota store.MediaQuota) error {
	var id string
	if err := scanOne(ctx, q, `SELECT id::text FROM users WHERE id = $1 FOR NO KEY UPDATE`,
		[]any{m.OwnerID}, []any{&id}); err != nil {
		return err
	}
	var files int
	var bytes int64
	if err := scanOne(ctx, q, `SELECT count(DISTINCT m.id), coalesce(sum(f.bytes), 0)::bigint
		FROM media m JOIN media_files f ON f.media_id = m.id
		WHERE m.owner_id = $1 AND NOT (m.kind = 'avatar' AND $2 = 'avatar')`,
		[]any{m.OwnerID, string(m.Kind)}, []any{&files, &bytes}); err != nil {
		return err
	}
	if files+1 > quota.Files || bytes+m.Bytes() > quota.Bytes {
		return fmt.Errorf("%d files of %d bytes: %w", files, bytes, store.ErrLimit)
	}
	return nil
}

// insertMedia saves a medium with its files. It returns store.ErrState when a file is gone.
func insertMedia(ctx context.Context, q querier, m store.Media) error {
	var keys []string
	for _, f := range m.Files {
		keys = append(keys, f.Key)
	}
	keys = distinct(keys)
	there, err := ids(ctx, q, `SELECT key FROM media_blobs WHERE key = ANY ($1) ORDER BY key
		FOR KEY SHARE`, keys)
	if err != nil {
		return err
	}
	if len(there) < len(keys) {
		return fmt.Errorf("a file of the medium was removed: %w", store.ErrState)
	}
	var owner any
	if m.OwnerID != "" {
		owner = m.OwnerID
	}
	if _, err := q.Exec(ctx, `INSERT INTO media
			(id, owner_id, kind, alt, duration_ms, loudness, built_in, source, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET
			alt = excluded.alt, source = excluded.source, created_at = excluded.created_at`,
		m.ID, owner, string(m.Kind), m.Alt, m.Duration.Milliseconds(), m.Loudness, m.BuiltIn,
		m.Source, m.CreatedAt); err != nil {
		return err
	}
	for _, f := range m.Files {
		if _, err := q.Exec(ctx, `INSERT INTO media_files
				(media_id, size, key, type, bytes, width, height)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			m.ID, string(f.Size), f.Key, f.Type, f.Bytes, f.Width, f.Height); err != nil {
			return err
		}
	}
	return nil
}

// Media returns the medium with an id, with its files, or store.ErrNotFound.
func (db *DB) Media(ctx context.Context, id string) (m store.Media, err error) {
	if !store.IsID(id) {
		return m, fmt.Errorf("media: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "media", func(ctx context.Context, q querier) error {
		m, err = mediaOf(ctx, q, `m.id = $1`, id)
		return err
	})
	return m, err
}

// mediaOf returns the only medium that meets a condition, with its files.
func mediaOf(ctx context.Context, q querier, condition string, args ...any) (store.Media, error) {
	list, err := listMedia(ctx, q, `SELECT * FROM media m WHERE `+condition, args...)
	if err == nil && len(list) == 0 {
		return store.Media{}, pgx.ErrNoRows
	}
	if err != nil {
		return store.Media{}, err
	}
	return list[0], nil
}

// listMedia returns the media that a query selects, newest first, with their files, in one
// statement.
func listMedia(ctx context.Context, q querier, query string, args ...any) ([]store.Media, error) {
	type row struct {
		store.Media
		file store.MediaFile
	}
	rows, err := collect(ctx, q, `SELECT `+mediaColumns+`, f.size, f.key, f.type, f.bytes,
			f.width, f.height
		FROM (`+query+`) m JOIN media_files f ON f.media_id = m.id
		ORDER BY m.id DESC, array_position('{small,medium,large}'::text[], f.size)`, args,
		func(r *row) []any {
			return append(mediaTargets(&r.Media), &r.file.Size, &r.file.Key, &r.file.Type,
				&r.file.Bytes, &r.file.Width, &r.file.Height)
		})
	if err != nil {
		return nil, err
	}
	list := []store.Media{}
	for _, r := range rows {
		if n := len(list); n == 0 || list[n-1].ID != r.ID {
			list = append(list, r.Media)
		}
		last := &list[len(list)-1]
		last.Files = append(last.Files, r.file)
	}
	return list, nil
}

// ListMedia returns a page of the library: pictures of scenarios and lines, newest first, with
// their files and uses.
func (db *DB) ListMedia(ctx context.Context, f store.MediaFilter) (list []store.Media, err error) {
	before, condition := f.Before, `kind = $1`
	if before == "" {
		before = lastID
	}
	if f.Kind == "" {
		condition = `kind IN ('scenario', 'line') AND $1 = ''`
	}
	err = db.do(ctx, "media", func(ctx context.Context, q querier) error {
		list, err = listMedia(ctx, q, `SELECT * FROM media WHERE `+condition+
			` AND id < $2 ORDER BY id DESC LIMIT `+strconv.Itoa(f.Limit), string(f.Kind), before)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = db.do(ctx, "media", func(ctx context.Context, q querier) error {
		return addUses(ctx, q, list)
	})
	return list, err
}

// addUses sets the uses of media: of each scenario the latest version that refers to it.
func addUses(ctx context.Context, q querier, list []store.Media) error {
	type row struct {
		media string
		use   store.MediaUse
	}
	byID := map[string]*store.Media{}
	var all []string
	for i := range list {
		byID[list[i].ID] = &list[i]
		all = append(all, list[i].ID)
	}
	rows, err := collect(ctx, q, `SELECT u.media_id::text, u.scenario_id::text, c.slug, c.title,
			max(u.version)
		FROM media_uses u JOIN scenarios c ON c.id = u.scenario_id
		WHERE u.media_id = ANY ($1) GROUP BY u.media_id, u.scenario_id, c.slug, c.title
		ORDER BY c.title, u.scenario_id`, []any{all},
		func(r *row) []any {
			return []any{&r.media, &r.use.ScenarioID, &r.use.Slug, &r.use.Title, &r.use.Version}
		})
	for _, r := range rows {
		byID[r.media].Uses = append(byID[r.media].Uses, r.use)
	}
	return err
}

// DeleteMedia deletes a medium if a rule permits it, with the effects that the rule returns. The
// rule sees its uses. Files that no other medium has are removed by a job.
func (db *DB) DeleteMedia(ctx context.Context, id string,
	rule func(store.Media) (store.Effects, error)) error {
	if !store.IsID(id) {
		return fmt.Errorf("media: %w", store.ErrNotFound)
	}
	return db.within(ctx, "media", func(ctx context.Context, tx pgx.Tx) error {
		// Locked, so that nothing can begin to refer to it.
		var locked string
		if err := scanOne(ctx, tx, `SELECT id::text FROM media WHERE id = $1 FOR UPDATE`,
			[]any{id}, []any{&locked}); err != nil {
			return err
		}
		m, err := mediaOf(ctx, tx, `m.id = $1`, id)
		if err != nil {
			return err
		}
		list := []store.Media{m}
		if err := addUses(ctx, tx, list); err != nil {
			return err
		}
		after, err := rule(list[0])
		if err != nil {
			return err
		}
		if err := db.deleteMedia(ctx, tx, []string{id}); err != nil {
			return err
		}
		_, err = db.applyEffects(ctx, tx, store.User{}, after)
		return err
	})
}

// deleteMedia deletes media that nothing refers to, and adds a job that removes their files.
func (db *DB) deleteMedia(ctx context.Context, tx pgx.Tx, list []string) error {
	if len(list) == 0 {
		return nil
	}
	keys, err := ids(ctx, tx, `SELECT DISTINCT key FROM media_files
		WHERE media_id = ANY ($1::uuid[]) ORDER BY key`, list)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM media WHERE id = ANY ($1::uuid[])`, list); err != nil {
		return err
	}
	var jobs []store.Job
	for some := range slices.Chunk(keys, removedAtOnce) {
		jobs = append(jobs, store.RemoveMedia{Keys: some})
	}
	return db.insertJobs(ctx, tx, jobs)
}

// RemoveMediaFile calls remove to remove a file from the blob store, unless a medium has it, and
// reports whether it did. Uploads of the same file wait until it is done.
func (db *DB) RemoveMediaFile(ctx context.Context, key string,
	remove func(context.Context) error) (removed bool, err error) {
	err = db.within(ctx, "media", func(ctx context.Context, tx pgx.Tx) error {
		removed = false
		// Also a file without a row gets one, so that uploads wait for its removal.
		if _, err := tx.Exec(ctx, `INSERT INTO media_blobs (key, touched_at)
			VALUES ($1, '-infinity') ON CONFLICT (key) DO NOTHING`, key); err != nil {
			return err
		}
		var locked string
		err := scanOne(ctx, tx, `SELECT key FROM media_blobs WHERE key = $1 FOR UPDATE`,
			[]any{key}, []any{&locked})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another process has removed it meanwhile
		}
		if err != nil {
			return err
		}
		// A statement of its own, since the lock may have waited for a medium that has the file.
		var used bool
		if err := scanOne(ctx, tx, `SELECT EXISTS (SELECT 1 FROM media_files WHERE key = $1)`,
			[]any{key}, []any{&used}); err != nil || used {
			return err
		}
		if err := remove(ctx); err != nil {
			return err
		}
		removed = true
		_, err = tx.Exec(ctx, `DELETE FROM media_blobs WHERE key = $1`, key)
		return err
	})
	return removed && err == nil, err
}

// SweepMedia deletes media that were uploaded before a time and that nothing refers to, at most
// 1000 at a time.
func (db *DB) SweepMedia(ctx context.Context, before time.Time) (n int, err error) {
	const batch, most = 100, 1000
	const unused = `NOT m.built_in AND NOT EXISTS (SELECT 1 FROM media_uses WHERE media_id = m.id)
		AND NOT EXISTS (SELECT 1 FROM users WHERE avatar_id = m.id)`
	for n < most {
		var deleted int
		err := db.within(ctx, "media", func(ctx context.Context, tx pgx.Tx) error {
			deleted = 0
			list, err := ids(ctx, tx, `SELECT m.id::text FROM media m
				WHERE m.created_at < $1 AND `+unused+`
				ORDER BY m.id LIMIT `+strconv.Itoa(batch)+` FOR UPDATE SKIP LOCKED`, before)
			if err != nil || len(list) == 0 {
				return err
			}
			// Nothing can begin to refer to the locked ones; something may have before.
			if list, err = ids(ctx, tx, `SELECT m.id::text FROM media m
				WHERE m.id = ANY ($1::uuid[]) AND `+unused, list); err != nil {
				return err
			}
			deleted = len(list)
			return db.deleteMedia(ctx, tx, list)
		})
		if err != nil || deleted == 0 {
			return n, err
		}
		n += deleted
	}
	return n, nil
}

// AbandonedMediaFiles returns the keys of files that an upload reserved before a time and that no
// medium has, at most 200.
func (db *DB) AbandonedMediaFiles(ctx context.Context, before time.Time) (keys []string,
	err error) {
	err = db.do(ctx, "media", func(ctx context.Context, q querier) error {
		keys, err = ids(ctx, q, `SELECT b.key FROM media_blobs b WHERE b.touched_at < $1
			AND NOT EXISTS (SELECT 1 FROM media_files f WHERE f.key = b.key)
			ORDER BY b.touched_at LIMIT 200`, before)
		return err
	})
	return keys, err
}

// UnknownMediaFiles returns those of the keys that have no row.
func (db *DB) UnknownMediaFiles(ctx context.Context, keys []string) (unknown []string,
	err error) {
	err = db.do(ctx, "media", func(ctx context.Context, q querier) error {
		unknown, err = ids(ctx, q, `SELECT k FROM unnest($1::text[]) k
			WHERE NOT EXISTS (SELECT 1 FROM media_blobs b WHERE b.key = k)`, keys)
		return err
	})
	return unknown, err
}
