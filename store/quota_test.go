package store

import (
	"testing"
	"testing/quick"
	"time"
)

func TestQuota(t *testing.T) {
	q := Quota{Units: 3, Window: 3 * time.Second}
	debt, b := q.Spend(0)
	if b != (Balance{Left: 2, Full: time.Second}) || debt != time.Second {
		t.Errorf("first: %+v, debt %v", b, debt)
	}
	for range 2 {
		debt, b = q.Spend(debt)
	}
	if b != (Balance{Left: 0, Full: 3 * time.Second}) {
		t.Errorf("third: %+v", b)
	}
	if after, b := q.Spend(debt); b.Retry != time.Second || after != debt {
		t.Errorf("fourth: %+v, debt %v", b, after)
	}
	if _, b := q.Spend(debt - time.Second); b.Retry != 0 || b.Left != 0 {
		t.Errorf("a second later: %+v", b)
	}
	if debt, b := (Quota{}).Spend(0); b.Retry != 0 || b.Left == 0 || debt != 0 {
		t.Errorf("no quota: %+v, debt %v", b, debt)
	}
}

// TestQuotaBoundsUseInAnyWindow spends at arbitrary times. No window has more than twice the
// units, and waiting for Retry is always enough.
func TestQuotaBoundsUseInAnyWindow(t *testing.T) {
	const window = time.Minute
	holds := func(units uint8, steps []uint16) bool {
		q := Quota{Units: int(units%50) + 1, Window: window}
		var now, full time.Duration // full: when all units are available
		var taken []time.Duration
		for _, s := range steps {
			now += time.Duration(s) * time.Millisecond
			debt, b := q.Spend(full - now)
			if b.Retry == 0 {
				taken = append(taken, now)
			} else if _, then := q.Spend(full - now - b.Retry); then.Retry != 0 {
				return false
			}
			full = now + debt
		}
		for i, from := range taken {
			n := 0
			for _, at := range taken[i:] {
				if at-from < window {
					n++
				}
			}
			if n > 2*q.Units {
				return false
			}
		}
		return true
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}
