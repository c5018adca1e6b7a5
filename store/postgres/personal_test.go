package postgres_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/store"
	"bedside/store/postgres"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// query returns the first column of a query as text.
func query(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	return queryOf(t, db.Cluster.URL(), sql, args...)
}

// queryOf returns the texts in the rows of a query of another database.
func queryOf(t *testing.T, url, sql string, args ...any) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// deletionRules returns the rules of every table, by its name.
func deletionRules(t *testing.T) map[string]store.OnDelete {
	t.Helper()
	rules, _ := api.DeletionRules()
	byTable := map[string]store.OnDelete{}
	for _, r := range append(rules, postgres.OwnTables()...) {
		if byTable[r.Table] != "" {
			t.Errorf("table %s has two deletion rules", r.Table)
		}
		byTable[r.Table] = r.OnDelete
	}
	return byTable
}

// TestEveryTableHasOneDeletionRule compares the rules of the slices, the SQL that finds a user's
// rows, and the real schema.
func TestEveryTableHasOneDeletionRule(t *testing.T) {
	rules := deletionRules(t)
	var personal []string
	for _, p := range postgres.PersonalTables() {
		personal = append(personal, p.Table)
	}
	slices.Sort(personal)
	tables := query(t,
		`SELECT table_name::text FROM information_schema.tables
			WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	slices.Sort(tables)
	for _, table := range tables {
		if rules[table] == "" {
			t.Errorf("no slice says what happens to table %s when an account is deleted", table)
		}
	}
	for table := range rules {
		if !slices.Contains(tables, table) {
			t.Errorf("there is a deletion rule for %s, which is not a table", table)
		}
	}
	if !slices.Equal(personal, tables) {
		t.Errorf("PersonalTables has %q, the database has %q", personal, tables)
	}
	for _, p := range postgres.PersonalTables() {
		if p.Where == "" && rules[p.Table] != store.Kept {
			t.Errorf("rows of %s are to be %s, but PersonalTables does not say how to find them",
				p.Table, rules[p.Table])
		}
	}
	// A table that refers to users must have an entry that finds their rows.
	for _, table := range query(t,
		`SELECT DISTINCT table_name::text FROM information_schema.columns
			JOIN information_schema.tables USING (table_schema, table_name)
			WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
			AND column_name IN ('user_id', 'candidate_id', 'actor_id')`) {
		if !slices.ContainsFunc(postgres.PersonalTables(), func(p postgres.PersonalTable) bool {
			return p.Table == table && p.Where != ""
		}) {
			t.Errorf("table %s refers to users, but PersonalTables finds no rows of it", table)
		}
	}
}

// newUserWithData creates a candidate with rows in every table that can have rows of a user. In
// theirs they are the candidate and partner plays the patient; in others they play the patient.
func newUserWithData(t *testing.T) (u, partner store.User, theirs, others store.Attempt) {
	t.Helper()
	u, partner = newUser(t, store.RoleCandidate), newUser(t, store.RoleTutor)
	other := newUser(t, store.RoleCandidate)
	now := time.Now()
	reported := func(candidate, patient store.User) store.Attempt {
		a := newAttempt(t, candidate)
		if _, err := db.SeatPartner(t.Context(), a.ID, patient.ID, true); err != nil {
			t.Fatal(err)
		}
		for _, step := range []func() error{
			func() error { _, err := db.StartAttempt(t.Context(), a.ID, 0, now); return err },
			func() error { _, err := db.FinishAttempt(t.Context(), a.ID, 0, now); return err },
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		r := store.Report{
			AttemptID: a.ID, CreatedAt: now, StartedAt: now,
			Results: []store.Result{{Criterion: store.ResultOverall, Low: 300, High: 340}},
		}
		for _, s := range []store.Speaker{store.SpeakerCandidate, store.SpeakerPatient} {
			r.Speakers = append(r.Speakers, store.SpeakerReport{
				Speaker: s,
				Recording: &store.Recording{
					Key: "attempts/" + a.ID + "/" + string(s) + ".ogg", Bytes: 1,
				},
			})
		}
		if err := db.SaveReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return a
	}
	theirs, others = reported(u, partner), reported(other, u)
	reportExam(t, newExam(t, u))
	if _, err := db.FoldPractice(t.Context()); err != nil { // makes days of the changes
		t.Fatal(err)
	}
	reported(other, u)
	yes := true
	if _, err := db.ChangeMarks(t.Context(), u.ID, "nursing-insulin-at-home",
		store.MarksChange{Bookmarked: &yes}); err != nil {
		t.Fatal(err)
	}
	session := uuid.NewString()
	if _, err := db.CreateSession(t.Context(), u, newSession(u, session, []byte{1}),
		5); err != nil {
		t.Fatal(err)
	}
	hash := func(s string) []byte { return []byte(s + u.ID) }
	for what, err := range map[string]error{
		"invitation": db.SaveInvitation(t.Context(), store.Invitation{
			AttemptID: theirs.ID, TokenHash: hash("i"), ExpiresAt: now.Add(time.Hour),
		}),
		"hearing": db.SaveHearing(t.Context(), u.ID, store.Hearing{
			Microphone: "m", Model: "average", Mean: make([]float64, 13), MeasuredAt: now,
			UsedAt: now,
		}),
		"proof": db.Prove(t.Context(), session, now),
		"token": db.CreateMailToken(t.Context(), store.MailToken{
			Hash: hash("m"), UserID: u.ID, Purpose: store.TokenVerify, Email: u.Email,
			CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}),
		"ceremony": db.BeginCeremony(t.Context(), store.Ceremony{
			Hash: hash("c"), UserID: u.ID, Data: []byte("{}"), ExpiresAt: now.Add(time.Hour),
		}),
		"try of a stranger": db.Record(t.Context(), store.Act{
			Action: store.ActSignIn, Outcome: store.OutcomeRefused, UserID: u.ID, IP: "192.0.2.99",
		}),
		"sign-in": db.BeginSignIn(t.Context(), u, store.SignIn{
			Hash: hash("s"), UserID: u.ID, ExpiresAt: now.Add(time.Hour),
		}),
		"factor": db.ChangeFactor(t.Context(), u.ID, func(_ store.User,
			f *store.Factor) (store.Effects, error) {
			f.Secret, f.ConfirmedAt = []byte("sealed"), &now
			return store.Effects{
				Acts: []store.Act{
					{
						Action: store.ActAddFactor, UserID: u.ID, ActorID: u.ID, IP: "192.0.2.7",
						UserAgent: "a browser",
					},
				},
			}, nil
		}),
	} {
		if err != nil {
			t.Fatal(what, err)
		}
	}
	if _, err := db.AddPasskey(t.Context(),
		store.Passkey{
			UserID: u.ID, CredentialID: hash("p"), Credential: []byte("{}"), Name: "My phone",
		},
		store.Effects{}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.RequestExport(t.Context(), u.ID, store.Effects{}); err != nil {
		t.Fatal(err)
	}
	newPicture(t, u.ID, store.MediaAvatar, "of "+u.ID)
	newScenario(t, u)
	// The user may read what others did to the account, but not from where.
	if err := db.Record(t.Context(), store.Act{
		Action: store.ActChangeRole, UserID: u.ID, ActorID: partner.ID, IP: "203.0.113.9",
		UserAgent: "an administrator's",
	}); err != nil {
		t.Fatal(err)
	}
	return u, partner, theirs, others
}

// removalJobs returns the number of jobs that remove a file whose key contains the text.
func removalJobs(t *testing.T, key string) int {
	t.Helper()
	return len(query(t, `SELECT id::text FROM river_job
		WHERE kind = 'remove-files' AND args::text LIKE '%' || $1 || '%'`, key))
}

func TestDeletedUserLeavesNothing(t *testing.T) {
	u, partner, theirs, others := newUserWithData(t)
	rules, had := deletionRules(t), map[string][]string{}
	for _, p := range postgres.PersonalTables() {
		rows, err := db.PersonalRows(t.Context(), p, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if (len(rows) == 0) != (p.Where == "") {
			t.Errorf("%s: %d rows before the deletion", p.Table, len(rows))
		}
		for _, secret := range p.Secret {
			if strings.Contains(strings.Join(rows, ""), `"`+secret+`"`) {
				t.Errorf("%s: the archive contains %s", p.Table, secret)
			}
		}
		if all := strings.Join(rows, ""); p.Table == "acts" &&
			(strings.Contains(all, "203.0.113.9") || !strings.Contains(all, "192.0.2.7") ||
				!strings.Contains(all, string(store.ActChangeRole))) {
			t.Errorf("the archive's audit trail: %s", all)
		}
		had[p.Table] = rows
	}
	ended, err := db.DeleteUser(t.Context(), u.ID, func(u store.User) (store.Effects, error) {
		return store.Effects{
			Acts: []store.Act{{Action: store.ActDelete, UserID: u.ID, ActorID: u.ID}},
		}, nil
	})
	if err != nil || len(ended) != 1 {
		t.Fatalf("ended %q, %v", ended, err)
	}
	for _, p := range postgres.PersonalTables() {
		rows, err := db.PersonalRows(t.Context(), p, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		switch rules[p.Table] {
		case store.Deleted:
			if len(rows) != 0 {
				t.Errorf("%s: %d rows are left: %s", p.Table, len(rows), rows)
			}
		case store.Anonymised:
			want := 0 // nobody finds them by the account any more
			if p.Table == "acts" {
				want = len(had[p.Table]) + 1
			}
			if all := strings.Join(rows, ""); len(rows) != want ||
				strings.Contains(all, "192.0.2.7") || strings.Contains(all, "a browser") {
				t.Errorf("%s: %s", p.Table, all)
			}
		}
	}
	if files, err := db.PersonalFiles(t.Context(), u.ID); err != nil || len(files) != 0 {
		t.Errorf("files %v, %v", files, err)
	}
	for _, key := range []string{
		theirs.ID + "/candidate", theirs.ID + "/patient", others.ID + "/patient",
		"exports/" + u.ID,
	} {
		if n := removalJobs(t, key); n != 1 {
			t.Errorf("%d jobs remove %s, want 1", n, key)
		}
	}
	if n := removalJobs(t, store.MediaPrefix()); n != 0 {
		t.Errorf("%d jobs remove files of media without looking whether others have them", n)
	}
	// Other users keep their accounts, attempts, reports and recordings.
	if _, err := db.User(t.Context(), partner.ID); err != nil {
		t.Error(err)
	}
	if a, _, err := db.Attempt(t.Context(), others.ID); err != nil || a.PartnerID != "" {
		t.Errorf("partner %q, %v", a.PartnerID, err)
	}
	if _, err := db.Recording(t.Context(), others.ID, store.SpeakerCandidate); err != nil {
		t.Error(err)
	}
	_, err = db.Recording(t.Context(), others.ID, store.SpeakerPatient)
	expect(t, err, store.ErrNotFound)
	r, err := db.Report(t.Context(), others.ID)
	if err != nil || len(r.Speakers) != 2 || r.Speakers[0].Recording == nil ||
		r.Speakers[1].Recording != nil {
		t.Errorf("the report of the other candidate: %+v, %v", r, err)
	}
	_, err = db.DeleteUser(t.Context(), u.ID, nil)
	expect(t, err, store.ErrNotFound)
}

// A worker can have stored files of an attempt without saving its report.
func TestDeletedUserLeavesNoFileWithoutReport(t *testing.T) {
	u, partner := newUser(t, store.RoleCandidate), newUser(t, store.RoleTutor)
	var attempts []string
	for range 110 { // so that their files need more than one job
		a := newAttempt(t, u)
		if _, err := db.SeatPartner(t.Context(), a.ID, partner.ID, true); err != nil {
			t.Fatal(err)
		}
		expect(t, db.FailAttempt(t.Context(), a.ID, "the worker crashed"), nil)
		attempts = append(attempts, a.ID)
	}
	remove := func(u store.User) {
		t.Helper()
		if _, err := db.DeleteUser(t.Context(), u.ID,
			func(store.User) (store.Effects, error) { return store.Effects{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	check := func(id string, candidate, patient int) {
		t.Helper()
		for who, want := range map[store.Speaker]int{
			store.SpeakerCandidate: candidate, store.SpeakerPatient: patient,
		} {
			if n := removalJobs(t, store.RecordingKey(id, who)); n != want {
				t.Errorf("%d jobs remove the file of the %s, want %d", n, who, want)
			}
		}
	}
	remove(partner)
	check(attempts[0], 0, 1)
	remove(u)
	check(attempts[0], 1, 2)
	check(attempts[len(attempts)-1], 1, 2)
}

// TestDeletedPartnerLeavesNoRecording deletes the partner's account before the report is saved.
func TestDeletedPartnerLeavesNoRecording(t *testing.T) {
	candidate, partner := newUser(t, store.RoleCandidate), newUser(t, store.RoleTutor)
	a, now := newAttempt(t, candidate), time.Now()
	if _, err := db.SeatPartner(t.Context(), a.ID, partner.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, now); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteUser(t.Context(), partner.ID, func(store.User) (store.Effects, error) {
		return store.Effects{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	r := store.Report{AttemptID: a.ID, CreatedAt: now, StartedAt: now}
	key := func(s store.Speaker) string { return "attempts/" + a.ID + "/" + string(s) + ".ogg" }
	for _, s := range []store.Speaker{store.SpeakerCandidate, store.SpeakerPatient} {
		r.Speakers = append(r.Speakers, store.SpeakerReport{
			Speaker: s, Recording: &store.Recording{Key: key(s), Bytes: 1},
		})
	}
	if err := db.SaveReport(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Recording(t.Context(), a.ID, store.SpeakerCandidate); err != nil {
		t.Error(err)
	}
	_, err := db.Recording(t.Context(), a.ID, store.SpeakerPatient)
	expect(t, err, store.ErrNotFound)
	for s, want := range map[store.Speaker]int{
		store.SpeakerCandidate: 0,
		// At the deletion, for what a crashed try may have stored, and with the report.
		store.SpeakerPatient: 2,
	} {
		if n := removalJobs(t, key(s)); n != want {
			t.Errorf("%d jobs remove the %s's recording, want %d", n, s, want)
		}
	}
}

// TestNewPartnerIsRecorded deletes the partner's account before the play, and gives the seat to
// another partner, whose recording must be kept.
func TestNewPartnerIsRecorded(t *testing.T) {
	candidate := newUser(t, store.RoleCandidate)
	first, second := newUser(t, store.RoleTutor), newUser(t, store.RoleTutor)
	a, now := newAttempt(t, candidate), time.Now()
	if _, err := db.SeatPartner(t.Context(), a.ID, first.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteUser(t.Context(), first.ID, func(store.User) (store.Effects, error) {
		return store.Effects{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SeatPartner(t.Context(), a.ID, second.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, now); err != nil {
		t.Fatal(err)
	}
	r := store.Report{AttemptID: a.ID, CreatedAt: now, StartedAt: now}
	r.Speakers = []store.SpeakerReport{{
		Speaker:   store.SpeakerPatient,
		Recording: &store.Recording{Key: "attempts/" + a.ID + "/patient.ogg", Bytes: 1},
	}}
	if err := db.SaveReport(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Recording(t.Context(), a.ID, store.SpeakerPatient); err != nil {
		t.Error(err)
	}
	if n := removalJobs(t, store.RecordingKey(a.ID, store.SpeakerPatient)); n != 0 {
		t.Errorf("%d jobs would remove the new partner's recording", n)
	}
}
