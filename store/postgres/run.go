package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"bedside/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// querier is implemented by the pool and by a transaction.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// do runs fn, which is a single statement, on the pool. what is the subject of error messages.
func (db *DB) do(ctx context.Context, what string, fn func(context.Context, querier) error) error {
	return db.bounded(ctx, what, func(ctx context.Context) (bool, error) {
		err := fn(ctx, db.pool)
		return pgconn.SafeToRetry(err), err
	})
}

// transact runs fn in a transaction, and commits it when fn returns nil. fn may run twice, so it
// must not keep anything of its first run.
func (db *DB) transact(ctx context.Context, what string,
	fn func(context.Context, querier) error) error {
	return db.within(ctx, what, func(ctx context.Context, tx pgx.Tx) error { return fn(ctx, tx) })
}

// within is like transact, for functions that need a pgx.Tx, for example to add jobs.
func (db *DB) within(ctx context.Context, what string,
	fn func(context.Context, pgx.Tx) error) error {
	return db.bounded(ctx, what, func(ctx context.Context) (again bool, err error) {
		tx, err := db.pool.Begin(ctx)
		if err != nil {
			return true, err
		}
		defer func() {
			if err != nil {
				_ = tx.Rollback(ctx) // fails on a dead connection, which the pool then discards
			}
		}()
		if err := fn(ctx, tx); err != nil {
			return broken(err) || deadlocked(err), err
		}
		return false, tx.Commit(ctx) // not retried: a commit without a response may have succeeded
	})
}

// bounded runs fn with the configured timeout. It runs fn once more when fn reports that this is
// safe, for example because the pooled connection was dead. It returns the store's sentinel
// errors.
func (db *DB) bounded(ctx context.Context, what string,
	fn func(context.Context) (again bool, err error)) error {
	limited, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	again, err := fn(limited)
	if err != nil && again && limited.Err() == nil {
		_, err = fn(limited)
	}
	db.noticeFull(err)
	return translate(ctx, what, err)
}

// SQLSTATE codes and classes, from the appendix of PostgreSQL's manual.
const (
	badCharacter        = "22021"
	badJSONCharacter    = "22P05"
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	deadlockDetected    = "40P01"
	queryCanceled       = "57014"
	lockNotAvailable    = "55P03"
	diskFull            = "53100"
)

func deadlocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == deadlockDetected
}

// broken reports whether the cause of err is the connection or a server that is shutting down, and
// not the statement.
func broken(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system
			return pg.Code != queryCanceled
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, pgx.ErrTxClosed)
}

// translate wraps an error of pgx in the sentinel error that it corresponds to. It returns errors
// of the rules unchanged.
func translate(ctx context.Context, what string, err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil || isOurs(err):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s: %w", what, store.ErrNotFound)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	case errors.As(err, &pg):
		switch {
		case pg.Code == uniqueViolation:
			return fmt.Errorf("%s: %w: it exists already", what, store.ErrConflict)
		case pg.Code == badCharacter || pg.Code == badJSONCharacter:
			return fmt.Errorf("%s: %w: a text contains a character that cannot be stored", what,
				store.ErrInvalid)
		case pg.Code == foreignKeyViolation:
			return fmt.Errorf("%s: %w: it refers to something that does not exist", what,
				store.ErrNotFound)
		case broken(err) || pg.Code == queryCanceled || pg.Code == lockNotAvailable ||
			pg.Code == deadlockDetected:
			return fmt.Errorf("%s: the database is %w: %w", what, store.ErrUnavailable, err)
		}
		return fmt.Errorf("%s: %w", what, err)
	case errors.Is(err, context.DeadlineExceeded) || broken(err):
		return fmt.Errorf("%s: the database is %w: %w", what, store.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// isOurs reports whether err is one of the store's sentinel errors already.
func isOurs(err error) bool {
	for _, sentinel := range []error{
		store.ErrNotFound, store.ErrConflict, store.ErrInvalid, store.ErrUnauthenticated,
		store.ErrForbidden, store.ErrState, store.ErrStale, store.ErrFenced, store.ErrReused,
		store.ErrExpired, store.ErrLimit, store.ErrUnavailable,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}
