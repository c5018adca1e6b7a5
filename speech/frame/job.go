package frame

import "time"

// Job asks for the analysis of an attempt.
type Job struct {
	AttemptID string    `json:"attempt_id"`
	StartedAt time.Time `json:"started_at"` // the beginning of the time line
}

// Delivery is one message of an attempt's log.
type Delivery struct {
	Speaker string
	Batch   Batch
	End     bool // nothing follows
}
