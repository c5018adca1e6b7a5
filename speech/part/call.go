package part

import (
	"encoding/json"

	"bedside/speech/frame"
	"bedside/store"
)

// Call asks for an actor. The room repeats it every second until a worker has taken it, with the
// same Since, by which workers know who has waited longest.
type Call struct {
	Attempt    string     `json:"attempt"`
	Generation int        `json:"generation"` // from 1 on
	Since      int64      `json:"since"`      // when the room called for the first time
	Scenario   string     `json:"scenario"`   // its id
	Version    int        `json:"version"`
	Mode       store.Mode `json:"mode"`
	Candidate  string     `json:"candidate"` // the user's id
	// StartedAt is the start of the attempt's time line, 0 before the play.
	StartedAt int64 `json:"started_at,omitempty"`
	// Clock is the play's clock of now, when it has started.
	Clock *Clock `json:"clock,omitempty"`
	// State is the last actor's snapshot. The audio before HeardTo is in it.
	State   json.RawMessage `json:"state,omitempty"`
	HeardTo int64           `json:"heard_to,omitempty"`
	// Saying is the id of the line that is being played. Its Played follows.
	Saying string `json:"saying,omitempty"`
}

// Taken answers a Call: the worker holds a slot for it, for a few seconds. Confirm makes it start.
type Taken struct {
	Worker string `json:"worker"`
}

// Busy answers a Call: the worker has no slot for it now.
type Busy struct {
	Place int `json:"place"` // in the queue, from 1 on
}

// Confirm says which worker's slot a room takes for a call. The named worker answers, the others
// free the slots that they hold for it.
type Confirm struct {
	Attempt    string `json:"attempt"`
	Generation int    `json:"generation"`
	Worker     string `json:"worker"`
}

// AskStatus asks every worker for its Status.
type AskStatus struct{}

// Status says what a worker can do.
type Status struct {
	Worker     string `json:"worker"`
	Slots      int    `json:"slots"`
	Free       int    `json:"free"`
	Waiting    int    `json:"waiting"`    // calls that no worker has taken
	Recogniser string `json:"recogniser"` // what hears; empty: none, and Why says why
	Why        string `json:"why,omitempty"`
}

func (Call) kind() string      { return "call" }
func (Taken) kind() string     { return "taken" }
func (Busy) kind() string      { return "busy" }
func (Confirm) kind() string   { return "confirm" }
func (AskStatus) kind() string { return "ask_status" }
func (Status) kind() string    { return "status" }

func (c Call) valid() bool {
	return frame.ValidToken(c.Attempt) && number(c.Generation) && moment(c.Since) &&
		text(c.Scenario, maxName) && c.Scenario != "" && c.Version >= 0 &&
		(c.Mode == store.ModePractice || c.Mode == store.ModeExam) && text(c.Candidate, maxName) &&
		moment(c.StartedAt) && (c.Clock == nil || c.Clock.valid()) && raw(c.State, MaxState) &&
		moment(c.HeardTo) && text(c.Saying, maxName)
}

func (t Taken) valid() bool { return frame.ValidToken(t.Worker) }
func (b Busy) valid() bool  { return number(b.Place) }

func (c Confirm) valid() bool {
	return frame.ValidToken(c.Attempt) && number(c.Generation) && frame.ValidToken(c.Worker)
}

func (AskStatus) valid() bool { return true }

func (s Status) valid() bool {
	return frame.ValidToken(s.Worker) && s.Slots >= 0 && s.Free >= 0 && s.Free <= s.Slots &&
		s.Waiting >= 0 && text(s.Recogniser, maxName) && text(s.Why, MaxText)
}
