package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
)

// TestQueriesReadLittle runs each query that is frequent or concerns everybody on a database with
// many rows, and looks at PostgreSQL's plans for it: both the plan for these values and the one
// for any values, which PostgreSQL chooses by itself after a while. Neither may read a table from
// its beginning, and both may read only so many rows, however many there are.
func TestQueriesReadLittle(t *testing.T) {
	t.Parallel()
	size := pgtest.Size{Users: 10_000, Attempts: 50_000}
	var sent pgtest.Recorder
	var cut afterQuery
	db := pgtest.New(t, postgres.Config{Tracer: multitracer.New(&sent, &cut)})
	ctx := t.Context()
	if err := db.Seed(ctx, false); err != nil {
		t.Fatal(err)
	}
	if err := db.Fill(ctx, size); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, db.Cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, q := range slices.Concat(queries(t, db, size),
		retentionQueries(t, db, &cut), practiceQueries(t, db, size)) {
		t.Run(q.name, func(t *testing.T) {
			sent.Take()
			if err := q.run(); err != nil {
				t.Fatal(err)
			}
			for _, s := range sent.Take() {
				if strings.HasPrefix(s.SQL, "-- name: Job") {
					continue // River's own
				}
				checkPlans(t, conn, s, q.most)
			}
		})
	}
}

func checkPlans(t *testing.T, conn *pgx.Conn, s pgtest.Statement, most int) {
	t.Helper()
	for _, planning := range []pgtest.Planning{pgtest.Custom, pgtest.Generic} {
		if s.Custom && planning == pgtest.Generic {
			continue
		}
		p, err := pgtest.Explain(t.Context(), conn, s, planning)
		if err != nil {
			t.Fatal(err)
		}
		small := []string{"scenarios", "scenario_versions", "ceremonies", "sign_ins",
			"factors", "passkeys", "session_proofs", "practice_changes", "media", "media_files"}
		big := slices.DeleteFunc(p.Scanned, func(table string) bool {
			return slices.Contains(small, table)
		})
		if len(big) > 0 || p.Read > most {
			t.Errorf("%s: read %d rows, at most %d are expected, all of %v:\n%s\n%s", planning,
				p.Read, most, big, s.SQL, p.Text)
		}
		t.Logf("%s: %d rows", planning, p.Read)
	}
}

// boundedQuery is a call that runs statements of which each may read at most so many rows.
type boundedQuery struct {
	name string
	most int
	run  func() error
}

func queries(t *testing.T, db *pgtest.Database, size pgtest.Size) []boundedQuery {
	t.Helper()
	ctx := t.Context()
	p, err := db.People(ctx, size)
	if err != nil {
		t.Fatal(err)
	}
	const page = 21
	middle := middleID(t, db, "attempts")
	attempts := func(user, before string) func() error {
		return func() error { _, err := db.AttemptsOf(ctx, user, before, page); return err }
	}
	own, err := db.AttemptsOf(ctx, p.BusyCandidate, "", page)
	if err != nil || len(own) != page {
		t.Fatal(len(own), err)
	}
	var attempt string
	var ids []string
	for _, v := range own {
		if v.Attempt.State == store.AttemptReported {
			attempt = v.Attempt.ID
		}
		ids = append(ids, v.Attempt.ID)
	}
	users := func(f store.UserFilter) func() error {
		f.Limit = page
		return func() error { _, err := db.Users(ctx, f); return err }
	}
	acts := func(f store.ActFilter) func() error {
		f.Limit = page
		return func() error { _, err := db.Acts(ctx, f); return err }
	}
	somebody, err := db.User(ctx, p.Candidate)
	if err != nil {
		t.Fatal(err)
	}
	another := middleID(t, db, "users")
	session, exam := middleID(t, db, "sessions"), middleID(t, db, "exams")
	old := time.Now().Add(-1000 * 24 * time.Hour)
	disabled := true
	// A row of a list costs its own entry and up to three more: the scenario and two names. Two
	// sides may be read to make one page.
	const list = 6*page + 30
	return []boundedQuery{
		{"own attempts", list, attempts(p.BusyCandidate, "")},
		{"own attempts, a later page", list, attempts(p.BusyCandidate, middle)},
		{"a busy tutor's attempts", list, attempts(p.BusyTutor, "")},
		{"a busy tutor's attempts, a later page", list, attempts(p.BusyTutor, middle)},
		{"attempts of somebody new", list, attempts(p.Admin, "")},
		{"one attempt", 50, func() error { _, _, err := db.Attempt(ctx, attempt); return err }},
		{"an attempt without its scenario", 5, func() error {
			_, err := db.FindAttempt(ctx, attempt)
			return err
		}},
		{"an attempt with its names", 50, func() error {
			_, _, err := db.AttemptView(ctx, attempt)
			return err
		}},
		{"an attempt with its report", 5, func() error {
			_, _, err := db.AttemptReport(ctx, attempt)
			return err
		}},
		{"the tutors' list", list, func() error {
			_, err := db.AttemptViews(ctx, ids)
			return err
		}},
		{"own exams", 2 * list, func() error {
			_, err := db.ExamsOf(ctx, p.BusyCandidate, "", page)
			return err
		}},
		{"an exam", 120, func() error { _, err := db.Exam(ctx, exam); return err }},
		{"the sweep of exams", 60, func() error { _, err := db.SweepExams(ctx, old); return err }},
		{"a report", 5, func() error { _, err := db.PackedReport(ctx, attempt); return err }},
		{"a recording", 5, func() error {
			_, err := db.Recording(ctx, attempt, store.SpeakerCandidate)
			return err
		}},
		{"sessions", 10, func() error {
			_, err := db.Sessions(ctx, p.BusyCandidate, time.Now())
			return err
		}},
		{"a session with its user", 5, func() error {
			_, _, err := db.SessionUser(ctx, session)
			return err
		}},
		{"places of a user", 10, func() error {
			_, err := db.RecentAddresses(ctx, p.BusyCandidate, old)
			return err
		}},
		{"signing in", 5, func() error {
			_, err := db.UserByEmail(ctx, somebody.Email)
			return err
		}},
		{"registrations that wait", 5, func() error {
			_, err := db.PendingUsers(ctx, somebody.Email)
			return err
		}},
		{"whether there is an administrator", 5, func() error {
			_, err := db.HasAdmin(ctx)
			return err
		}},
		{"changing a profile", 5, func() error {
			_, _, err := db.ChangeUser(ctx, somebody.ID,
				func(*store.User) (store.Effects, error) { return store.Effects{}, nil })
			return err
		}},
		{"users", page, users(store.UserFilter{})},
		{"users, a later page", page, users(store.UserFilter{Before: p.Candidate})},
		{"tutors", 2 * page, users(store.UserFilter{Role: store.RoleTutor})},
		{"disabled users", 2 * page, users(store.UserFilter{Disabled: &disabled})},
		{"users of an address", 20, users(store.UserFilter{Text: somebody.Email})},
		{"users of a common text", 4 * page, users(store.UserFilter{Text: "example"})},
		{"users of no text", 20, users(store.UserFilter{Text: "nobody-has-this"})},
		{"users of two letters", 50 * page, users(store.UserFilter{Text: "da"})},
		{"users of two letters that nobody has", 20, users(store.UserFilter{Text: "xq"})},
		{"own acts", 6 * page, acts(store.ActFilter{UserID: p.Candidate})},
		{"acts of a busy user", 6 * page, acts(store.ActFilter{UserID: p.Admin})},
		{"all acts", 3 * page, acts(store.ActFilter{})},
		{"all acts of a kind", 3 * page, acts(store.ActFilter{Action: store.ActSignIn})},
		{"all acts of a rare kind", 3 * page, acts(store.ActFilter{Action: store.ActDelete})},
		// All live ones, of which there are 120.
		{"attempts that wait for their report", 300, func() error {
			_, err := db.Unfinished(ctx, 1000)
			return err
		}},
		{"the sweep of sessions", 5, func() error {
			_, err := db.SweepSessions(ctx, old)
			return err
		}},
		{"the sweep of attempts", 5, func() error {
			_, err := db.SweepAttempts(ctx, old)
			return err
		}},
		{"the sweep of registrations", 5, func() error {
			_, err := db.SweepPending(ctx, old)
			return err
		}},
		{"the sweep of tokens and acts", 5, func() error { return db.SweepAccounts(ctx) }},
		{"an archive", 300, func() error {
			for _, table := range postgres.PersonalTables() {
				if _, err := db.PersonalRows(ctx, table, p.Candidate); err != nil {
					return err
				}
			}
			_, filesErr := db.PersonalFiles(ctx, p.Candidate)
			_, err := db.PersonalReports(ctx, p.Candidate)
			return errors.Join(filesErr, err)
		}},
		{"signing out everywhere", 20, func() error {
			_, _, err := db.ChangeUser(ctx, p.Candidate,
				func(*store.User) (store.Effects, error) {
					return store.Effects{SignOut: true, OnlyPassword: true}, nil
				})
			return err
		}},
		{"deleting an account", 300, func() error {
			_, err := db.DeleteUser(ctx, another, func(store.User) (store.Effects, error) {
				return store.Effects{}, nil
			})
			return err
		}},
		// A play costs its entry of an index, and a scenario up to five.
		{"progress", 1000, func() error { _, err := db.Overview(ctx, p.Candidate); return err }},
		{"progress of a busy candidate", 11000, func() error {
			_, err := db.Overview(ctx, p.BusyCandidate)
			return err
		}},
		{"progress at a scenario", 60, func() error {
			_, err := db.Progress(ctx, p.BusyCandidate, "nursing-insulin-at-home")
			return err
		}},
		{"marks", 60, func() error {
			_, err := db.ChangeMarks(ctx, p.Candidate, "nursing-insulin-at-home",
				store.MarksChange{})
			return err
		}},
		{"the sweep of archives", 5, func() error { return db.SweepExports(ctx) }},
	}
}

// retentionQueries are the queries that look for what has expired, of which there is much more
// than they answer with. Nothing is deleted, because each call ends after its first statement.
func retentionQueries(t *testing.T, db *pgtest.Database, cut *afterQuery) []boundedQuery {
	t.Helper()
	first := func(call func(context.Context, time.Time) (int64, error)) func() error {
		return func() error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			end := func() { cancel() }
			cut.do.Store(&end)
			n, err := call(ctx, time.Now().Add(-100*24*time.Hour))
			if err == nil || n != 0 {
				return fmt.Errorf("%d attempts expired, %v", n, err)
			}
			return nil
		}
	}
	// Both recordings of 200 attempts, and some attempts that have none.
	return []boundedQuery{
		{"expired recordings", 900, first(db.ExpireRecordings)},
		{"expired reports", 300, first(db.ExpireReports)},
	}
}

// practiceQueries are those of analytics. They read a row for each day and scenario of the period,
// however many attempts there are.
func practiceQueries(t *testing.T, db *pgtest.Database, size pgtest.Size) []boundedQuery {
	t.Helper()
	ctx := t.Context()
	p, err := db.People(ctx, size)
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := db.PlayableScenarios(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const days = 90
	most := (2*days + 100) * len(scenarios) // a row, its entry of an index, and the scenarios
	all := store.PracticeFilter{To: time.Now(), From: time.Now().AddDate(0, 0, 1-days)}
	tutor := all
	tutor.TutorID = p.BusyTutor
	var list []boundedQuery
	for name, f := range map[string]store.PracticeFilter{"all": all, "a busy tutor's": tutor} {
		list = append(list,
			boundedQuery{"practice by scenario, " + name, most, func() error {
				_, err := db.PracticeByScenario(ctx, f)
				return err
			}},
			boundedQuery{"practice by day, " + name, most, func() error {
				_, err := db.PracticeByDay(ctx, f)
				return err
			}},
			boundedQuery{"rows of practice, " + name, most, func() error {
				_, err := db.PracticeRows(ctx, f, store.DayPractice{}, 100)
				return err
			}})
	}
	return append(list, boundedQuery{"adding changes of practice", 20, func() error {
		_, err := db.FoldPractice(ctx)
		return err
	}})
}

// middleID returns an id from the middle of a table.
func middleID(t *testing.T, db *pgtest.Database, table string) (id string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.Cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), `SELECT id::text FROM `+table+` ORDER BY id
		LIMIT 1 OFFSET (SELECT count(*) / 2 FROM `+table+`)`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}
