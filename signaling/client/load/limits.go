package load

import (
	"errors"
	"fmt"
	"time"
)

// ErrBeyondLimits is returned by Limits.Check when a measurement is beyond its limit.
var ErrBeyondLimits = errors.New("beyond the limits")

// Limits are what a load test may measure at most. The zero value has no limits.
type Limits struct {
	// Loss is how many percent of the expected packets may be lost; nil: any number.
	Loss *float64
	// Relay limits the 99th percentile of the relay latency; 0: it may take any time.
	Relay time.Duration
}

// Validate returns ErrConfig when a limit cannot be a limit of a test with so many participants
// in each room.
func (l Limits) Validate(participants int) error {
	switch {
	case l.Loss != nil && !(*l.Loss >= 0 && *l.Loss <= 100):
		return fmt.Errorf("%w: a limit of loss is from 0 to 100 percent", ErrConfig)
	case l.Relay < 0:
		return fmt.Errorf("%w: a limit of latency is above zero", ErrConfig)
	case participants < 2 && (l.Loss != nil || l.Relay > 0):
		return fmt.Errorf("%w: limits need at least 2 participants a room, since one alone "+
			"receives nothing", ErrConfig)
	}
	return nil
}

// Check returns ErrBeyondLimits with a line for each limit that a result is beyond, which says by
// how much.
func (l Limits) Check(r *Result) error {
	var errs []error
	if l.Loss != nil {
		loss := r.Packets.LossPercent()
		if loss > *l.Loss {
			errs = append(errs, fmt.Errorf("%w: %.3f %% of the packets were lost, the limit is "+
				"%g %% (%.3f percentage points over)", ErrBeyondLimits, loss, *l.Loss,
				loss-*l.Loss))
		}
	}
	if p99 := r.Relay.P99; l.Relay > 0 && p99 > ms(l.Relay) {
		errs = append(errs, fmt.Errorf("%w: the 99th percentile of the relay latency was "+
			"%.2f ms, the limit is %v (%.2f ms over)", ErrBeyondLimits, p99, l.Relay,
			p99-ms(l.Relay)))
	}
	return errors.Join(errs...)
}
