// Package faults prints what tests have found that break parts of a server while role plays run: a
// table of fault, outcome, and what became of each frame of speech that was sent. Only tests use
// it.
package faults

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
)

// Row is a fault and its outcome.
type Row struct {
	Fault   string
	Plays   int // role plays that it was tried on
	Faults  int // how often it happened
	Frames  Frames
	Outcome string // in a few words
}

// Frames says what became of the frames that were sent. Every frame is one of the others.
type Frames struct{ Sent, Analysed, Concealed, Lost int }

// Plus returns the sum of two counts.
func (f Frames) Plus(o Frames) Frames {
	return Frames{
		f.Sent + o.Sent, f.Analysed + o.Analysed, f.Concealed + o.Concealed, f.Lost + o.Lost,
	}
}

// Check returns an error when frames are missing or were counted twice, or when there are none.
func (f Frames) Check() error {
	if counted := f.Analysed + f.Concealed + f.Lost; f.Sent == 0 || f.Sent != counted {
		return fmt.Errorf("%d frames were sent, but %d analysed + %d concealed + %d lost = %d",
			f.Sent, f.Analysed, f.Concealed, f.Lost, counted)
	}
	return nil
}

// Table holds rows in the order in which they were added. The zero value is empty. It is safe for
// concurrent use.
type Table struct {
	mu   sync.Mutex
	rows []Row // guarded by mu
}

// Add adds a row.
func (t *Table) Add(r Row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// Print prints the table. Frames that do not add up are marked in the outcome.
func (t *Table) Print(w io.Writer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "times\tplays\tsent\tanalysed\tconcealed\tlost\t  fault: outcome")
	for _, r := range t.rows {
		f := r.Frames
		outcome := r.Outcome
		if f.Check() != nil {
			outcome += "; THE FRAMES DO NOT ADD UP"
		}
		fmt.Fprintf(out, "%d\t%d\t%d\t%d\t%d\t%d\t  %s: %s\n", r.Faults, r.Plays, f.Sent,
			f.Analysed, f.Concealed, f.Lost, r.Fault, outcome)
	}
	return out.Flush()
}
