package postgres

import (
	"context"
	"errors"
	"fmt"

	"bedside/store"
	"bedside/store/scenario"

	"golang.org/x/crypto/bcrypt"
)

// DemoPassword is the password of every demo account.
const DemoPassword = "bedside-demo"

// DemoUsers returns the accounts that Seed creates.
func DemoUsers() []store.User {
	return []store.User{
		{
			Email: "candidate@demo.bedside", Name: "Dana Kovač", Role: store.RoleCandidate,
			Profession: "nursing",
		},
		{Email: "tutor@demo.bedside", Name: "Theo Marsh", Role: store.RoleTutor},
		{Email: "admin@demo.bedside", Name: "Ada Finch", Role: store.RoleAdmin},
	}
}

// Seed inserts the scenarios that are part of the program and that are missing. A scenario that
// nobody has changed gets the program's text as a new version when that is another one. With demo,
// Seed also creates the demo accounts that do not exist, and enables those that a call without
// demo has disabled. Without demo it disables them, because everybody knows their password. A
// second call changes nothing.
func (db *DB) Seed(ctx context.Context, demo bool) error {
	scenarios, err := scenario.Shipped()
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	for _, s := range scenarios {
		// A conflict: another process has inserted it meanwhile.
		err := db.seedScenario(ctx, s)
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("seed: %w", err)
		}
	}
	for _, u := range DemoUsers() {
		if demo {
			err = db.seedUser(ctx, u)
		} else {
			err = db.closeDemoAccount(ctx, u.Email)
		}
		if err != nil {
			return fmt.Errorf("seed: %s: %w", u.Email, err)
		}
	}
	return nil
}

func (db *DB) seedUser(ctx context.Context, u store.User) error {
	old, err := db.UserByEmail(ctx, u.Email)
	if err == nil && old.Disabled && hasDemoPassword(old) {
		return db.reopenDemoAccount(ctx, old.ID)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(DemoPassword), bcrypt.DefaultCost)
	if err != nil {
		return err
	}
	u.PasswordHash = string(hash)
	u.Verify(db.now()) // nobody can read mail at these addresses
	if _, err = db.CreateUser(ctx, u); errors.Is(err, store.ErrConflict) {
		return nil // another process has created it meanwhile
	}
	return err
}
