package sfu

// index numbers the packets of a stream from the first that arrived, across wraps of the sequence
// number. It belongs to one goroutine.
type index struct {
	started bool
	first   uint16
	highest int
}

// of returns the index of a packet. It is negative for one that was sent before the first.
func (i *index) of(sequence uint16) int {
	if !i.started {
		i.started, i.first = true, sequence
	}
	n := i.highest + int(int16(sequence-i.first-uint16(i.highest)))
	i.highest = max(i.highest, n)
	return n
}
