package sfu

import "testing"

func TestIndex(t *testing.T) {
	var i index
	for n, sequence := range []uint16{65534, 0, 65535, 1, 65533, 1} {
		if got, want := i.of(sequence), []int{0, 2, 1, 3, -1, 3}[n]; got != want {
			t.Errorf("%d. packet: %d, want %d", n, got, want)
		}
	}
	for n := 3; n < 200_000; n += 1000 {
		if got := i.of(uint16(65534 + n)); got != n {
			t.Fatalf("got %d, want %d", got, n)
		}
	}
}
