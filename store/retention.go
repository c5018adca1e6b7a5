package store

import (
	"errors"
	"fmt"
	"time"
)

// Retention says how long the server keeps what is said in role plays, if the account is not
// deleted before. Zero means for ever.
type Retention struct {
	Recordings time.Duration `key:"retention.recordings" env:"BEDSIDE_RETENTION_RECORDINGS" doc:"recordings are deleted this long after the play; 0: kept until the account is deleted"`
	Reports    time.Duration `key:"retention.reports" env:"BEDSIDE_RETENTION_REPORTS" doc:"role plays are deleted with their reports and recordings this long after they ended; 0: kept until the account is deleted"`
	AudioLog   time.Duration `key:"retention.audio_log" env:"BEDSIDE_RETENTION_AUDIO_LOG" doc:"the audio of a play whose analysis failed stays in the log this long, for bedside retry; 0: for ever"`
}

// DefaultRetention returns the default settings: nothing is deleted before the account, except for
// the log.
func DefaultRetention() Retention { return Retention{AudioLog: 7 * 24 * time.Hour} }

// LogAge returns the age at which audio leaves the log by itself, should nothing remove it: later
// than a recording that cannot be stored is given up, and than a failed analysis can be retried.
func (r Retention) LogAge() time.Duration {
	const day = 24 * time.Hour
	if r.AudioLog == 0 {
		return 36500 * day
	}
	return max(r.AudioLog, 2*day) + day
}

// leastRetention is the shortest time that can be set. Shorter times would delete what is still
// being made.
const leastRetention = time.Hour

// Validate reports every setting that cannot work.
func (r Retention) Validate() error {
	var errs []error
	for _, s := range []struct {
		key string
		d   time.Duration
	}{
		{"retention.recordings", r.Recordings}, {"retention.reports", r.Reports},
		{"retention.audio_log", r.AudioLog},
	} {
		if s.d != 0 && s.d < leastRetention {
			errs = append(errs, fmt.Errorf("%s: at least %v is needed, or 0", s.key,
				leastRetention))
		}
	}
	return errors.Join(errs...)
}
