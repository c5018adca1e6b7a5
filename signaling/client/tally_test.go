package client

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTallyMatchesASet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		first := rnd.IntN(1 << 16)
		var tl tally
		seen := map[int]bool{}
		highest := 0
		late, duplicated := uint64(0), uint64(0)
		at := time.Unix(1000, 0)
		for i := range 100_000 / (round + 1) {
			if i > 0 && rnd.IntN(10) == 0 {
				continue // lost
			}
			n := i
			if i > 0 && rnd.IntN(20) == 0 {
				n = max(0, i-rnd.IntN(100)) // late or duplicate
			}
			fresh := tl.add(uint16(first+n), 10, at)
			if fresh == seen[n] {
				t.Fatalf("round %d: packet %d fresh: %v", round, n, fresh)
			}
			switch {
			case seen[n]:
				duplicated++
			case n < highest:
				late++
			}
			seen[n], highest = true, max(highest, n)
		}
		want := Received{
			Packets: uint64(len(seen)), Bytes: 10 * uint64(len(seen)), Lost: uint64(highest +
				1 - len(seen)), Duplicated: duplicated, Late: late,
			Streams: 1, FirstAt: at,
		}
		if tl.Received != want {
			t.Fatalf("round %d: %+v, want %+v", round, tl.Received, want)
		}
	}
}

func TestSumOfStreams(t *testing.T) {
	var a, b tally
	a.add(5, 1, time.Unix(20, 0))
	a.add(7, 1, time.Unix(21, 0))
	b.add(9, 2, time.Unix(10, 0))
	want := Received{Packets: 3, Bytes: 4, Lost: 1, Streams: 2, FirstAt: time.Unix(10, 0)}
	if sum := (Received{}).plus(a.Received).plus(b.Received); sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
}
