package sfu

import (
	"testing"
	"time"
)

// gapClock drives gaps as repair does: due runs at each arrival and when it asked to be called.
type gapClock struct {
	gaps
	now   time.Time
	again time.Duration
	asked map[uint16][]time.Duration // when each packet was requested, from the start
}

func newGapClock() *gapClock {
	return &gapClock{now: time.Unix(0, 0), asked: map[uint16][]time.Duration{}}
}

func (c *gapClock) request() {
	ask, again := c.due(c.now)
	for _, seq := range ask {
		c.asked[seq] = append(c.asked[seq], c.now.Sub(time.Unix(0, 0)))
	}
	c.again = again
}

func (c *gapClock) receive(seq uint16) {
	c.add(seq, c.now)
	c.request()
}

// wait lets time pass without a packet.
func (c *gapClock) wait(d time.Duration) {
	until := c.now.Add(d)
	for c.again > 0 && !c.now.Add(c.again).After(until) {
		c.now = c.now.Add(c.again)
		c.request()
	}
	if c.again > 0 {
		c.again -= until.Sub(c.now)
	}
	c.now = until
}

func (c *gapClock) takeLost() [lossCauses]int {
	_, lost := c.take()
	return lost
}

func TestReorderedPacketIsNotRequested(t *testing.T) {
	c := newGapClock()
	c.receive(65535)
	c.receive(1)
	c.wait(reorderDelay / 2)
	c.receive(0)
	c.wait(time.Minute)
	if len(c.asked) != 0 || c.n != 0 {
		t.Errorf("requested %v, %d still missing", c.asked, c.n)
	}
}

func TestMissingPacketIsRequestedInAPause(t *testing.T) {
	c := newGapClock()
	c.receive(65534)
	c.receive(0) // 65535 is missing, and nothing follows
	c.wait(reorderDelay)
	if len(c.asked[65535]) != 1 {
		t.Fatalf("requested %v, want 65535 once", c.asked)
	}
	c.wait(firstTimeout)
	if len(c.asked[65535]) != 2 {
		t.Errorf("requested %v, want 65535 twice", c.asked)
	}
	c.add(65535, c.now)
	c.wait(time.Minute)
	if repaired, lost := c.take(); repaired != 1 || lost != [lossCauses]int{} {
		t.Errorf("repaired %d, lost %v", repaired, lost)
	}
}

func TestRequestsFollowTheRoundTrip(t *testing.T) {
	for _, trip := range []time.Duration{
		time.Millisecond, 40 * time.Millisecond, 200 * time.Millisecond,
	} {
		c := newGapClock()
		c.roundTrip, c.variation = trip, trip/8 // no request is answered before it can be
		seq := uint16(0)
		for range 20 { // each missing packet arrives one round trip after its request
			seq += 2
			c.receive(seq)
			c.wait(reorderDelay + trip)
			if n := len(c.asked[seq-1]); seq > 2 && n != 1 {
				t.Fatalf("round trip %v: packet %d was requested %d times", trip, seq-1, n)
			}
			c.receive(seq - 1)
			c.wait(20 * time.Millisecond)
		}
		if off := (c.roundTrip - trip).Abs(); off > trip/10 {
			t.Errorf("round trip %v was measured as %v", trip, c.roundTrip)
		}
		c.receive(seq + 2)
		c.wait(playoutDeadline)
		times := c.asked[seq+1]
		if len(times) < 2 {
			t.Fatalf("round trip %v: requested at %v", trip, times)
		}
		first := times[1] - times[0]
		if first < trip || first > max(2*trip, minTimeout) {
			t.Errorf("round trip %v: requested again after %v", trip, first)
		}
	}
}

func TestLossIsCountedByCause(t *testing.T) {
	c := newGapClock()
	c.receive(0)
	c.receive(2)
	c.wait(playoutDeadline)
	if lost := c.takeLost(); lost != [lossCauses]int{lostLate: 1} {
		t.Errorf("after the deadline: lost %v", lost)
	}

	c = newGapClock()
	c.roundTrip = time.Millisecond // so that all requests fit before the deadline
	c.receive(0)
	c.receive(2)
	c.wait(time.Minute)
	if lost := c.takeLost(); lost[lostUnanswered]+lost[lostLate] != 1 {
		t.Errorf("never answered: lost %v", lost)
	}
	if n := len(c.asked[1]); n > maxRequests {
		t.Errorf("requested %d times, at most %d are allowed", n, maxRequests)
	}

	c = newGapClock()
	for seq := uint16(0); seq < 2*(maxGaps+5); seq += 2 {
		c.receive(seq)
	}
	if lost := c.takeLost(); lost != [lossCauses]int{lostOverflow: 4} {
		t.Errorf("more gaps than are tracked: lost %v", lost)
	}

	c = newGapClock()
	c.receive(0)
	c.receive(2)
	c.receive(30000)
	c.receive(30001)
	if lost := c.takeLost(); lost != [lossCauses]int{lostOutage: 1 + 29997} {
		t.Errorf("after a jump: lost %v", lost)
	}
	c.wait(time.Minute)
	if len(c.asked) != 0 {
		t.Errorf("requested %v after a jump", c.asked)
	}
}
