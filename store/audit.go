package store

import "time"

// Act is an entry of the audit trail: who did what, when, from where, and how it ended. It holds
// no secret, no address and no name, only ids. Entries are added and never changed.
type Act struct {
	ID        string    // UUID v7; the store gives it
	At        time.Time // UTC; the store gives it when it is zero
	Action    Action
	Outcome   Outcome // done when empty
	ActorID   string  // who did it; empty: nobody known
	UserID    string  // whose account it concerns; empty: nobody's
	SessionID string  // of the one who did it
	Object    string  // what it was done to, as "session <id>"
	Detail    string  // a few words
	IP        string
	UserAgent string
}

// Outcome says how an act ended.
type Outcome string

// The outcomes.
const (
	OutcomeDone    Outcome = "done"
	OutcomeRefused Outcome = "refused"
)

// Action names an act. Its part before the dot is the kind of thing that it is done to.
type Action string

// The acts that the trail holds.
const (
	ActRegister       Action = "user.register"
	ActVerifyEmail    Action = "user.verify_email"
	ActForgotPassword Action = "user.forgot_password"
	ActResetPassword  Action = "user.reset_password"
	ActChangePassword Action = "user.change_password"
	ActChangeEmail    Action = "user.change_email"
	ActChangeProfile  Action = "user.change_profile"
	ActChangeRole     Action = "user.change_role"
	ActDisable        Action = "user.disable"
	ActEnable         Action = "user.enable"
	ActReauthenticate Action = "user.reauthenticate"
	ActExport         Action = "user.export"
	ActDelete         Action = "user.delete"
	ActSignIn         Action = "session.start"
	ActSignOut        Action = "session.sign_out"
	ActEndSession     Action = "session.end"
	ActReuse          Action = "session.refresh_reused"
	ActAddFactor      Action = "factor.add"
	ActRemoveFactor   Action = "factor.remove"
	ActUseFactor      Action = "factor.use"
	ActNewCodes       Action = "factor.new_recovery_codes"
)

// ActFilter says which entries of the trail are wanted, newest first.
type ActFilter struct {
	UserID string // that were done by the account or concern it; empty: all
	Action Action // empty: all
	Before string // the id of the last one seen
	Limit  int
}
