package store

import "time"

// Act is an entry of the audit trail: who did what, when, from where, and with what outcome. It
// names accounts by id only and contains no secrets. Entries are appended and never changed.
type Act struct {
	ID        string    // UUID v7, set by the store
	At        time.Time // UTC; the store sets it when it is zero
	Action    Action
	Outcome   Outcome // done when empty
	ActorID   string  // who did it; empty when not known
	UserID    string  // the account that it is about; empty when there is none
	SessionID string  // the actor's
	Object    string  // what it was done to, such as "session <id>"
	Detail    string  // a few words
	IP        string
	UserAgent string
	// Count is how often it was done from the same network in the same hour, and LastAt when last.
	// Only acts without a known actor are counted together. The store sets both.
	Count  int
	LastAt time.Time
}

// Outcome is the result of an act.
type Outcome string

// The outcomes.
const (
	OutcomeDone    Outcome = "done"
	OutcomeRefused Outcome = "refused"
)

// Action is a kind of act. The part before the dot is the kind of object.
type Action string

// The actions of the audit trail.
const (
	ActRegister       Action = "user.register"
	ActCreate         Action = "user.create"
	ActInvite         Action = "user.invite"
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
	ActRetry          Action = "attempt.retry" // its analysis
	ActDeleteAttempt  Action = "attempt.delete"
	ActDeleteMedia    Action = "media.delete"
	// The acts of retention are about no account: each counts what one run deleted.
	ActExpireRecordings Action = "retention.recordings"
	ActExpireReports    Action = "retention.reports"
	ActExpireAudio      Action = "retention.audio_log"
	ActSignIn           Action = "session.start"
	ActSignOut          Action = "session.sign_out"
	ActEndSession       Action = "session.end"
	ActReuse            Action = "session.refresh_reused"
	ActAddFactor        Action = "factor.add"
	ActRemoveFactor     Action = "factor.remove"
	ActUseFactor        Action = "factor.use"
	ActNewCodes         Action = "factor.new_recovery_codes"
	// The acts of the library. Their object is the scenario, their detail its slug and version.
	ActCreateScenario  Action = "scenario.create"
	ActUpdateScenario  Action = "scenario.update"
	ActPublishScenario Action = "scenario.publish"
	ActArchiveScenario Action = "scenario.archive"
	ActDeleteScenario  Action = "scenario.delete"
)

// ActFilter selects entries of the audit trail, newest first.
type ActFilter struct {
	UserID string // entries by or about this account; empty: all
	Action Action // empty: all
	Before string // the id of the last entry of the page before; empty: the first page
	Limit  int
}
