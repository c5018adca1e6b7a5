package store

// Registration says who can get an account.
type Registration string

// The ways of registration.
const (
	// RegistrationOpen lets everybody register.
	RegistrationOpen Registration = "open"
	// RegistrationInvitation lets only people that an administrator invites choose a password.
	RegistrationInvitation Registration = "invitation"
	// RegistrationClosed leaves it to administrators to make accounts, with a password.
	RegistrationClosed Registration = "closed"
)

// Valid reports whether r is one of the ways.
func (r Registration) Valid() bool {
	return r == RegistrationOpen || r == RegistrationInvitation || r == RegistrationClosed
}
