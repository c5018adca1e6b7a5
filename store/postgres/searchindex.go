package postgres

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// indexSearch builds the index of the list of accounts unless it is there. It is no numbered
// migration, because it needs the extension pg_trgm, which may be installed later: it comes with
// PostgreSQL, but on some systems in a package of its own, and some providers have to permit it.
// Without it the search reads all accounts, and indexSearch only warns.
func (db *DB) indexSearch(ctx context.Context, pool *sql.DB) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	exists := func() (valid bool, err error) {
		err = conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_index
			WHERE indexrelid = to_regclass('users_search') AND indisvalid)`).Scan(&valid)
		return valid, err
	}
	if valid, err := exists(); err != nil || valid {
		return err
	}
	var lock advisoryLock
	if err := lock.SessionLock(ctx, conn); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, lock.SessionUnlock(context.WithoutCancel(ctx), conn))
	}()
	if valid, err := exists(); err != nil || valid { // another process may have built it
		return err
	}
	// The server works without the index, so it starts although PostgreSQL refuses one.
	refused := func(err error, message string) error {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return err
		}
		full := strings.HasPrefix(pg.Code, "53") // the disk or the memory
		if broken(err) && !full {
			return err
		}
		db.log.Warn(message, "error", pg.Message)
		return nil
	}
	if _, err := conn.ExecContext(ctx, "CREATE EXTENSION IF NOT EXISTS pg_trgm"); err != nil {
		return refused(err, "searching for users reads all of them until PostgreSQL has its "+
			"extension pg_trgm: install it (often in the package postgresql-contrib) or have it "+
			"permitted, then restart")
	}
	for _, statement := range []string{
		"DROP INDEX CONCURRENTLY IF EXISTS users_search", // of a run that was interrupted
		"CREATE INDEX CONCURRENTLY users_search ON users USING gin (" +
			strings.ReplaceAll(searchText, "u.", "") + " gin_trgm_ops) WITH (fastupdate = off)",
		"ANALYZE users", // counts how common the texts are
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return refused(err, "searching for users may read all of them, because their index "+
				"cannot be built: the account of the server must own the table users and find "+
				"the extension pg_trgm in its search_path. Then restart")
		}
	}
	return nil
}
