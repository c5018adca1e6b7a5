package store

import (
	"fmt"
	"slices"
	"time"
)

// Role says what a user may do.
type Role string

// The roles, least privileged first.
const (
	RoleCandidate Role = "candidate"
	RoleTutor     Role = "tutor"
	RoleAdmin     Role = "admin"
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	return r == RoleCandidate || r == RoleTutor || r == RoleAdmin
}

// User is an account. PasswordHash is bcrypt's; it never leaves the store and the auth slice.
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
	PasswordHash string
	Disabled     bool
	VerifiedAt   *time.Time // when the address was found to be theirs
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Governs reports whether the user is an administrator who can act.
func (u User) Governs() bool { return u.Role == RoleAdmin && !u.Disabled }

// Verify notes that the address is the user's; doing it again keeps the first time.
func (u *User) Verify(now time.Time) {
	if u.VerifiedAt == nil {
		u.VerifiedAt = &now
	}
}

// Validate checks what people may write into their own profile; the error says what to do.
// Whether the time zone exists is the caller's to know.
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

// TargetGrades returns the grades that one may aim for, best first.
func TargetGrades() []string { return []string{"A", "B", "C+", "C"} }

// Professions returns the twelve of the OET, as slugs, in alphabetical order.
func Professions() []string {
	return []string{
		"dentistry", "dietetics", "medicine", "nursing", "occupational-therapy", "optometry",
		"pharmacy", "physiotherapy", "podiatry", "radiography", "speech-pathology", "veterinary-science",
	}
}

// UserFilter says which accounts are wanted, the newest first.
type UserFilter struct {
	Text     string // in the name or the address, in any case; empty: all
	Role     Role   // empty: all
	Disabled *bool  // nil: all
	Before   string // the id of the last one seen
	Limit    int
}
