package store

import (
	"fmt"
	"slices"
	"time"
)

// Role says what a user may do.
type Role string

// The roles, from the least to the most privileged.
const (
	RoleCandidate Role = "candidate"
	RoleTutor     Role = "tutor"
	RoleAdmin     Role = "admin"
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	return r == RoleCandidate || r == RoleTutor || r == RoleAdmin
}

// User is an account. PasswordHash is a bcrypt hash; no response contains it.
type User struct {
	ID           string // UUID
	Email        string // lower case, unique
	Name         string
	Role         Role
	Profession   string // one of Professions, or empty
	TargetGrade  string // one of TargetGrades, or empty
	TestDate     string // year-month-day, or empty
	TimeZone     string // of the IANA database, or empty
	Locale       string // BCP 47, or empty
	AvatarID     string // the medium that is the portrait, or empty; CreateMedia sets it
	PasswordHash string
	Disabled     bool
	VerifiedAt   *time.Time // when the user confirmed the address; nil: not yet
	// PendingFrom is the network address that registered the account, until its address is
	// confirmed. Several accounts may wait to confirm one address, and until then none of them has
	// it. It is empty for all other accounts.
	PendingFrom string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// IsActiveAdmin reports whether the user is an administrator and the account is not disabled.
func (u User) IsActiveAdmin() bool { return u.Role == RoleAdmin && !u.Disabled }

// Verify records that the user confirmed the address, which is now this account's. A second call
// changes nothing.
func (u *User) Verify(now time.Time) {
	u.PendingFrom = ""
	if u.VerifiedAt == nil {
		u.VerifiedAt = &now
	}
}

// Validate checks the fields that users may edit in their own profile, and returns ErrInvalid when
// one is wrong. It does not check the time zone; that is up to the caller.
func (u User) Validate() error {
	switch {
	case u.Profession != "" && !slices.Contains(Professions(), u.Profession):
		return fmt.Errorf("%q is no profession: %w", u.Profession, ErrInvalid)
	case u.TargetGrade != "" && !slices.Contains(TargetGrades(), u.TargetGrade):
		return fmt.Errorf("%q is no grade: %w", u.TargetGrade, ErrInvalid)
	}
	if u.TestDate != "" {
		if _, err := time.Parse(time.DateOnly, u.TestDate); err != nil {
			return fmt.Errorf("%q is no date: %w", u.TestDate, ErrInvalid)
		}
	}
	return nil
}

// TargetGrades returns the grades that a candidate may aim for, best first.
func TargetGrades() []string { return []string{"A", "B", "C+", "C"} }

// Professions returns the twelve professions of the OET, as slugs in alphabetical order.
func Professions() []string {
	return []string{
		"dentistry", "dietetics", "medicine", "nursing", "occupational-therapy", "optometry",
		"pharmacy", "physiotherapy", "podiatry", "radiography", "speech-pathology",
		"veterinary-science",
	}
}

// UserFilter selects accounts, newest first.
type UserFilter struct {
	Text     string // part of the name or the address, case-insensitive; empty: all
	Role     Role   // empty: all
	Disabled *bool  // nil: all
	Before   string // the id of the last account of the page before; empty: the first page
	Limit    int
}
