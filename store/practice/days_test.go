package practice_test

import (
	"testing"
	"time"

	"bedside/store"
	"bedside/store/practice"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestStreaks(t *testing.T) {
	for _, row := range []struct {
		name, zone, now string
		plays           []string
		current, best   int
	}{
		{"nothing", "UTC", "2026-03-10T12:00:00Z", nil, 0, 0},
		{"today", "UTC", "2026-03-10T12:00:00Z", []string{"2026-03-10T01:00:00Z"}, 1, 1},
		{"yesterday still counts", "UTC", "2026-03-10T23:59:00Z",
			[]string{"2026-03-09T01:00:00Z", "2026-03-08T01:00:00Z"}, 2, 2},
		{"the day before does not", "UTC", "2026-03-10T00:01:00Z",
			[]string{"2026-03-08T23:59:00Z"}, 0, 1},
		{"two on one day are one day", "UTC", "2026-03-10T12:00:00Z",
			[]string{
				"2026-03-10T01:00:00Z", "2026-03-10T02:00:00Z", "2026-03-09T02:00:00Z",
			}, 2, 2},
		{"the best was before a gap", "UTC", "2026-03-10T12:00:00Z", []string{
			"2026-03-10T01:00:00Z", "2026-03-03T01:00:00Z", "2026-03-02T01:00:00Z",
			"2026-03-01T01:00:00Z",
		}, 1, 3},
		{"over the end of February and the year", "UTC", "2027-01-01T12:00:00Z",
			[]string{"2027-01-01T01:00:00Z", "2026-12-31T01:00:00Z"}, 2, 2},
		// 23:30 in Auckland on the 9th, and 00:30 on the 10th: two days there, one in UTC.
		{"days of the user's own zone", "Pacific/Auckland", "2026-03-09T12:00:00Z",
			[]string{"2026-03-09T10:30:00Z", "2026-03-09T11:30:00Z"}, 2, 2},
		{"the same in UTC", "UTC", "2026-03-09T12:00:00Z",
			[]string{"2026-03-09T10:30:00Z", "2026-03-09T11:30:00Z"}, 1, 1},
		// Clocks go forward on 29 March: that day has 23 hours.
		{"over a change of the clocks", "Europe/London", "2026-03-30T22:30:00Z", []string{
			"2026-03-30T22:00:00Z", "2026-03-29T22:30:00Z", "2026-03-28T23:30:00Z",
		}, 3, 3},
		{"a zone without whole hours", "Asia/Kathmandu", "2026-03-10T12:00:00Z",
			[]string{"2026-03-09T18:20:00Z", "2026-03-09T18:10:00Z"}, 2, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			var plays []store.Play
			for _, p := range row.plays {
				plays = append(plays, store.Play{StartedAt: at(t, p)})
			}
			current, best := practice.Streaks(plays, at(t, row.now), zone(t, row.zone))
			if current != row.current || best != row.best {
				t.Errorf("streak %d, best %d; want %d and %d", current, best, row.current,
					row.best)
			}
		})
	}
}

func TestWeeks(t *testing.T) {
	plays := []store.Play{
		{StartedAt: at(t, "2026-03-09T11:30:00Z"), Practice: 5 * time.Minute}, // a Monday
		{StartedAt: at(t, "2026-03-08T11:30:00Z"), Practice: 4 * time.Minute}, // a Sunday
		{StartedAt: at(t, "2026-03-02T00:00:00Z"), Practice: 3 * time.Minute},
		{StartedAt: at(t, "2026-02-01T00:00:00Z"), Practice: 2 * time.Minute}, // too long ago
	}
	weeks := practice.Weeks(plays, at(t, "2026-03-15T23:00:00Z"), time.UTC, 3)
	for i, want := range []practice.Week{
		{at(t, "2026-02-23T00:00:00Z"), 0, 0},
		{at(t, "2026-03-02T00:00:00Z"), 2, 7 * time.Minute},
		{at(t, "2026-03-09T00:00:00Z"), 1, 5 * time.Minute},
	} {
		if len(weeks) != 3 || weeks[i] != want {
			t.Fatalf("week %d of %v, want %v", i, weeks, want)
		}
	}
	// The same moment is Monday in Auckland: another week. So was the late Sunday.
	weeks = practice.Weeks(plays, at(t, "2026-03-15T23:00:00Z"), zone(t, "Pacific/Auckland"), 2)
	if weeks[1].Monday != at(t, "2026-03-16T00:00:00Z") || weeks[1].Attempts != 0 ||
		weeks[0].Attempts != 2 {
		t.Errorf("in Auckland: %v", weeks)
	}
}

func TestDaysTo(t *testing.T) {
	now := at(t, "2026-03-09T12:30:00Z")
	for _, row := range []struct {
		day, zone string
		days      int
		ok        bool
	}{
		{"2026-03-21", "UTC", 12, true},
		{"2026-03-21", "Pacific/Auckland", 11, true}, // it is the 10th there
		{"2026-03-09", "UTC", 0, true},
		{"2026-03-01", "UTC", -8, true},
		{"", "UTC", 0, false},
	} {
		days, ok := practice.DaysTo(row.day, now, zone(t, row.zone))
		if days != row.days || ok != row.ok {
			t.Errorf("%v: %d, %v", row, days, ok)
		}
	}
	if practice.Zone("Mars/Olympus") != time.UTC || practice.Zone("") != time.UTC {
		t.Error("an unknown zone is not UTC")
	}
}
