package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const userColumns = `u.id::text, u.email, u.name, u.role, u.profession, u.target_grade,
	coalesce(u.test_date::text, ''), u.time_zone, u.locale, u.password_hash, u.disabled,
	u.verified_at, u.pending_from, u.created_at, u.updated_at, coalesce(u.avatar_id::text, '')`

func userTargets(u *store.User) []any {
	return []any{&u.ID, &u.Email, &u.Name, &u.Role, &u.Profession, &u.TargetGrade, &u.TestDate,
		&u.TimeZone, &u.Locale, &u.PasswordHash, &u.Disabled, &u.VerifiedAt, &u.PendingFrom,
		&u.CreatedAt, &u.UpdatedAt, &u.AvatarID}
}

// CreateUser saves a new user and returns it with its id and times. It returns store.ErrConflict
// when the address has an account already.
func (db *DB) CreateUser(ctx context.Context, u store.User) (store.User, error) {
	u, err := db.Register(ctx, u, func(_ store.User, fresh bool) store.Effects {
		return store.Effects{}
	})
	return u, err
}

// Register saves a new user together with effects, and returns the user with its id and times. The
// function after returns the effects. When the address has an account already, after receives that
// account with fresh false, its effects are saved, and Register returns store.ErrConflict.
func (db *DB) Register(ctx context.Context, u store.User,
	after func(u store.User, fresh bool) store.Effects) (store.User, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return store.User{}, fmt.Errorf("user id: %w", err)
	}
	u.ID, u.Email = id.String(), strings.ToLower(u.Email)
	u.CreatedAt = db.now()
	u.UpdatedAt = u.CreatedAt
	var kept store.User
	fresh := true
	err = db.within(ctx, "user", func(ctx context.Context, tx pgx.Tx) error {
		kept = u
		var err error
		if fresh, err = insertUser(ctx, tx, u); err != nil {
			return err
		}
		if !fresh {
			if err := scanOne(ctx, tx, `SELECT `+userColumns+` FROM users u
				WHERE u.email = $1 AND u.pending_from = ''`, []any{u.Email},
				userTargets(&kept)); err != nil {
				return err
			}
		}
		_, err = db.applyEffects(ctx, tx, kept, after(kept, fresh))
		return err
	})
	if err == nil && !fresh {
		return store.User{}, fmt.Errorf("user: %w: the address has an account already",
			store.ErrConflict)
	}
	return kept, err
}

// insertUser saves a new user, unless the address has an account, and reports whether it did.
func insertUser(ctx context.Context, q querier, u store.User) (fresh bool, err error) {
	tag, err := q.Exec(ctx, `INSERT INTO users
		(id, email, name, role, profession, target_grade, test_date, time_zone, locale,
			password_hash, disabled, verified_at, created_at, updated_at, pending_from)
		VALUES ($1, $2, $3, $4, $5, $6, nullif($7, '')::date, $8, $9, $10, $11, $12, $13, $14,
			$15)
		ON CONFLICT (email) WHERE pending_from = '' DO NOTHING`,
		u.ID, u.Email, u.Name, u.Role, u.Profession, u.TargetGrade, u.TestDate, u.TimeZone,
		u.Locale, u.PasswordHash, u.Disabled, u.VerifiedAt, u.CreatedAt, u.UpdatedAt,
		u.PendingFrom)
	return tag.RowsAffected() == 1, err
}

// ChangeUser locks an account, runs a rule on it, and saves the result together with the effects
// that the rule returns. It returns the changed user and the ids of the sessions that ended. When
// the change would leave no active administrator, it saves nothing and returns store.ErrState.
// The rule may run twice, so it must not keep anything of its first run.
func (db *DB) ChangeUser(ctx context.Context, id string,
	rule func(*store.User) (store.Effects, error)) (u store.User, ended []string, err error) {
	if !store.IsID(id) {
		return u, nil, fmt.Errorf("user: %w", store.ErrNotFound)
	}
	err = db.within(ctx, "user", func(ctx context.Context, tx pgx.Tx) error {
		u, ended = store.User{}, nil
		if err := lockUser(ctx, tx, id, &u); err != nil {
			return err
		}
		before := u
		after, err := rule(&u)
		if err != nil {
			return err
		}
		if before.IsActiveAdmin() && !u.IsActiveAdmin() {
			if err := requireOtherAdmin(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := db.saveUser(ctx, tx, &u); err != nil {
			return err
		}
		ended, err = db.applyEffects(ctx, tx, u, after)
		return err
	})
	return u, ended, err
}

func (db *DB) saveUser(ctx context.Context, q querier, u *store.User) error {
	u.UpdatedAt = db.now()
	_, err := q.Exec(ctx, `UPDATE users SET email = $2, name = $3, role = $4, profession = $5,
		target_grade = $6, test_date = nullif($7, '')::date, time_zone = $8, locale = $9,
		password_hash = $10, disabled = $11, verified_at = $12, updated_at = $13,
		pending_from = $14 WHERE id = $1`,
		u.ID, u.Email, u.Name, u.Role, u.Profession, u.TargetGrade, u.TestDate, u.TimeZone,
		u.Locale, u.PasswordHash, u.Disabled, u.VerifiedAt, u.UpdatedAt, u.PendingFrom)
	return err
}

// lockUser reads an account and locks it. For an administrator's account it locks those of all
// administrators, in order of their ids. When two administrators demote each other at the same
// time, one waits for the other and then fails, instead of both succeeding.
func lockUser(ctx context.Context, q querier, id string, u *store.User) error {
	_, err := q.Exec(ctx,
		`SELECT 1 FROM users WHERE role = 'admin'
			AND EXISTS (SELECT 1 FROM users WHERE id = $1 AND role = 'admin')
			ORDER BY id FOR UPDATE`,
		id)
	if err != nil {
		return err
	}
	return scanOne(ctx, q, `SELECT `+userColumns+` FROM users u WHERE u.id = $1 FOR UPDATE`,
		[]any{id}, userTargets(u))
}

// requireOtherAdmin returns store.ErrState when there is no other active administrator.
func requireOtherAdmin(ctx context.Context, q querier, id string) error {
	var others bool
	err := scanOne(ctx, q,
		`SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND NOT disabled AND id <> $1)`,
		[]any{id}, []any{&others})
	if err == nil && !others {
		err = fmt.Errorf("this is the last administrator: %w", store.ErrState)
	}
	return err
}

// UserByEmail returns the user who has an address, in upper or lower case, or else the latest
// account that waits to confirm it (see store.User.PendingFrom), or else store.ErrNotFound.
func (db *DB) UserByEmail(ctx context.Context, email string) (store.User, error) {
	// The two kinds of accounts have indexes of their own.
	return db.user(ctx, `SELECT `+userColumns+` FROM users u
		WHERE u.email = $1 AND u.pending_from = '' OR u.email = $1 AND u.pending_from <> ''
		ORDER BY u.pending_from <> '', u.id DESC LIMIT 1`, strings.ToLower(email))
}

// PendingUsers returns the accounts that wait to confirm an address, the latest first, at most
// ten.
func (db *DB) PendingUsers(ctx context.Context, email string) (list []store.User, err error) {
	err = db.do(ctx, "users", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q, `SELECT `+userColumns+` FROM users u
			WHERE u.email = $1 AND u.pending_from <> '' ORDER BY u.id DESC LIMIT 10`,
			[]any{strings.ToLower(email)}, userTargets)
		return err
	})
	return list, err
}

// SweepPending deletes accounts that were registered before a time and never confirmed, with all
// that belongs to them, at most 200 at a time.
func (db *DB) SweepPending(ctx context.Context, before time.Time) (n int, err error) {
	var list []string
	err = db.do(ctx, "users", func(ctx context.Context, q querier) error {
		list, err = ids(ctx, q, `SELECT id::text FROM users
			WHERE pending_from <> '' AND created_at < $1 ORDER BY created_at LIMIT 200`, before)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, id := range list {
		_, err := db.DeleteUser(ctx, id, func(u store.User) (store.Effects, error) {
			if u.PendingFrom == "" {
				return store.Effects{}, fmt.Errorf("confirmed meanwhile: %w", store.ErrState)
			}
			return store.Effects{Acts: []store.Act{{
				Action: store.ActDelete, UserID: u.ID, Detail: "the address was never confirmed",
			}}}, nil
		})
		if errors.Is(err, store.ErrState) || errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// User returns the user with an id, or store.ErrNotFound.
func (db *DB) User(ctx context.Context, id string) (store.User, error) {
	if !store.IsID(id) {
		return store.User{}, fmt.Errorf("user: %w", store.ErrNotFound)
	}
	return db.user(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id)
}

func (db *DB) user(ctx context.Context, sql string, arg any) (u store.User, err error) {
	err = db.do(ctx, "user", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, sql, []any{arg}, userTargets(&u))
	})
	return u, err
}

// scanOne reads the only row of a query. It returns pgx.ErrNoRows when there is none.
func scanOne(ctx context.Context, q querier, sql string, args, targets []any) error {
	return q.QueryRow(ctx, sql, args...).Scan(targets...)
}

// collect reads every row of a query. targets returns the pointers that receive the columns.
func collect[T any](ctx context.Context, q querier, sql string, args []any,
	targets func(*T) []any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	const page = 16 // most lists are at most this long
	list := make([]T, 0, page)
	for rows.Next() {
		list = append(list, *new(T))
		if err := rows.Scan(targets(&list[len(list)-1])...); err != nil {
			return nil, err
		}
	}
	return list, rows.Err()
}
