// Package store holds Bedside's nouns: plain structs, the rules that belong to them, and the
// sentinel errors that every layer above maps from. It imports the standard library only, so that
// any package may speak of a user or an attempt.
package store

import "errors"

// Sentinel errors. Stores and rules return them wrapped with %w and a sentence that says what to
// do; the edges map them to a status in one table.
var (
	ErrNotFound        = errors.New("not found")
	ErrConflict        = errors.New("conflict")
	ErrInvalid         = errors.New("invalid")
	ErrUnauthenticated = errors.New("not signed in")
	ErrForbidden       = errors.New("forbidden")
	ErrState           = errors.New("wrong state")
	ErrReused          = errors.New("used before")
	ErrExpired         = errors.New("expired")
	ErrLimit           = errors.New("limit reached")
	ErrUnavailable     = errors.New("unavailable")
)
