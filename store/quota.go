package store

import (
	"math"
	"time"
)

// Quota is how much may be used under a key: Units at once, and as many again in each Window from
// then on, evenly (GCRA). A Quota of no units is none: it is never used up.
type Quota struct {
	Key    string
	Units  int
	Window time.Duration
}

// Balance is what is left of a Quota.
type Balance struct {
	Left  int           // units that may be used at once
	Full  time.Duration // until all of them may be used at once
	Retry time.Duration // when a unit was refused: until there is one; else zero
}

// Interval is the time in which one unit comes back.
func (q Quota) Interval() time.Duration {
	if q.Units <= 0 {
		return 0
	}
	return max(q.Window/time.Duration(q.Units), time.Microsecond)
}

// Spend uses one unit of a quota that is full again after debt, and gives its debt from then on:
// the same as before when there is none left.
func (q Quota) Spend(debt time.Duration) (after time.Duration, b Balance) {
	debt = max(debt, 0)
	after = debt + q.Interval()
	if retry := after - q.Window; q.Units > 0 && retry > 0 {
		return debt, Balance{Full: debt, Retry: retry}
	}
	return after, q.Balance(after)
}

// Balance is what is left of a quota that is full again after debt.
func (q Quota) Balance(debt time.Duration) Balance {
	if q.Units <= 0 {
		return Balance{Left: math.MaxInt}
	}
	debt = max(debt, 0)
	return Balance{Left: int(max(q.Window-debt, 0) / q.Interval()), Full: debt}
}
