package store

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// ExamChoice is a scenario that an exam may have.
type ExamChoice struct {
	ScenarioID string
	Slug       string
	Version    int
	Focus      string // the clinical focus; empty when it has none
	Tries      int    // how often the candidate has played it
}

// ChooseExam chooses the two scenarios of an exam: first of all with different clinical focus,
// then those that the candidate has played least. Of several such pairs, the exam's id decides, so
// the same exam always gets the same two. It returns false when there are fewer than two.
func ChooseExam(examID string, pool []ExamChoice) (pair [2]ExamChoice, ok bool) {
	pool = shuffled(examID, pool)
	best := -1
	for i, a := range pool {
		for _, b := range pool[i+1:] {
			cost := a.Tries + b.Tries
			if a.Focus != "" && a.Focus == b.Focus {
				cost += 1 << 40
			}
			if best < 0 || cost < best {
				best, pair = cost, [2]ExamChoice{a, b}
			}
		}
	}
	return pair, best >= 0
}

// ChooseReplacement chooses the scenario of an attempt that replaces a failed one: one that the
// exam has not had, and that the candidate has played least. Without such a one it is the scenario
// that failed.
func ChooseReplacement(e Exam, position int, pool []ExamChoice) ExamChoice {
	pool = slices.DeleteFunc(shuffled(e.ID, pool), func(c ExamChoice) bool {
		return c.ScenarioID == e.Slots[0].ScenarioID || c.ScenarioID == e.Slots[1].ScenarioID
	})
	if len(pool) == 0 {
		slot := e.Slots[position-1]
		return ExamChoice{ScenarioID: slot.ScenarioID, Version: slot.Version}
	}
	return slices.MinFunc(pool, func(a, b ExamChoice) int { return cmp.Compare(a.Tries, b.Tries) })
}

// shuffled returns the scenarios in an order that the exam's id determines.
func shuffled(examID string, pool []ExamChoice) []ExamChoice {
	key := func(c ExamChoice) [32]byte {
		return sha256.Sum256([]byte(examID + " " + c.ScenarioID))
	}
	return slices.SortedFunc(slices.Values(pool), func(a, b ExamChoice) int {
		x, y := key(a), key(b)
		return slices.Compare(x[:], y[:])
	})
}
