package store

import "time"

// Job is work that a transaction adds to the queue. Once the transaction is committed, any process
// of the server runs it, at least once. Kind names the type of job in the queue.
type Job interface{ Kind() string }

// Effects are what follows from a change of an account. They are saved in the same transaction as
// the change, so that a change is never without its audit entries and mail, or the reverse.
type Effects struct {
	Acts []Act
	Jobs []Job
	// SignOut ends the account's sessions, except for KeepSession.
	SignOut     bool
	KeepSession string
	// OnlyPassword removes every other way to sign in. It is for when the owner of the email
	// address takes over an account whose factors somebody else may have added.
	OnlyPassword bool
}

// MailTemplate is a kind of mail message.
type MailTemplate string

// The kinds of mail messages.
const (
	MailVerify               MailTemplate = "verify"
	MailRegistered           MailTemplate = "already-registered"
	MailReset                MailTemplate = "reset"
	MailPasswordChanged      MailTemplate = "password-changed"
	MailConfirmEmail         MailTemplate = "confirm-email" // to the new address
	MailEmailChangeRequested MailTemplate = "email-asked"   // to the old address
	MailEmailChanged         MailTemplate = "email-changed"
	MailFactorAdded          MailTemplate = "factor-added"
	MailFactorRemoved        MailTemplate = "factor-removed"
	MailGuesses              MailTemplate = "guesses" // many wrong passwords or codes
	MailInvitation           MailTemplate = "invitation"
	MailDeviceEnded          MailTemplate = "device-ended"
	MailAccountDeleted       MailTemplate = "account-deleted"
)

// Mail is the job that sends a message. It contains no secret: the token of a link is made when
// the message is written, so that no token is ever in the queue.
type Mail struct {
	Template MailTemplate `json:"letter"`
	To       string       `json:"to,omitempty"`      // the recipient's address; empty: the user's
	UserID   string       `json:"user_id,omitempty"` // empty: the user with that address, if any
	Name     string       `json:"name,omitempty"`    // of a user who is deleted by then
	Asked    time.Time    `json:"asked"`             // when the user requested or did it
	IP       string       `json:"ip,omitempty"`      // from where
	Device   string       `json:"device,omitempty"`  // a device's name
	What     string       `json:"what,omitempty"`    // what changed: a new address, a factor's name
}

// Kind names the job.
func (Mail) Kind() string { return "mail" }

// Sweep is the periodic job that removes expired records and files.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "sweep" }

// Reconcile is the periodic job that compares attempts with their jobs and audio.
type Reconcile struct{}

// Kind names the job.
func (Reconcile) Kind() string { return "reconcile" }

// CountPractice is the periodic job that adds the latest changes to the numbers by day.
type CountPractice struct{}

// Kind names the job.
func (CountPractice) Kind() string { return "count-practice" }

// SweepLog is the periodic job that removes audio that is needed no longer from the log.
type SweepLog struct{}

// Kind names the job.
func (SweepLog) Kind() string { return "sweep-log" }

// Expire is the periodic job that deletes recordings and role plays at the end of their retention.
type Expire struct{}

// Kind names the job.
func (Expire) Kind() string { return "expire" }
