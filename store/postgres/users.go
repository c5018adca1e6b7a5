package postgres

import (
	"context"
	"fmt"
	"strings"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const userColumns = `u.id::text, u.email, u.name, u.role, u.profession, u.password_hash, u.disabled, u.created_at, u.updated_at`

func userTargets(u *store.User) []any {
	return []any{&u.ID, &u.Email, &u.Name, &u.Role, &u.Profession, &u.PasswordHash, &u.Disabled, &u.CreatedAt, &u.UpdatedAt}
}

// CreateUser keeps a new user, whose id and times it gives. ErrConflict: the address is taken.
func (db *DB) CreateUser(ctx context.Context, u store.User) (store.User, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return store.User{}, fmt.Errorf("user id: %w", err)
	}
	u.ID, u.Email = id.String(), strings.ToLower(u.Email)
	u.CreatedAt = db.now()
	u.UpdatedAt = u.CreatedAt
	err = db.do(ctx, "user", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `INSERT INTO users (id, email, name, role, profession, password_hash, disabled, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			u.ID, u.Email, u.Name, u.Role, u.Profession, u.PasswordHash, u.Disabled, u.CreatedAt, u.UpdatedAt)
		return err
	})
	return u, err
}

// UserByEmail finds a user by address, in any case.
func (db *DB) UserByEmail(ctx context.Context, email string) (store.User, error) {
	return db.user(ctx, `SELECT `+userColumns+` FROM users u WHERE u.email = $1`, strings.ToLower(email))
}

// User finds a user by id.
func (db *DB) User(ctx context.Context, id string) (store.User, error) {
	if uuid.Validate(id) != nil {
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

func scanOne(ctx context.Context, q querier, sql string, args, targets []any) error {
	return q.QueryRow(ctx, sql, args...).Scan(targets...)
}

// collect reads every row of a query into values, with targets saying where a value's columns go.
func collect[T any](ctx context.Context, q querier, sql string, args []any, targets func(*T) []any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v T, err error) {
		return v, row.Scan(targets(&v)...)
	})
}
