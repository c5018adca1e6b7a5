// Package practice reads a candidate's practice: on how many days in a row they practised, how
// much in each week, and what to do next. It is pure: the caller passes the time and the zone.
//
// A day is a day in the candidate's own time zone. A streak is a number of days in a row with a
// play. It is not broken while today has none yet: somebody who played on Monday and Tuesday has a
// streak of two on Wednesday evening, and of none on Thursday.
package practice

import (
	"slices"
	"time"

	"bedside/store"
)

// Streaks returns the number of days in a row with a play, up to today or yesterday, and the most
// that there have been.
func Streaks(plays []store.Play, now time.Time, zone *time.Location) (current, best int) {
	days := make([]int, len(plays))
	for i, p := range plays {
		days[i] = dayOf(p.StartedAt, zone)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	run := 0
	for i, day := range days {
		if i > 0 && day != days[i-1]+1 {
			run = 0
		}
		run++
		best = max(best, run)
	}
	if len(days) > 0 && days[len(days)-1] >= dayOf(now, zone)-1 {
		current = run
	}
	return current, best
}

// Week is what was practised in a week.
type Week struct {
	Monday   time.Time // the date of its first day, in UTC
	Attempts int
	Practice time.Duration
}

// Weeks returns the last n weeks, the oldest first, and also those without a play. The last one is
// the week that now is in.
func Weeks(plays []store.Play, now time.Time, zone *time.Location, n int) []Week {
	last := weekOf(dayOf(now, zone))
	weeks := make([]Week, n)
	for i := range weeks {
		weeks[i].Monday = date(firstDay(last - (n - 1) + i))
	}
	for _, p := range plays {
		if i := weekOf(dayOf(p.StartedAt, zone)) - last + n - 1; i >= 0 && i < n {
			weeks[i].Attempts++
			weeks[i].Practice += p.Practice
		}
	}
	return weeks
}

// DaysTo returns the number of days from today to a date (year-month-day), negative when it has
// passed. ok is false when there is no date.
func DaysTo(day string, now time.Time, zone *time.Location) (days int, ok bool) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, false
	}
	return dayOf(at, time.UTC) - dayOf(now, zone), true
}

// Zone returns the time zone with a name of the IANA database, and UTC for one that is unknown.
func Zone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// dayOf numbers the days of a time zone; 1 January 1970, a Thursday, is 0.
func dayOf(t time.Time, zone *time.Location) int {
	year, month, day := t.In(zone).Date()
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// weekOf numbers the weeks, which begin on Mondays.
func weekOf(day int) int {
	return (day + 3 - mod(day+3, 7)) / 7
}

// firstDay returns the Monday of a week.
func firstDay(week int) int { return 7*week - 3 }

func date(day int) time.Time { return time.Unix(int64(day)*24*60*60, 0).UTC() }

func mod(n, by int) int { return (n%by + by) % by }
