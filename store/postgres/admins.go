package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"
)

// FirstAdmin saves u as an administrator whose address is confirmed, unless there is an active
// administrator already, demo accounts apart, and reports whether it did. Of two processes that
// call it at the same time one does. It returns store.ErrConflict when there is no administrator
// but the address has an account.
func (db *DB) FirstAdmin(ctx context.Context, u store.User) (created bool, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return false, fmt.Errorf("user id: %w", err)
	}
	u.ID, u.Email, u.Role = id.String(), strings.ToLower(u.Email), store.RoleAdmin
	u.CreatedAt = db.now()
	u.UpdatedAt = u.CreatedAt
	u.Verify(u.CreatedAt)
	err = db.within(ctx, "user", func(ctx context.Context, tx pgx.Tx) error {
		created = false
		if _, err := tx.Exec(ctx,
			`SELECT pg_advisory_xact_lock(hashtext('bedside: first administrator'))`); err != nil {
			return err
		}
		exists, err := hasAdmin(ctx, tx)
		if err != nil || exists {
			return err
		}
		if created, err = insertUser(ctx, tx, u); err != nil {
			return err
		}
		if !created {
			return fmt.Errorf("%w: the address has an account already", store.ErrConflict)
		}
		return db.record(ctx, tx, store.Act{
			Action: store.ActCreate, UserID: u.ID, Detail: "the first administrator",
		})
	})
	return created, err
}

// HasAdmin reports whether there is an active administrator, demo accounts apart.
func (db *DB) HasAdmin(ctx context.Context) (exists bool, err error) {
	err = db.do(ctx, "user", func(ctx context.Context, q querier) error {
		exists, err = hasAdmin(ctx, q)
		return err
	})
	return exists, err
}

func hasAdmin(ctx context.Context, q querier) (exists bool, err error) {
	var demo []string
	for _, u := range DemoUsers() {
		demo = append(demo, u.Email)
	}
	err = scanOne(ctx, q,
		`SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND NOT disabled
			AND email <> ALL($1))`, []any{demo}, []any{&exists})
	return exists, err
}

// closeDemoAccount disables a demo account and ends its sessions, even if it is the last
// administrator. An account whose password was changed is no demo account any more, and stays.
func (db *DB) closeDemoAccount(ctx context.Context, email string) error {
	u, err := db.UserByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || u.Disabled || !hasDemoPassword(u) {
		return err
	}
	return db.setDemoAccount(ctx, u.ID, true)
}

// reopenDemoAccount enables a demo account again, unless somebody else has disabled it.
func (db *DB) reopenDemoAccount(ctx context.Context, id string) error {
	var why string
	err := db.do(ctx, "act", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT detail FROM acts WHERE user_id = $1 AND action = $2
			ORDER BY id DESC LIMIT 1`, []any{id, store.ActDisable}, []any{&why})
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil || why != demoOff:
		return err
	}
	return db.setDemoAccount(ctx, id, false)
}

// demoOff is the reason in the audit trail why closeDemoAccount has disabled an account.
const demoOff = "demo accounts are off"

// setDemoAccount disables or enables a demo account.
func (db *DB) setDemoAccount(ctx context.Context, id string, disabled bool) error {
	return db.within(ctx, "user", func(ctx context.Context, tx pgx.Tx) error {
		var u store.User
		if err := lockUser(ctx, tx, id, &u); err != nil {
			return err
		}
		act := store.Act{
			Action: store.ActEnable, UserID: u.ID, Detail: "demo accounts are on",
		}
		if u.Disabled = disabled; disabled {
			act.Action, act.Detail = store.ActDisable, demoOff
		}
		if err := db.saveUser(ctx, tx, &u); err != nil {
			return err
		}
		_, err := db.applyEffects(ctx, tx, u,
			store.Effects{SignOut: disabled, Acts: []store.Act{act}})
		return err
	})
}

func hasDemoPassword(u store.User) bool {
	return bcrypt.CompareHashAndPassword([]byte(u.PasswordHash), []byte(DemoPassword)) == nil
}
