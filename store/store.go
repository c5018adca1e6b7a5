// Package store defines Bedside's domain types: plain structs, the rules that change them, and the
// sentinel errors that the layers above map to statuses. It imports only the standard library, so
// that every package can use the types. The packages below it (postgres, presence, blob) keep
// their values.
//
//   - A User is an account. A Session is one signed-in device of a user. A Factor (authenticator
//     app) and a Passkey are ways to sign in besides the password.
//   - A Scenario is an authored role play: one card for the candidate, one for the person who
//     plays the patient.
//   - An Attempt is one practice of a scenario by one candidate. Its id is also the id of its
//     room, the live call. A Join is what a ticket to that room permits. A RoomInfo is what
//     presence knows about an open room. A MediaNode is a process that holds rooms.
//   - An Exam is a mock exam: two attempts of one profession back to back, each played once.
//   - A Report is the result of an attempt: measures, recordings and turns.
//   - An Act is an entry of the audit trail. A Job is work that runs after a transaction. Effects
//     are the acts and jobs that are saved in the same transaction as a change.
//   - A Quota limits how often something may be done.
//
// For example, a candidate creates an Attempt and joins its room (Prepare), the play begins
// (Start) and ends (Finish), and the speech worker saves a Report (Reported).
//
// Rules are methods. A rule checks whether a change is permitted and makes it in memory; its
// caller holds the row's lock and saves the result.
package store

import "errors"

// Sentinel errors. Stores and rules return them wrapped (%w) in a message that says what is wrong.
// The REST API and the WebSocket each map them to a status in one table.
var (
	// ErrNotFound is returned when a record or file does not exist, or the caller may not know
	// that it does.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned when somebody else already has what must be unique, such as an
	// email address or the patient's seat in a room.
	ErrConflict = errors.New("conflict")
	// ErrInvalid is returned when input does not meet the rules for it.
	ErrInvalid = errors.New("invalid")
	// ErrUnauthenticated is returned when a token, a password or a session is missing, wrong or
	// no longer valid.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrForbidden is returned when the user is known but may not do this, for example because
	// of the role or because the account is disabled.
	ErrForbidden = errors.New("forbidden")
	// ErrState is returned when the record's present state does not permit the change, for
	// example starting an attempt that was abandoned.
	ErrState = errors.New("wrong state")
	// ErrStale is returned when a change was made from a version of the record that is no longer
	// the latest.
	ErrStale = errors.New("changed meanwhile")
	// ErrFenced is returned when a media node changes an attempt whose room another node has taken
	// since.
	ErrFenced = errors.New("fenced off")
	// ErrReused is returned when something that works once (a ticket, a link, a code, a refresh
	// token) was used before.
	ErrReused = errors.New("used before")
	// ErrExpired is returned when a token, a ticket, a link or a sign-in is past its time.
	ErrExpired = errors.New("expired")
	// ErrLimit is returned when a quota is used up, or something is larger or more than permitted.
	ErrLimit = errors.New("limit reached")
	// ErrUnavailable is returned when PostgreSQL, Redis or the blob store does not answer. Trying
	// again later may work.
	ErrUnavailable = errors.New("unavailable")
)
