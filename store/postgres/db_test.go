package postgres_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"
)

// db is shared by the package's tests. Each test uses only users and attempts of its own.
var db *pgtest.Database

func TestMain(m *testing.M) {
	code, err := withDatabase(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withDatabase(run func() int) (code int, err error) {
	if db, err = pgtest.Start(postgres.Config{}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Stop()) }()
	if err = db.Seed(context.Background(), true); err != nil {
		return 0, err
	}
	return run(), nil
}

func newUser(t *testing.T, role store.Role) store.User {
	t.Helper()
	u, err := db.CreateUser(t.Context(), store.User{
		Email: rand.Text() + "@Example.org", Name: "Somebody", Role: role, PasswordHash: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// newSession returns a session that expires after an hour.
func newSession(u store.User, id string, refreshHash []byte) store.Session {
	now := time.Now()
	return store.Session{
		ID: id, UserID: u.ID, RefreshHash: refreshHash, CreatedAt: now, LastSeenAt: now,
		ExpiresAt: now.Add(time.Hour), MaxExpiresAt: now.Add(time.Hour),
	}
}

func newAttempt(t *testing.T, candidate store.User) store.Attempt {
	t.Helper()
	s, err := db.PublishedScenario(t.Context(), "nursing-insulin-at-home")
	if err != nil {
		t.Fatal(err)
	}
	a, err := db.CreateAttempt(t.Context(), store.NewAttempt{
		CandidateID: candidate.ID, ScenarioID: s.ID, Consent: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// catalogue returns the published scenarios.
func catalogue(t *testing.T) []store.ScenarioSummary {
	t.Helper()
	list, _, err := db.Scenarios(t.Context(), store.ScenarioFilter{
		State: store.ScenarioPublished, Sort: store.SortProfession, Limit: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func expect(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func TestSeedTwiceChangesNothing(t *testing.T) {
	before := catalogue(t)
	if len(before) < 3 {
		t.Fatalf("%d scenarios", len(before))
	}
	if err := db.Seed(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, catalogue(t)); diff != "" {
		t.Errorf("the scenarios changed: %s", diff)
	}
	for _, s := range before {
		whole, err := db.PublishedScenario(t.Context(), s.Slug)
		if err != nil || whole.ID != s.ID || len(whole.Patient.Lines) == 0 {
			t.Errorf("scenario %s is invalid: %v", s.Slug, err)
		}
	}
	for _, demo := range postgres.DemoUsers() {
		u, err := db.UserByEmail(t.Context(), demo.Email)
		if err != nil {
			t.Fatal(err)
		}
		if u.Role != demo.Role || bcrypt.CompareHashAndPassword([]byte(u.PasswordHash),
			[]byte(postgres.DemoPassword)) != nil {
			t.Errorf("demo account %s: role %s, or its password is another", u.Email, u.Role)
		}
	}
}

// TestDemoAccountsAreClosed checks that demo accounts cannot be used without demo, not even with a
// session from before, unless their password was changed.
func TestDemoAccountsAreClosed(t *testing.T) {
	defer func() {
		if err := db.Seed(t.Context(), true); err != nil {
			t.Error(err)
		}
	}()
	var sessions []store.Session
	for i, demo := range postgres.DemoUsers() {
		u, err := db.UserByEmail(t.Context(), demo.Email)
		if err != nil {
			t.Fatal(err)
		}
		s := newSession(u, uuid.NewString(), []byte{byte(i)})
		if _, err := db.CreateSession(t.Context(), u, s, 5); err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	for range 2 {
		if err := db.Seed(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	for i, demo := range postgres.DemoUsers() {
		if u, err := db.UserByEmail(t.Context(), demo.Email); err != nil || !u.Disabled {
			t.Errorf("%s: %+v, %v", demo.Email, u, err)
		}
		s, _, err := db.SessionUser(t.Context(), sessions[i].ID)
		if err != nil || s.EndedAt == nil {
			t.Errorf("the session of %s: %+v, %v", demo.Email, s, err)
		}
	}
	if err := db.Seed(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, demo := range postgres.DemoUsers() {
		if u, err := db.UserByEmail(t.Context(), demo.Email); err != nil || u.Disabled {
			t.Errorf("%s is disabled with demo: %v", demo.Email, err)
		}
	}
	tutor := postgres.DemoUsers()[1]
	u, err := db.UserByEmail(t.Context(), tutor.Email)
	if err != nil {
		t.Fatal(err)
	}
	change := func(disabled bool, action store.Action) {
		if _, _, err := db.ChangeUser(t.Context(), u.ID,
			func(u *store.User) (store.Effects, error) {
				u.Disabled = disabled
				return store.Effects{Acts: []store.Act{{Action: action, UserID: u.ID}}}, nil
			}); err != nil {
			t.Fatal(err)
		}
	}
	change(true, store.ActDisable) // an administrator does it
	for _, demo := range []bool{true, false, true} {
		if err := db.Seed(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		if u, err := db.UserByEmail(t.Context(), tutor.Email); err != nil || !u.Disabled {
			t.Errorf("demo %v: an account that an administrator disabled: %+v, %v", demo, u, err)
		}
	}
	change(false, store.ActEnable)
	hash := u.PasswordHash
	password := func(hash string) {
		if _, _, err := db.ChangeUser(t.Context(), u.ID,
			func(u *store.User) (store.Effects, error) {
				u.PasswordHash = hash
				return store.Effects{}, nil
			}); err != nil {
			t.Fatal(err)
		}
	}
	password("another")
	defer password(hash)
	if err := db.Seed(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if u, err := db.UserByEmail(t.Context(), tutor.Email); err != nil || u.Disabled {
		t.Errorf("an account that is no demo account any more: %+v, %v", u, err)
	}
}

// TestMigrationsLeaveTablesInUse reads the migrations since 0050: what reads all rows of a table
// must not lock it meanwhile. Tables that a migration creates itself are empty.
func TestMigrationsLeaveTablesInUse(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	onTable := regexp.MustCompile(`(?i)\b(?:ON|ALTER TABLE)\s+(\w+)`)
	for _, file := range files {
		if filepath.Base(file) < "0050" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		up = strings.ReplaceAll(up, "ON DELETE ", "")
		for sql := range strings.SplitSeq(up, ";") {
			if strings.Contains(sql, "CREATE TABLE") {
				continue
			}
			table := onTable.FindStringSubmatch(sql)
			if table == nil || strings.Contains(up, "CREATE TABLE "+table[1]+" ") ||
				strings.Contains(sql, "CREATE TABLE ") {
				continue
			}
			if strings.Contains(sql, "INDEX") && !strings.Contains(sql, " CONCURRENTLY ") ||
				strings.Contains(sql, "CHECK") && !strings.Contains(sql, " NOT VALID") ||
				strings.Contains(sql, " VALIDATE ") && !strings.Contains(up, "NO TRANSACTION") {
				t.Errorf("%s locks %s while it reads it:%s", file, table[1], sql)
			}
		}
	}
}

// TestConcurrentMigrations begins with an empty database, because some migrations wait for
// statements of other processes, and must not wait for those that wait for them.
func TestConcurrentMigrations(t *testing.T) {
	exec := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), db.Cluster.URL())
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(t.Context(), sql)
		if err := errors.Join(err, conn.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE DATABASE fresh")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			fresh, err := postgres.Open(t.Context(), postgres.Config{
				URL: strings.Replace(db.Cluster.URL(), "dbname=bedside", "dbname=fresh", 1),
			}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
				return
			}
			defer fresh.Close()
			if _, err := fresh.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	exec("DROP DATABASE fresh")
}

func TestCreateAndFindUsers(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	_, err := db.CreateUser(t.Context(), store.User{
		Email: u.Email, Name: "Another", Role: store.RoleCandidate,
	})
	expect(t, err, store.ErrConflict)
	found, err := db.User(t.Context(), u.ID)
	if err != nil || found != u {
		t.Errorf("found %+v, %v; want %+v", found, err, u)
	}
	for _, id := range []string{
		"", "nobody", "00000000-0000-7000-8000-000000000000", "' OR true --",
	} {
		_, err := db.User(t.Context(), id)
		expect(t, err, store.ErrNotFound)
	}
	_, err = db.UserByEmail(t.Context(), "nobody@example.org")
	expect(t, err, store.ErrNotFound)
}

func TestSessionRotation(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	now := time.Now()
	hash := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	rotation := func(b byte) store.Rotation {
		return store.Rotation{Hash: hash(b), Salt: hash(b + 100), ExpiresAt: now.Add(time.Hour)}
	}
	id := "0190d2a0-0000-7000-8000-000000000001"
	if _, err := db.CreateSession(t.Context(), u, newSession(u, id, hash(1)), 5); err != nil {
		t.Fatal(err)
	}
	s, owner, err := db.RotateSession(t.Context(), id, hash(1), rotation(2), now)
	if err != nil || owner.ID != u.ID || !bytes.Equal(s.RefreshSalt, hash(102)) {
		t.Fatalf("first rotation: %v, %+v", err, s)
	}
	s, _, err = db.RotateSession(t.Context(), id, hash(1), rotation(3), now)
	if err != nil || !bytes.Equal(s.RefreshSalt, hash(102)) {
		t.Fatalf("the parent should be answered with the current token: %v, %+v", err, s)
	}
	if _, _, err = db.RotateSession(t.Context(), id, hash(2), rotation(4), now); err != nil {
		t.Fatal(err)
	}
	_, _, err = db.RotateSession(t.Context(), id, hash(1), rotation(5), now)
	expect(t, err, store.ErrReused)
	_, _, err = db.RotateSession(t.Context(), id, hash(4), rotation(5), now)
	expect(t, err, store.ErrUnauthenticated)
	s, _, err = db.SessionUser(t.Context(), id)
	if err != nil || s.Live(now) {
		t.Errorf("reuse did not end the session: %+v, %v", s, err)
	}
	expect(t, db.EndSession(t.Context(), id, store.EndSignedOut, now), nil)
	expect(t,
		db.EndSession(t.Context(), "0190d2a0-0000-7000-8000-00000000ffff", store.EndSignedOut,
			now),
		store.ErrNotFound)
}

func TestAttemptStates(t *testing.T) {
	candidate, tutor := newUser(t, store.RoleCandidate), newUser(t, store.RoleTutor)
	a := newAttempt(t, candidate)
	now := time.Date(2026, 5, 4, 10, 0, 0, 123456789, time.FixedZone("", 7200))

	_, err := db.FinishAttempt(t.Context(), a.ID, 0, now)
	expect(t, err, store.ErrState)
	if a, err = db.SeatPartner(t.Context(), a.ID, tutor.ID, false); err != nil ||
		a.PartnerID != tutor.ID {
		t.Fatalf("seat: %v", err)
	}
	_, err = db.SeatPartner(t.Context(), a.ID, newUser(t, store.RoleTutor).ID, true)
	expect(t, err, store.ErrConflict)
	if _, err = db.PrepareAttempt(t.Context(), a.ID, 0, now); err != nil {
		t.Fatal(err)
	}
	if a, err = db.StartAttempt(t.Context(), a.ID, 0, now); err != nil {
		t.Fatal(err)
	}
	read, scenario, err := db.Attempt(t.Context(), a.ID)
	if err != nil || scenario.Slug != "nursing-insulin-at-home" ||
		!read.StartedAt.Equal(*a.StartedAt) || read.PartnerID != tutor.ID {
		t.Fatalf("read %+v, %v; want %+v", read, err, a)
	}
	_, err = db.AbandonAttempt(t.Context(), a.ID, 0, now)
	expect(t, err, store.ErrState)
	if _, err = db.FinishAttempt(t.Context(), a.ID, 0, now); err != nil {
		t.Fatal(err)
	}
	expect(t, db.FailAttempt(t.Context(), a.ID, "no audio"), nil)
	expect(t, db.FailAttempt(t.Context(), "nonsense", "no audio"), store.ErrNotFound)

	for _, who := range []store.User{candidate, tutor} {
		list, err := db.AttemptsOf(t.Context(), who.ID, "", 10)
		if err != nil || len(list) != 1 || list[0].Attempt.Problem != "no audio" ||
			list[0].PartnerName != tutor.Name {
			t.Errorf("%s's list: %+v, %v", who.Role, list, err)
		}
	}
	views, err := db.AttemptViews(t.Context(), []string{a.ID})
	if err != nil || len(views) != 1 {
		t.Errorf("views: %v, %v", views, err)
	}
}

// What a node sends after another one has taken its room changes nothing.
func TestFencedNodesChangeNothing(t *testing.T) {
	a, now := newAttempt(t, newUser(t, store.RoleCandidate)), time.Now()
	raise := func(want int64) {
		t.Helper()
		if fence, err := db.RaiseFence(t.Context(), a.ID); err != nil || fence != want {
			t.Fatalf("fence %d, %v; want %d", fence, err, want)
		}
	}
	raise(1)
	if _, err := db.PrepareAttempt(t.Context(), a.ID, 1, now); err != nil {
		t.Fatal(err)
	}
	raise(2)
	for name, change := range map[string]func(context.Context, string, int64,
		time.Time) (store.Attempt, error){
		"prepare": db.PrepareAttempt, "start": db.StartAttempt, "finish": db.FinishAttempt,
		"abandon": db.AbandonAttempt,
	} {
		if _, err := change(t.Context(), a.ID, 1, now); !errors.Is(err, store.ErrFenced) {
			t.Errorf("%s by the earlier node: %v", name, err)
		}
	}
	read, _, err := db.Attempt(t.Context(), a.ID)
	if err != nil || read.State != store.AttemptPreparing || read.Fence != 2 {
		t.Errorf("the attempt is %+v, %v", read, err)
	}
	if _, err := db.StartAttempt(t.Context(), a.ID, 2, now); err != nil {
		t.Errorf("start by the present node: %v", err)
	}
	missing := "0190d2a0-0000-7000-8000-00000000ffff"
	fences, err := db.Fences(t.Context(), []string{a.ID, missing})
	if err != nil || len(fences) != 1 || fences[a.ID] != 2 {
		t.Errorf("fences: %v, %v", fences, err)
	}
	for _, id := range []string{missing, "nonsense"} {
		_, err := db.RaiseFence(t.Context(), id)
		expect(t, err, store.ErrNotFound)
	}
}

func TestAttemptPages(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	for range 5 {
		newAttempt(t, u)
	}
	var seen []string
	for before := ""; ; {
		page, err := db.AttemptsOf(t.Context(), u.ID, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, v := range page {
			seen = append(seen, v.Attempt.ID)
		}
		before = seen[len(seen)-1]
	}
	if len(seen) != 5 || seen[0] < seen[4] {
		t.Errorf("pages contained %v", seen)
	}
	_, err := db.AttemptsOf(t.Context(), u.ID, "no cursor", 2)
	expect(t, err, store.ErrInvalid)
}

func TestConcurrentStartsKeepOneTime(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	var all sync.WaitGroup
	starts := make([]time.Time, 20)
	for i := range starts {
		all.Go(func() {
			got, err := db.StartAttempt(t.Context(), a.ID, 0,
				time.Now().Add(time.Duration(i)*time.Second))
			if err != nil {
				t.Error(err)
				return
			}
			starts[i] = *got.StartedAt
		})
	}
	all.Wait()
	for _, s := range starts {
		if !s.Equal(starts[0]) {
			t.Fatalf("two starts: %v and %v", s, starts[0])
		}
	}
}

func TestSaveReport(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	r := store.Report{
		AttemptID: a.ID, CreatedAt: time.Now().UTC().Truncate(time.Microsecond), DurationS: 300,
		Speakers: []store.SpeakerReport{{
			Speaker: store.SpeakerCandidate, Peaks: []float32{0, 0.5},
			Analysis: store.Analysis{DurationS: 300, Speech: []store.Span{{StartS: 1, EndS: 2}}},
			Recording: &store.Recording{
				Key: "attempts/" + a.ID + "/candidate.ogg", State: store.RecordingKept,
				DurationS: 300, Bytes: 12345,
			},
		}},
	}
	_, err := db.Report(t.Context(), a.ID)
	expect(t, err, store.ErrNotFound)
	expect(t, db.SaveReport(t.Context(), r), store.ErrState) // there was no play
	_, err = db.Report(t.Context(), a.ID)
	expect(t, err, store.ErrNotFound) // nothing was saved

	if _, err := db.StartAttempt(t.Context(), a.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, duration := range []float64{300, 301} {
		r.DurationS = duration
		if err := db.SaveReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got, err := db.Report(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.SchemaVersion != store.ReportVersion || got.DurationS != duration ||
			len(got.Speakers) != 1 ||
			*got.Speakers[0].Recording != *r.Speakers[0].Recording ||
			got.Speakers[0].Analysis.Speech[0].EndS != 2 {
			t.Errorf("got %+v", got)
		}
	}
	after, _, err := db.Attempt(t.Context(), a.ID)
	if err != nil || after.State != store.AttemptReported || after.EndedAt == nil {
		t.Errorf("the attempt is %+v, %v", after, err)
	}
	_, err = db.Recording(t.Context(), a.ID, store.SpeakerPatient)
	expect(t, err, store.ErrNotFound)
	r.Turns.OverlapTotalS = math.NaN()
	expect(t, db.SaveReport(t.Context(), r), store.ErrInvalid)
}

// The media server could not reach the database during the play.
func TestReportRecordsTheStart(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	_, err := db.PrepareAttempt(t.Context(), a.ID, 0, time.Now())
	expect(t, err, nil)
	began := time.Now().UTC().Truncate(time.Microsecond)
	expect(t, db.SaveReport(t.Context(), store.Report{AttemptID: a.ID, StartedAt: began}), nil)
	// Its own records come when the database answers again.
	_, err = db.StartAttempt(t.Context(), a.ID, 0, began.Add(time.Minute))
	expect(t, err, nil)
	got, err := db.FinishAttempt(t.Context(), a.ID, 0, began.Add(time.Hour))
	expect(t, err, nil)
	if got.State != store.AttemptReported || got.StartedAt == nil || got.EndedAt == nil ||
		!got.StartedAt.Equal(began) {
		t.Errorf("the attempt is %+v", got)
	}
}

// TestCallsRecoverAfterAnOutage pauses a PostgreSQL server of its own, then kills it.
func TestCallsRecoverAfterAnOutage(t *testing.T) {
	ctx := context.Background()
	d := pgtest.New(t, postgres.Config{Timeout: 300 * time.Millisecond, MaxConns: 3})
	if err := d.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	signalAll := func(sig syscall.Signal) {
		// The backends are sessions of their own, so signalling the process group of the
		// postmaster would not reach them.
		for _, pid := range append(children(t, d.Cluster.PID()), d.Cluster.PID()) {
			if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Error(err)
			}
		}
	}
	recovers := func() {
		t.Helper()
		deadline, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		for err := d.Ping(ctx); err != nil; err = d.Ping(ctx) {
			if !errors.Is(err, store.ErrUnavailable) || deadline.Err() != nil {
				t.Fatalf("during the outage: %v", err)
			}
		}
	}

	signalAll(syscall.SIGSTOP)
	for range 5 {
		_, err := d.CatalogueGeneration(ctx)
		expect(t, err, store.ErrUnavailable)
		expect(t,
			d.EndSession(ctx, "0190d2a0-0000-7000-8000-00000000ffff", store.EndSignedOut,
				time.Now()),
			store.ErrUnavailable)
	}
	signalAll(syscall.SIGCONT)
	recovers()

	signalAll(syscall.SIGKILL)
	recovers()
}

func TestCancelledCallerIsNotAnOutage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := db.CatalogueGeneration(ctx)
	expect(t, err, context.Canceled)
	if errors.Is(err, store.ErrUnavailable) {
		t.Errorf("reported as an outage: %v", err)
	}
}
