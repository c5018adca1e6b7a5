package store

import "time"

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
	PasswordHash string
	Disabled     bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Professions returns the twelve of the OET, as slugs, in alphabetical order.
func Professions() []string {
	return []string{
		"dentistry", "dietetics", "medicine", "nursing", "occupational-therapy", "optometry",
		"pharmacy", "physiotherapy", "podiatry", "radiography", "speech-pathology", "veterinary-science",
	}
}
