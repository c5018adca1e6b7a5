package store

import "time"

// Job is work that is asked for in a transaction and done after it, by some process, at least
// once. Kind tells the kinds apart.
type Job interface{ Kind() string }

// Effects is what is kept together with a change, or not at all.
type Effects struct {
	Acts []Act
	Jobs []Job
	// SignOut ends the account's sessions, but for the one that KeepSession names.
	SignOut     bool
	KeepSession string
	// OnlyPassword removes every other way to sign in: whoever added it is not known to be the
	// owner of the address.
	OnlyPassword bool
}

// Letter is a kind of mail.
type Letter string

// The letters.
const (
	LetterVerify          Letter = "verify"
	LetterRegistered      Letter = "already-registered"
	LetterReset           Letter = "reset"
	LetterPasswordChanged Letter = "password-changed"
	LetterConfirmEmail    Letter = "confirm-email" // to an address that an account is to get
	LetterEmailAsked      Letter = "email-asked"   // to the address that it is to lose
	LetterEmailChanged    Letter = "email-changed"
	LetterFactorAdded     Letter = "factor-added"
	LetterFactorRemoved   Letter = "factor-removed"
	LetterDeviceEnded     Letter = "device-ended"
	LetterAccountDeleted  Letter = "account-deleted"
)

// Mail is the job of sending a letter. It holds no secret: the token of a link is made when the
// letter is written, so that none lies in the queue.
type Mail struct {
	Letter Letter    `json:"letter"`
	To     string    `json:"to,omitempty"`      // an address; empty: the user's
	UserID string    `json:"user_id,omitempty"` // empty: whoever has the address, if anybody
	Name   string    `json:"name,omitempty"`    // for a user who is gone by then
	Asked  time.Time `json:"asked"`             // when it happened
	IP     string    `json:"ip,omitempty"`      // from where
	Device string    `json:"device,omitempty"`  // a device's name
	What   string    `json:"what,omitempty"`    // what changed: a new address, a factor's name
}

// Kind names the job.
func (Mail) Kind() string { return "mail" }

// Sweep is the job of removing what has had its time. It is asked for once in a while.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "sweep" }
