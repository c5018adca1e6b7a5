package analytics

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

const (
	csvPage    = 1000             // rows that are read at once
	csvTimeout = 20 * time.Second // for the client to take a page
)

type csvInput struct {
	Filter
	By string `query:"by" enum:"scenario,criterion,day" default:"scenario" doc:"a row for each scenario, for each criterion, or for each day and scenario"`
}

// csv sends a table. The rows of days are read and sent in pages, so that memory does not grow
// with their number.
func (s *Service) csv(ctx context.Context, in *csvInput) (*huma.StreamResponse, error) {
	f, err := s.filter(ctx, &in.Filter)
	if err != nil {
		return nil, err
	}
	t := &table{s: s, filter: f, by: in.By}
	rows, err := t.next(ctx) // before the response begins, so that an error can be one
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humachi.Unwrap(hctx)
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="bedside-by-%s-%s-%s.csv"`,
			in.By, f.From.Format(time.DateOnly), f.To.Format(time.DateOnly)))
		if err := t.send(r.Context(), w, rows); err != nil {
			if info := httpx.RequestFrom(r.Context()); info != nil {
				info.SetError(err)
			}
			panic(http.ErrAbortHandler) // so that half a file does not look complete
		}
	}}, nil
}

// table is a table that is read page by page.
type table struct {
	s      *Service
	filter store.PracticeFilter
	by     string
	last   store.DayPractice
	done   bool
}

// header returns the names of the columns.
func (t *table) header() []string {
	var names []string
	switch t.by {
	case "criterion":
		names = []string{"criterion", "scenarios"}
	case "day":
		names = []string{"day"}
	}
	if t.by != "criterion" {
		names = append(names, "scenario", "title", "profession", "difficulty")
	}
	return append(names, "created", "prepared", "started", "ended", "reported", "in_progress",
		"left_before_joining", "left_in_preparation", "left_in_play", "left_in_analysis",
		"practice_seconds")
}

// next returns the next rows, and none at the end.
func (t *table) next(ctx context.Context) (rows [][]string, err error) {
	if t.done {
		return nil, nil
	}
	if t.by == "day" {
		days, err := t.s.Store.PracticeRows(ctx, t.filter, t.last, csvPage)
		if err != nil {
			return nil, err
		}
		if t.done = len(days) < csvPage; len(days) > 0 {
			t.last = days[len(days)-1]
		}
		for _, d := range days {
			rows = append(rows, slices.Concat([]string{d.Day.Format(time.DateOnly)},
				scenarioCells(d.Scenario), stepCells(d.Steps)))
		}
		return rows, nil
	}
	t.done = true
	scenarios, err := t.s.Store.PracticeByScenario(ctx, t.filter)
	if err != nil {
		return nil, err
	}
	if t.by == "criterion" {
		for _, c := range byCriterion(scenarios) {
			rows = append(rows, append([]string{c.name, strconv.Itoa(c.scenarios)},
				stepCells(c.steps)...))
		}
		return rows, nil
	}
	for _, one := range scenarios {
		rows = append(rows, append(scenarioCells(one.Scenario), stepCells(one.Steps)...))
	}
	return rows, nil
}

// send writes the header, the given rows and all others.
func (t *table) send(ctx context.Context, w http.ResponseWriter, rows [][]string) error {
	httpx.WriteWithin(w, csvTimeout)
	if err := writeCSV(w, [][]string{t.header()}); err != nil {
		return err
	}
	for len(rows) > 0 {
		httpx.WriteWithin(w, csvTimeout)
		if err := writeCSV(w, rows); err != nil {
			return err
		}
		var err error
		if rows, err = t.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// writeCSV writes rows as RFC 4180 says.
func writeCSV(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return c.WriteAll(rows) // which flushes
}

func scenarioCells(s store.Scenario) []string {
	return []string{
		plain(s.Slug), plain(s.Title), plain(s.Profession), strconv.Itoa(s.Difficulty),
	}
}

func stepCells(s store.Steps) []string {
	v := viewSteps(s)
	cells := make([]string, 0, 11)
	for _, n := range []int{
		v.Created, v.Prepared, v.Started, v.Ended, v.Reported, v.InProgress, v.DropOuts.Joining,
		v.DropOuts.Preparation, v.DropOuts.Play, v.DropOuts.Analysis, v.PracticeSeconds,
	} {
		cells = append(cells, strconv.Itoa(n))
	}
	return cells
}

// plain returns a text that a spreadsheet does not take for a formula: an apostrophe comes before
// a character that would begin one, also after spaces.
func plain(s string) string {
	begin := strings.TrimLeft(s, " \u00a0")
	if begin != "" && strings.ContainsAny(begin[:1], "=+-@\t\r\n") ||
		strings.HasPrefix(begin, "＝") || strings.HasPrefix(begin, "＋") ||
		strings.HasPrefix(begin, "－") || strings.HasPrefix(begin, "＠") {
		return "'" + s
	}
	return s
}
