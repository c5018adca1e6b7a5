package store

import (
	"math"
	"time"
)

// Quota limits how often something may be done under a key, such as sign-ins from one address.
// Units may be used at once; they come back evenly over Window (the generic cell rate algorithm,
// GCRA). With 5 units a minute, for example, somebody who has used all five gets one back every 12
// seconds. A Quota with no units does not limit anything.
//
// The state of a quota is one number, its debt: the time until all units are available again.
type Quota struct {
	Key    string
	Units  int
	Window time.Duration
}

// Balance is the state of a Quota for its user.
type Balance struct {
	Left  int           // units that are available
	Full  time.Duration // time until all units are available
	Retry time.Duration // after a refusal: time until a unit is available; otherwise zero
}

// Interval returns the time in which one unit comes back.
func (q Quota) Interval() time.Duration {
	if q.Units <= 0 {
		return 0
	}
	return max(q.Window/time.Duration(q.Units), time.Microsecond)
}

// Spend uses one unit of a quota with the given debt, and returns the new debt. When no unit is
// available the debt is unchanged and the balance has a Retry.
func (q Quota) Spend(debt time.Duration) (after time.Duration, b Balance) {
	debt = max(debt, 0)
	after = debt + q.Interval()
	if retry := after - q.Window; q.Units > 0 && retry > 0 {
		return debt, Balance{Full: debt, Retry: retry}
	}
	return after, q.Balance(after)
}

// Balance returns the state of a quota with the given debt.
func (q Quota) Balance(debt time.Duration) Balance {
	if q.Units <= 0 {
		return Balance{Left: math.MaxInt}
	}
	debt = max(debt, 0)
	return Balance{Left: int(max(q.Window-debt, 0) / q.Interval()), Full: debt}
}
