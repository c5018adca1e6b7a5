package frame

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrOver says that an attempt's job has been ended meanwhile, by another worker.
var ErrOver = errors.New("the job was ended by another worker")

// Job asks for the analysis of an attempt.
type Job struct {
	AttemptID string    `json:"attempt_id"`
	StartedAt time.Time `json:"started_at"` // the beginning of the time line
}

// ParseJob reads a job's JSON form.
func ParseJob(data []byte) (Job, error) {
	var j Job
	if err := json.Unmarshal(data, &j); err != nil {
		return Job{}, fmt.Errorf("malformed job: %w", err)
	}
	if !ValidToken(j.AttemptID) {
		return Job{}, fmt.Errorf("malformed job: attempt %.80q cannot stand in a subject",
			j.AttemptID)
	}
	if year := j.StartedAt.Year(); year < 2000 || year > 9000 {
		return Job{}, fmt.Errorf("malformed job: it begins in the year %d", year)
	}
	return j, nil
}

// Delivery is one message of an attempt's log.
type Delivery struct {
	Speaker string
	Batch   Batch
	End     bool // nothing follows
}
