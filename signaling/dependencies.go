package signaling

import (
	"context"
	"time"

	"bedside/sfu"
	"bedside/speech/part"
	"bedside/store"
)

// Verifier checks tickets and sessions.
type Verifier interface {
	// VerifyTicket returns what a ticket allows and uses the ticket up. It returns
	// store.ErrUnauthenticated for a ticket that this server did not issue, store.ErrExpired,
	// store.ErrReused for one that was used before, and store.ErrForbidden when its owner has
	// signed out. Any other error means that the ticket cannot be checked now.
	VerifyTicket(ctx context.Context, ticket string) (store.Join, error)
	// Check returns store.ErrUnauthenticated or store.ErrForbidden for a session that has ended.
	Check(ctx context.Context, sessionID string) error
}

// Attempts stores attempts. Each change runs a rule of store.Attempt; repeating one is no error.
// fence is that of the room's lease: a change returns store.ErrFenced when another node has taken
// the lease since.
type Attempts interface {
	Attempt(ctx context.Context, id string) (store.Attempt, store.Scenario, error)
	PrepareAttempt(ctx context.Context, id string, fence int64,
		now time.Time) (store.Attempt, error)
	StartAttempt(ctx context.Context, id string, fence int64,
		now time.Time) (store.Attempt, error)
	FinishAttempt(ctx context.Context, id string, fence int64,
		now time.Time) (store.Attempt, error)
	AbandonAttempt(ctx context.Context, id string, fence int64,
		now time.Time) (store.Attempt, error)
}

// Audio sends the audio of a play to its analysis.
type Audio interface {
	// Begin requests the analysis of an attempt. Repeating it is no error.
	Begin(ctx context.Context, attemptID string, startedAt time.Time) error
	// Tap makes sinks for a play that began at startedAt; the participant ids "candidate" and
	// "patient" are the speakers. What it records carries the fence of the room's lease.
	Tap(attemptID string, startedAt time.Time, fence int64) Tap
	// Discard ends the attempt's tap and drops what it has not published: another node writes the
	// log now. It does not block.
	Discard(attemptID string)
	// LastClock returns the clock of a play as it was when a media server last had it. ok is false
	// when that is not known.
	LastClock(ctx context.Context, attemptID string) (c store.PlayClock, ok bool, err error)
	// Finish flushes everything that was tapped, then marks the end of the attempt's audio.
	Finish(ctx context.Context, attemptID string) error
	// Suspend flushes everything that was tapped, and leaves the audio to be continued by another
	// process. Repeating it is no error.
	Suspend(ctx context.Context, attemptID string) error
}

// Tap records a play: the speakers' tracks, and what keeps a speaker from being heard. No method
// blocks. None but those of its sinks is called after Audio.Finish or
// Audio.Suspend.
type Tap interface {
	sfu.Tap
	// Interrupted records that a cause began (on) or ceased to keep a speaker from being heard.
	Interrupted(speaker store.Speaker, cause store.Cause, on bool, at time.Time)
	// Clock records the play's clock, which has started or stopped, for Audio.LastClock.
	Clock(c store.PlayClock, at time.Time)
	// Acted records events of the automatic patient, which its actor has written.
	Acted(events []byte)
	// Said records what the automatic patient has said of a line.
	Said(line part.Line, played part.Played)
	// Patient records a snapshot of the automatic patient, for Patients.LastPatient.
	Patient(generation int, state []byte, heardTo int64)
	// Live makes what is recorded reach the log at once while an actor listens.
	Live(on bool)
	// Moved records that this process stops recording, and another one continues.
	Moved(at time.Time)
	// Sent records how many packets a speaker's client has sent on an RTP stream, as it says.
	Sent(speaker store.Speaker, ssrc uint32, packets int)
}

// Patients finds actors for automatic patients, and carries what actors and rooms say to each
// other. An actor listens to the candidate of a play and decides what the patient says.
type Patients interface {
	// CallActor asks all workers for an actor. It returns the worker that holds a slot for it, or
	// the place in the queue when all are busy.
	CallActor(ctx context.Context, c part.Call) (worker string, place int, err error)
	// ConfirmActor takes the slot. taken is false when the worker has given it away meanwhile.
	ConfirmActor(ctx context.Context, c part.Confirm) (taken bool, err error)
	// ListenToActor passes the acts and the signs of life of an attempt's actors on until stop,
	// from any goroutine. act may wait for the room's loop, stop does not wait for act.
	ListenToActor(attemptID string, act func(part.Act) part.Reply,
		alive func(part.Alive)) (stop func(), err error)
	// TellActor tells the actor something and returns its answer. The caller repeats what is not
	// answered.
	TellActor(ctx context.Context, attemptID string, t part.Told) (part.Reply, error)
	// LastPatient returns the last snapshot that a tap has recorded; a zero one if there is none.
	LastPatient(ctx context.Context, attemptID string) (PatientState, error)
}

// Leases keeps each room on one node.
type Leases interface {
	// NodeID returns the id of this node, which tickets name.
	NodeID() string
	// Acquire takes the lease of a room, which counts for by, and returns its fence. lost is
	// called once, from any goroutine, if another node has taken the lease since. Acquire returns
	// store.ErrConflict while another node holds the lease, store.ErrAccountRooms or
	// store.ErrAddressRooms when by may not open another room, and store.ErrNotFound when there is
	// no such attempt.
	Acquire(ctx context.Context, attemptID string, by store.Opener,
		lost func()) (fence int64, err error)
	// Release ends the lease. After an error it ends by itself.
	Release(ctx context.Context, attemptID string) error
}

// Presence is this node as others see it: it holds the leases of the rooms and publishes who is in
// them. It may retry a failed publication later, and rooms do not wait for it.
type Presence interface {
	Leases
	RoomOpened(ctx context.Context, room store.RoomInfo) error
	RoomUpdated(ctx context.Context, room store.RoomInfo) error
	RoomClosed(ctx context.Context, id string) error
}

// Feedback reports that an attempt's report is ready (problem is empty) or has failed.
type Feedback interface {
	// SubscribeReportReady calls notify, from any goroutine, until stop returns or ctx ends.
	SubscribeReportReady(ctx context.Context, attemptID string,
		notify func(problem string)) (stop func(), err error)
}
