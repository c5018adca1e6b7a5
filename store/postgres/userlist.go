package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// searchText is what the list of accounts searches. An index has this expression.
const searchText = `(' ' || lower(u.name) || ' ' || u.email)`

// Users returns accounts, newest first. A text of one or two characters is looked for at the
// beginning of a word of the name and of the address, a longer one anywhere in them. It returns
// store.ErrInvalid when f.Before is not an id.
func (db *DB) Users(ctx context.Context, f store.UserFilter) (list []store.User, err error) {
	if f.Before != "" && !store.IsID(f.Before) {
		return nil, fmt.Errorf("users: %w: the cursor is not one of ours", store.ErrInvalid)
	}
	// Only the conditions that there are, so that each has its index. CacheDescribe makes a plan
	// for the values: whether it is better to read the accounts from the newest, or those that an
	// index finds, depends on how common the text is.
	where, args := []string{"true"}, []any{pgx.QueryExecModeCacheDescribe}
	add := func(clause string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(clause, len(args)-1))
	}
	if pattern := searchPattern(f.Text); pattern != "" {
		add(searchText+" LIKE $%d", pattern)
	}
	if f.Role != "" {
		add("u.role = $%d", f.Role)
	}
	switch {
	case f.Disabled != nil && *f.Disabled:
		where = append(where, "u.disabled")
	case f.Disabled != nil:
		where = append(where, "NOT u.disabled")
	}
	if f.Before != "" {
		add("u.id < $%d", f.Before)
	}
	err = db.do(ctx, "users", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q, `SELECT `+userColumns+` FROM users u
			WHERE `+strings.Join(where, " AND ")+` ORDER BY u.id DESC LIMIT `+
			strconv.Itoa(f.Limit), args, userTargets)
		return err
	})
	return list, err
}

// searchPattern returns the LIKE pattern of a text, or "" for one that finds everybody.
func searchPattern(text string) string {
	text = strings.ReplaceAll(strings.ToLower(text), "\x00", "")
	if text == "" {
		return ""
	}
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
	if utf8.RuneCountInString(text) < 3 { // no trigram is in it, but in the beginning of a word
		return "% " + escaped + "%"
	}
	return "%" + escaped + "%"
}
