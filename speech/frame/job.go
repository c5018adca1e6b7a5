package frame

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bedside/speech/event"
)

// ErrJobEnded is returned to a worker that reads an attempt's log after another worker has ended
// the attempt's job. The log may be gone by then, so what was read may be incomplete.
var ErrJobEnded = errors.New("another worker has ended the job")

// ErrNoLog is returned to a worker in place of the end of a log that holds nothing: it was lost,
// or the media server stopped before it wrote anything.
var ErrNoLog = errors.New("the attempt has no log")

// Job asks for the analysis of an attempt.
type Job struct {
	AttemptID string    `json:"attempt_id"`
	StartedAt time.Time `json:"started_at"` // start of the attempt's time line
}

// ParseJob reads a job's JSON form. It returns an error for an attempt id that is no ValidToken
// and for a start that is no plausible date.
func ParseJob(data []byte) (Job, error) {
	var j Job
	if err := json.Unmarshal(data, &j); err != nil {
		return Job{}, fmt.Errorf("malformed job: %w", err)
	}
	if !ValidToken(j.AttemptID) {
		return Job{}, fmt.Errorf("malformed job: attempt id %.80q is not allowed in a subject",
			j.AttemptID)
	}
	if year := j.StartedAt.Year(); year < 2000 || year > 9000 {
		return Job{}, fmt.Errorf("malformed job: it starts in the year %d", year)
	}
	return j, nil
}

// Delivery is one message of an attempt's log, as a worker reads it.
type Delivery struct {
	Speaker string
	Batch   Batch
	Events  []event.Event // instead of a batch
	End     bool          // nothing follows
	// Missing says that messages before this one are missing from the log: they could not be
	// stored, or the log was damaged.
	Missing bool
}
