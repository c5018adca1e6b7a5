package postgres_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// execSQL runs SQL on a connection of its own.
func execSQL(t *testing.T, url, sql string, args ...any) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql, args...)
	return err
}

func TestRegisterSavesEffectsOfBothOutcomes(t *testing.T) {
	email := rand.Text() + "@example.org"
	var seen []bool
	var ids []string
	after := func(u store.User, fresh bool) store.Effects {
		seen, ids = append(seen, fresh), append(ids, u.ID)
		return store.Effects{Acts: []store.Act{{Action: store.ActRegister, UserID: u.ID}}}
	}
	u := store.User{
		Email: email, Name: "First", Role: store.RoleCandidate, TestDate: "2026-05-04",
		TargetGrade: "C+",
	}
	first, err := db.Register(t.Context(), u, after)
	if err != nil || first.TestDate != "2026-05-04" || first.TargetGrade != "C+" {
		t.Fatalf("%+v, %v", first, err)
	}
	u.Name = "Second"
	_, err = db.Register(t.Context(), u, after)
	expect(t, err, store.ErrConflict)
	if len(seen) != 2 || !seen[0] || seen[1] || ids[1] != first.ID {
		t.Errorf("after was called with %v for %v", seen, ids)
	}
	acts, err := db.Acts(t.Context(), store.ActFilter{UserID: first.ID, Limit: 10})
	if err != nil || len(acts) != 2 {
		t.Errorf("audit trail: %+v, %v", acts, err)
	}
}

func TestChangeUserAndEndSessions(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	now := time.Now()
	ids := []string{"0190d2a0-0000-7000-8000-00000000aa01", "0190d2a0-0000-7000-8000-00000000aa02"}
	for _, id := range ids {
		if _, err := db.CreateSession(t.Context(), u, newSession(u, id, []byte{1}),
			5); err != nil {
			t.Fatal(err)
		}
	}
	got, ended, err := db.ChangeUser(t.Context(), u.ID, func(u *store.User) (store.Effects,
		error) {
		u.Name, u.TimeZone, u.Locale, u.PasswordHash = "Changed", "Europe/Zagreb", "hr", "new"
		u.Verify(now.UTC().Truncate(time.Microsecond))
		return store.Effects{SignOut: true, KeepSession: ids[0]}, nil
	})
	if err != nil || len(ended) != 1 || ended[0] != ids[1] {
		t.Fatalf("ended %v, %v", ended, err)
	}
	read, err := db.User(t.Context(), u.ID)
	if err != nil || read.Name != "Changed" || read.TimeZone != "Europe/Zagreb" ||
		read.Locale != "hr" || read.PasswordHash != "new" ||
		!read.VerifiedAt.Equal(*got.VerifiedAt) {
		t.Errorf("read %+v, %v", read, err)
	}
	refused := errors.New("no")
	_, _, err = db.ChangeUser(t.Context(), u.ID, func(u *store.User) (store.Effects, error) {
		u.Name = "Never"
		return store.Effects{}, refused
	})
	expect(t, err, refused)
	if read, err := db.User(t.Context(), u.ID); err != nil || read.Name != "Changed" {
		t.Errorf("a refused change was saved: %+v, %v", read, err)
	}
	_, _, err = db.ChangeUser(t.Context(), "nobody", nil)
	expect(t, err, store.ErrNotFound)
}

// TestStrangersCannotFillTheTrail checks that acts of nobody known make one entry for each
// network, hour and account, with a count, and that acts of known users are all entered.
func TestStrangersCannotFillTheTrail(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	hour := time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour)
	record := func(at time.Time, ip, actor string) {
		t.Helper()
		if err := db.Record(t.Context(), store.Act{
			Action: store.ActSignIn, Outcome: store.OutcomeRefused, UserID: u.ID, ActorID: actor,
			IP: ip, At: at, Detail: "wrong address or password",
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		record(hour.Add(time.Duration(i)*time.Minute), "203.0.113.5", "")
		record(hour.Add(time.Duration(i)*time.Minute), fmt.Sprintf("2001:db8::%x", i), "")
	}
	record(hour.Add(time.Minute), "2001:db8:0:1::1", "")
	record(hour.Add(time.Hour), "203.0.113.5", "")
	record(hour, "203.0.113.5", u.ID)
	record(hour, "203.0.113.5", u.ID)
	list, err := db.Acts(t.Context(), store.ActFilter{UserID: u.ID, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	for _, a := range list {
		counts[a.Count]++
		if a.Count == 20 && !a.LastAt.Equal(hour.Add(19*time.Minute)) {
			t.Errorf("the last of 20 was at %s", a.LastAt)
		}
	}
	if len(list) != 6 || counts[20] != 2 || counts[1] != 4 {
		t.Errorf("%d entries, counts %v", len(list), counts)
	}
}

// TestManyNetworksShareAnEntry checks that the trail is bounded over all networks of an hour.
func TestManyNetworksShareAnEntry(t *testing.T) {
	hour := time.Now().UTC().Truncate(time.Hour).Add(-9 * time.Hour)
	if err := execSQL(t, db.Cluster.URL(), `INSERT INTO act_tallies
		(act_id, hour, network, action, outcome, detail, last_at)
		SELECT gen_random_uuid(), $1, 'n' || i, 'session.start', 'refused', '', $1
		FROM generate_series(1, 10000) i`, hour); err != nil {
		t.Fatal(err)
	}
	u := newUser(t, store.RoleCandidate)
	for i := range 5 {
		if err := db.Record(t.Context(), store.Act{
			Action: store.ActSignIn, Outcome: store.OutcomeRefused, UserID: u.ID,
			IP: fmt.Sprintf("198.51.100.%d", i), At: hour,
		}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := db.Acts(t.Context(), store.ActFilter{UserID: u.ID, Limit: 100})
	if err != nil || len(list) != 1 || list[0].Count != 5 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestLastAdministratorStays demotes or disables all administrators at once: one must stay.
func TestLastAdministratorStays(t *testing.T) {
	d := pgtest.New(t, postgres.Config{})
	var admins []store.User
	for range 6 {
		u, err := d.CreateUser(t.Context(), store.User{
			Email: rand.Text() + "@example.org", Name: "Admin", Role: store.RoleAdmin,
		})
		if err != nil {
			t.Fatal(err)
		}
		admins = append(admins, u)
	}
	refused := make([]bool, len(admins))
	var all sync.WaitGroup
	for i, u := range admins {
		all.Go(func() {
			_, _, err := d.ChangeUser(t.Context(), u.ID, func(u *store.User) (store.Effects,
				error) {
				if i%2 == 0 {
					u.Role = store.RoleTutor
				} else {
					u.Disabled = true
				}
				return store.Effects{}, nil
			})
			if refused[i] = errors.Is(err, store.ErrState); err != nil && !refused[i] {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := 0
	for i := range refused {
		if refused[i] {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of %d were refused, want 1", n, len(admins))
	}
}

func TestAuditTrailIsAppendOnly(t *testing.T) {
	d := pgtest.New(t, postgres.Config{})
	url := d.Cluster.URL()
	id := "0190d2a0-0000-7000-8000-000000000001"
	act := store.Act{
		Action: store.ActSignIn, UserID: id, ActorID: id, IP: "192.0.2.1",
		UserAgent: "Browser\x00\xff", Object: "session 1",
	}
	if err := d.Record(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	old := act
	old.At = time.Now().Add(-500 * 24 * time.Hour)
	if err := d.Record(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DELETE FROM acts", "TRUNCATE acts", "UPDATE acts SET action = 'nothing'",
		"UPDATE acts SET ip = '198.51.100.1'",
		"UPDATE acts SET ip = '', user_agent = '', actor_id = NULL",
	} {
		if err := execSQL(t, url, sql); err == nil {
			t.Errorf("%s succeeded", sql)
		}
	}
	if err := execSQL(t, url, "UPDATE acts SET ip = '', user_agent = '' WHERE user_id = $1",
		id); err != nil {
		t.Errorf("anonymising an entry: %v", err)
	}
	if err := d.SweepAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := d.Acts(t.Context(), store.ActFilter{UserID: id, Limit: 10})
	if err != nil || len(list) != 1 || list[0].Action != store.ActSignIn ||
		list[0].Outcome != store.OutcomeDone || list[0].Object != "session 1" || list[0].IP != "" {
		t.Errorf("got %+v, %v", list, err)
	}
	_, err = d.Acts(t.Context(), store.ActFilter{Before: "x", Limit: 1})
	expect(t, err, store.ErrInvalid)
}

func TestMailTokenWorksOnce(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	now := time.Now()
	hash := func() []byte { h := sha256.Sum256([]byte(rand.Text())); return h[:] }
	create := func(purpose store.TokenPurpose, email string) []byte {
		t.Helper()
		token := store.MailToken{
			Hash: hash(), UserID: u.ID, Purpose: purpose, Email: email, CreatedAt: now,
			ExpiresAt: now.Add(purpose.Lifetime()),
		}
		if err := db.CreateMailToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		return token.Hash
	}
	use := func(hash []byte, purpose store.TokenPurpose, at time.Time) error {
		_, _, err := db.UseMailToken(t.Context(), hash, []store.TokenPurpose{purpose}, at, func(
			u *store.User, _ store.MailToken) (store.Effects, error) {
			u.PasswordHash = "reset"
			return store.Effects{}, nil
		})
		return err
	}
	first, second := create(store.TokenReset, u.Email), create(store.TokenReset, u.Email)
	oldAddress := create(store.TokenReset, "old@example.org")
	verify := create(store.TokenVerify, u.Email)
	expect(t, use(first, store.TokenVerify, now), store.ErrNotFound)
	expect(t, use(hash(), store.TokenReset, now), store.ErrNotFound)
	expect(t, use(oldAddress, store.TokenReset, now), store.ErrExpired)
	expect(t, use(first, store.TokenReset, now.Add(10*time.Minute)), store.ErrExpired)

	var wins, reused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			err := use(first, store.TokenReset, now)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				wins++
			case errors.Is(err, store.ErrReused):
				reused++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if wins != 1 || reused != 19 {
		t.Errorf("%d uses succeeded, %d were refused", wins, reused)
	}
	expect(t, use(second, store.TokenReset, now), store.ErrReused) // revoked with the first
	expect(t, use(verify, store.TokenVerify, now), nil)
}

func TestJobsRunAfterCommitAndRetry(t *testing.T) {
	d := pgtest.New(t, postgres.Config{})
	u, err := d.CreateUser(t.Context(), store.User{
		Email: "jobs@example.org", Name: "Jobs", Role: store.RoleCandidate,
	})
	if err != nil {
		t.Fatal(err)
	}
	add := func(what string, ruleErr error) {
		_, _, err := d.ChangeUser(t.Context(), u.ID, func(*store.User) (store.Effects, error) {
			return store.Effects{Jobs: []store.Job{store.Mail{What: what}}}, ruleErr
		})
		expect(t, err, ruleErr)
	}
	add("rolled back", errors.New("rolled back"))
	add("first", nil)

	done := make(chan string, 10)
	swept := make(chan bool, 10)
	failed := false
	work := func() *postgres.Jobs {
		j := d.Jobs(0)
		err := errors.Join(
			postgres.HandleJob(j, time.Minute, func(ctx context.Context, m store.Mail) error {
				if m.What == "long" {
					done <- m.What
					<-ctx.Done()
					return ctx.Err()
				}
				if m.What == "bad" {
					done <- m.What
					return store.ErrInvalid
				}
				if m.What == "again" && !failed {
					failed = true
					return errors.New("not this time")
				}
				done <- m.What
				return nil
			}),
			postgres.HandleJob(j, time.Minute, func(context.Context, store.Sweep) error {
				swept <- true
				return nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		j.Every(time.Hour, store.Sweep{})
		if err := j.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := work()
	next := func() string {
		t.Helper()
		select {
		case what := <-done:
			return what
		case <-time.After(time.Minute):
			t.Fatal("no job ran")
			return ""
		}
	}
	if what := next(); what != "first" {
		t.Errorf("ran %s", what)
	}
	<-swept
	add("bad", nil)
	next()
	add("again", nil)
	if what := next(); what != "again" {
		t.Errorf("ran %s", what)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Error(err)
	}
	add("while closed", nil)
	j = work()
	if what := next(); what != "while closed" {
		t.Errorf("ran %s", what)
	}
	// Close does not wait long for a slow job, because other parts must close too.
	add("long", nil)
	next()
	closing, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := j.Close(closing); err != nil || closing.Err() != nil {
		t.Errorf("closed with %v, %v", err, closing.Err())
	}
}

func TestUpkeepDoesNotWaitForMail(t *testing.T) {
	d := pgtest.New(t, postgres.Config{})
	const most = 2
	hanging, reconciled := make(chan bool, most), make(chan bool, 10)
	j := d.Jobs(most)
	if err := errors.Join(
		postgres.HandleJob(j, time.Minute, func(ctx context.Context, _ store.Mail) error {
			hanging <- true
			<-ctx.Done() // the mail server does not answer
			return ctx.Err()
		}),
		postgres.HandleJob(j, time.Minute, func(context.Context, store.Reconcile) error {
			reconciled <- true
			return nil
		}),
	); err != nil {
		t.Fatal(err)
	}
	for range most {
		expect(t, d.ApplyEffects(t.Context(), store.Effects{
			Jobs: []store.Job{store.Mail{What: "letter"}},
		}), nil)
	}
	if err := j.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	wait := func(what string, done <-chan bool) {
		t.Helper()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatalf("no %s ran", what)
		}
	}
	for range most {
		wait("mail", hanging)
	}
	expect(t, d.ApplyEffects(t.Context(), store.Effects{
		Jobs: []store.Job{store.Reconcile{}},
	}), nil)
	wait("reconciler", reconciled)
}

// TestStaleSignInFails changes the password, and then disables the account, between reading the
// account and creating a session.
func TestStaleSignInFails(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	half := store.SignIn{
		Hash: []byte(uuid.NewString()), UserID: u.ID, ExpiresAt: time.Now().Add(time.Minute),
	}
	if err := db.BeginSignIn(t.Context(), u, half); err != nil {
		t.Fatal(err)
	}
	changed, _, err := db.ChangeUser(t.Context(), u.ID, func(u *store.User) (store.Effects,
		error) {
		u.PasswordHash = "y"
		return store.Effects{SignOut: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.CreateSession(t.Context(), u, newSession(u, uuid.NewString(), []byte{1}), 5)
	expect(t, err, store.ErrUnauthenticated)
	_, err = db.FinishSignIn(t.Context(), half.Hash,
		func(*store.SignIn, store.User, *store.Factor) error { return nil })
	expect(t, err, store.ErrNotFound)
	expect(t, db.BeginSignIn(t.Context(), u, half), store.ErrUnauthenticated)
	if _, err := db.CreateSession(t.Context(), changed, newSession(u, uuid.NewString(), []byte{1}),
		5); err != nil {
		t.Error(err)
	}
	if _, _, err := db.ChangeUser(t.Context(), u.ID, func(u *store.User) (store.Effects, error) {
		u.Disabled = true
		return store.Effects{SignOut: true}, nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err = db.CreateSession(t.Context(), changed, newSession(u, uuid.NewString(), []byte{1}), 5)
	expect(t, err, store.ErrForbidden)
	if list, err := db.Sessions(t.Context(), u.ID, time.Now()); err != nil || len(list) != 0 {
		t.Errorf("%d sessions are live, %v", len(list), err)
	}
}
