package postgres_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// examProfession is a profession with two scenarios.
const examProfession = "dentistry"

func newExam(t *testing.T, candidate store.User) store.Exam {
	t.Helper()
	e, err := db.CreateExam(t.Context(), candidate.ID, examProfession)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func beginSlot(t *testing.T, e store.Exam) store.Attempt {
	t.Helper()
	a, err := db.BeginSlot(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// playSlot begins the next slot and plays it to its end.
func playSlot(t *testing.T, e store.Exam) store.Attempt {
	t.Helper()
	a := beginSlot(t, e)
	now := time.Now()
	for _, step := range []func() error{
		func() error { _, err := db.PrepareAttempt(t.Context(), a.ID, 0, now); return err },
		func() error { _, err := db.StartAttempt(t.Context(), a.ID, 0, now); return err },
		func() error { _, err := db.FinishAttempt(t.Context(), a.ID, 0, now); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func saveReport(t *testing.T, a store.Attempt, playS float64) {
	t.Helper()
	if err := db.SaveReport(t.Context(), store.Report{
		AttemptID: a.ID, CreatedAt: time.Now(), StartedAt: time.Now(), PlayS: playS,
		Speakers: []store.SpeakerReport{{Speaker: store.SpeakerCandidate}},
	}); err != nil {
		t.Fatal(err)
	}
}

// reportExam plays both slots of an exam and saves their reports.
func reportExam(t *testing.T, e store.Exam) (first, second store.Attempt) {
	t.Helper()
	first, second = playSlot(t, e), playSlot(t, e)
	saveReport(t, first, 290)
	saveReport(t, second, 300)
	return first, second
}

func expectExam(t *testing.T, e store.Exam, want store.ExamState) store.ExamView {
	t.Helper()
	v, err := db.Exam(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if v.State != want {
		t.Errorf("the exam is %s; want %s", v.State, want)
	}
	return v
}

// TestExamFollowsItsAttempts plays a whole exam: each change of an attempt changes the exam in the
// same transaction.
func TestExamFollowsItsAttempts(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	e := newExam(t, u)
	if e.Slots[0].ScenarioID == e.Slots[1].ScenarioID {
		t.Error("the exam has one scenario twice")
	}
	expectExam(t, e, store.ExamWarmUp)
	first := beginSlot(t, e)
	expectExam(t, e, store.ExamFirst)
	_, err := db.BeginSlot(t.Context(), e.ID)
	expect(t, err, store.ErrState)
	_, err = db.CreateExam(t.Context(), u.ID, examProfession)
	expect(t, err, store.ErrConflict)
	expect(t, db.GiveUpExam(t.Context(), e.ID), nil) // nobody has joined: nothing was played
	expectExam(t, e, store.ExamAbandoned)
	_, err = db.FindAttempt(t.Context(), first.ID)
	expect(t, err, store.ErrNotFound)

	e = newExam(t, u)
	first = playSlot(t, e)
	expectExam(t, e, store.ExamBetween)
	second := beginSlot(t, e)
	if second.Exam.Position != 2 || second.ScenarioID != e.Slots[1].ScenarioID {
		t.Errorf("the second role play: %+v", second)
	}
	saveReport(t, first, 290)
	expectExam(t, e, store.ExamSecond)
	_, err = db.PrepareAttempt(t.Context(), second.ID, 0, time.Now())
	expect(t, err, nil)
	expect(t, db.GiveUpExam(t.Context(), e.ID), store.ErrState)
	_, err = db.StartAttempt(t.Context(), second.ID, 0, time.Now())
	expect(t, err, nil)
	_, err = db.FinishAttempt(t.Context(), second.ID, 0, time.Now())
	expect(t, err, nil)
	expectExam(t, e, store.ExamAnalysing)
	saveReport(t, second, 300)
	v := expectExam(t, e, store.ExamReported)
	if v.Parts[0] == nil || v.Parts[1] == nil || v.Parts[0].PlayS != 290 ||
		v.Parts[1].PlayS != 300 || v.Attempts[1].ScenarioTitle == "" || v.PlaySeconds[0] == 0 {
		t.Errorf("the exam: %+v", v)
	}
	list, err := db.ExamsOf(t.Context(), u.ID, "", 10)
	if err != nil || len(list) != 2 || list[0].ID != e.ID || list[0].Attempts[0] == nil {
		t.Errorf("the candidate's exams: %+v, %v", list, err)
	}
	older, err := db.ExamsOf(t.Context(), u.ID, e.ID, 10)
	if err != nil || len(older) != 1 || older[0].State != store.ExamAbandoned {
		t.Errorf("the page after the first: %+v, %v", older, err)
	}
}

func TestFailedRolePlayOfAnExamIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	e := newExam(t, u)
	first, second := playSlot(t, e), playSlot(t, e)
	expect(t, db.FailAttempt(t.Context(), first.ID, "the worker crashed"), nil)
	saveReport(t, second, 300)
	expectExam(t, e, store.ExamReported)

	other := newExam(t, u)
	_, err := db.BeginSlot(t.Context(), e.ID)
	expect(t, err, store.ErrConflict)
	expect(t, db.GiveUpExam(t.Context(), other.ID), nil)

	again := playSlot(t, e)
	if again.Exam.Position != 1 || !again.Exam.Replaces {
		t.Errorf("the repetition: %+v", again.Exam)
	}
	expectExam(t, e, store.ExamAnalysing)
	saveReport(t, again, 280)
	v := expectExam(t, e, store.ExamReported)
	if !v.Slots[0].Replaced || v.Parts[0] == nil || v.Parts[0].PlayS != 280 {
		t.Errorf("the first slot: %+v, %+v", v.Slots[0], v.Parts[0])
	}
	_, err = db.BeginSlot(t.Context(), e.ID)
	expect(t, err, store.ErrState)

	deleteAttempt(t, again)
	v = expectExam(t, e, store.ExamReported)
	if !v.Slots[0].Replaced {
		t.Error("the exam does not say that the first slot was repeated, which was deleted")
	}
	_, err = db.BeginSlot(t.Context(), e.ID)
	expect(t, err, store.ErrState)
}

// TestRepetitionThatNobodyJoined is forgotten, and can be begun again.
func TestRepetitionThatNobodyJoined(t *testing.T) {
	t.Parallel()
	e := newExam(t, newUser(t, store.RoleCandidate))
	first, second := playSlot(t, e), playSlot(t, e)
	expect(t, db.FailAttempt(t.Context(), first.ID, "the worker crashed"), nil)
	saveReport(t, second, 300)
	unjoined := beginSlot(t, e)
	age(t, e, store.ExamPause)
	if _, err := db.SweepExams(t.Context(), time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := db.FindAttempt(t.Context(), unjoined.ID)
	expect(t, err, store.ErrNotFound)
	if v := expectExam(t, e, store.ExamReported); v.Slots[0].Replaced {
		t.Error("the exam says that the first slot was repeated")
	}
	if again := beginSlot(t, e); !again.Exam.Replaces {
		t.Errorf("the repetition: %+v", again.Exam)
	}
}

func deleteAttempt(t *testing.T, a store.Attempt) {
	t.Helper()
	expect(t, db.DeleteAttempt(t.Context(), a.ID, func(store.Attempt) (store.Act, error) {
		return store.Act{Action: store.ActDeleteAttempt}, nil
	}), nil)
}

// TestOneExamAtATime creates exams, and begins slots, at the same time.
func TestOneExamAtATime(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	atOnce := func(do func() error) (done int64) {
		var all sync.WaitGroup
		var n atomic.Int64
		for range 8 {
			all.Go(func() {
				err := do()
				switch {
				case err == nil:
					n.Add(1)
				case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrState):
					t.Error(err)
				}
			})
		}
		all.Wait()
		return n.Load()
	}
	if n := atOnce(func() error {
		_, err := db.CreateExam(t.Context(), u.ID, examProfession)
		return err
	}); n != 1 {
		t.Errorf("%d exams were created", n)
	}
	list, err := db.ExamsOf(t.Context(), u.ID, "", 10)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if n := atOnce(func() error {
		_, err := db.BeginSlot(t.Context(), list[0].ID)
		return err
	}); n != 1 {
		t.Errorf("the first slot was begun %d times", n)
	}
}

// TestRepetitionBeginsInNoOtherExam begins a repetition while another request ends the exam and
// creates the next one.
func TestRepetitionBeginsInNoOtherExam(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	e := newExam(t, u)
	expect(t, db.FailAttempt(t.Context(), playSlot(t, e).ID, "the worker crashed"), nil)
	next := newExam(t, newUser(t, store.RoleCandidate)) // becomes the candidate's
	conn, err := pgx.Connect(t.Context(), db.Cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{
		"BEGIN",
		"SELECT 1 FROM users WHERE id = '" + u.ID + "' FOR NO KEY UPDATE",
		"UPDATE exams SET state = 'failed', ended_at = now() WHERE id = '" + e.ID + "'",
		"UPDATE exams SET candidate_id = '" + u.ID + "' WHERE id = '" + next.ID + "'",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	begun := make(chan error)
	go func() {
		_, err := db.BeginSlot(t.Context(), e.ID)
		begun <- err
	}()
	for waits := false; !waits; {
		if err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
			AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	expect(t, <-begun, store.ErrConflict)
	expectExam(t, e, store.ExamFailed)
}

// TestUnjoinedRolePlaysDoNotBlock needs no job in between: what nobody joined for half an hour can
// be begun again, and an exam that nobody came back to for half an hour after that has ended.
func TestUnjoinedRolePlaysDoNotBlock(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	e := newExam(t, u)
	unjoined := beginSlot(t, e)
	age(t, e, store.ExamPause)
	if again := beginSlot(t, e); again.ID == unjoined.ID || again.Exam.Position != 1 {
		t.Errorf("begun again: %+v", again)
	}
	age(t, e, 2*store.ExamPause)
	newExam(t, u)
	expectExam(t, e, store.ExamAbandoned)
}

func TestExamNeedsTwoScenarios(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	_, err := db.CreateExam(t.Context(), u.ID, "no such profession")
	expect(t, err, store.ErrState)
}

func mustExec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if err := execSQL(t, db.Cluster.URL(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// age makes an exam and its attempts older.
func age(t *testing.T, e store.Exam, by time.Duration) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE exams SET changed_at = changed_at - $2::interval,
			ended_at = ended_at - $2::interval WHERE id = $1`,
		`UPDATE attempts SET created_at = created_at - $2::interval,
			prepared_at = prepared_at - $2::interval WHERE exam_id = $1`,
	} {
		mustExec(t, sql, e.ID, by)
	}
}

func TestAbandonedExamsAreSwept(t *testing.T) {
	t.Parallel()
	sweep := func() {
		t.Helper()
		if _, err := db.SweepExams(t.Context(), time.Now().Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	user := func() store.User { return newUser(t, store.RoleCandidate) }
	warm, joined, left, lost := newExam(t, user()), newExam(t, user()), newExam(t, user()),
		newExam(t, user())
	unjoined := beginSlot(t, joined)
	first := playSlot(t, left)
	saveReport(t, first, 300)
	preparing := beginSlot(t, lost)
	if _, err := db.PrepareAttempt(t.Context(), preparing.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	all := []store.Exam{warm, joined, left, lost}
	states := func(want ...store.ExamState) {
		t.Helper()
		for i, e := range all {
			expectExam(t, e, want[i])
		}
	}
	for _, e := range all {
		age(t, e, 29*time.Minute)
	}
	sweep()
	states(store.ExamWarmUp, store.ExamFirst, store.ExamBetween, store.ExamFirst)
	for _, e := range all {
		age(t, e, time.Minute)
	}
	sweep() // the room that nobody joined is gone; the exam waits again
	states(store.ExamAbandoned, store.ExamWarmUp, store.ExamReported, store.ExamFirst)
	_, err := db.FindAttempt(t.Context(), unjoined.ID)
	expect(t, err, store.ErrNotFound)
	for _, e := range all {
		age(t, e, 30*time.Minute)
	}
	sweep() // no media server has said what became of the preparation
	states(store.ExamAbandoned, store.ExamAbandoned, store.ExamReported, store.ExamBetween)
	a, err := db.FindAttempt(t.Context(), preparing.ID)
	if err != nil || a.State != store.AttemptFailed || a.Problem == "" {
		t.Errorf("the lost preparation: %+v, %v", a, err)
	}
	for _, e := range all {
		age(t, e, 24*time.Hour)
	}
	sweep()
	for _, e := range []store.Exam{warm, joined} {
		_, err := db.Exam(t.Context(), e.ID)
		expect(t, err, store.ErrNotFound)
	}
	expectExam(t, left, store.ExamReported)
	expectExam(t, lost, store.ExamFailed)
}

// TestOldExamsDoNotBlockNewOnes needs no job in between.
func TestOldExamsDoNotBlockNewOnes(t *testing.T) {
	t.Parallel()
	u := newUser(t, store.RoleCandidate)
	e := newExam(t, u)
	age(t, e, time.Hour)
	_, err := db.BeginSlot(t.Context(), e.ID)
	expect(t, err, store.ErrState)
	expectExam(t, e, store.ExamAbandoned)
	e = newExam(t, u)
	age(t, e, time.Hour)
	newExam(t, u)
	expectExam(t, e, store.ExamAbandoned)
}

// TestDeletedRolePlayEndsItsExam deletes the first role play in the break: its slot must not be
// begun again.
func TestDeletedRolePlayEndsItsExam(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		e := newExam(t, newUser(t, store.RoleCandidate))
		first := playSlot(t, e)
		saveReport(t, first, 300)
		if both {
			saveReport(t, playSlot(t, e), 300)
		}
		deleteAttempt(t, first)
		_, err := db.BeginSlot(t.Context(), e.ID)
		if both {
			expect(t, err, store.ErrState)
			expectExam(t, e, store.ExamReported)
		} else {
			expect(t, err, store.ErrNotFound) // nothing was left of the exam
		}
	}
}

func TestRetentionDeletesExams(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	e := newExam(t, u)
	at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 2 {
		mustExec(t, `UPDATE attempts SET exam_id = $2, exam_position = $3, exam_replaces = false
			WHERE id = $1`, oldReport(t, u, at, at.Add(time.Hour)), e.ID, i+1)
	}
	mustExec(t, `UPDATE exams SET state = 'reported', ended_at = $2 WHERE id = $1`, e.ID, at)
	if _, err := db.ExpireReports(t.Context(), at.AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	_, err := db.Exam(t.Context(), e.ID)
	expect(t, err, store.ErrNotFound)
}
