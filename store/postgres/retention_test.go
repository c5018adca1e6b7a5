package postgres_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// oldAttempt makes an attempt that was created at a time, and returns its id, which says so as
// those of all attempts do.
func oldAttempt(t *testing.T, u store.User, at time.Time) string {
	t.Helper()
	id := uuid.New()
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|0x7000)
	if err := execSQL(t, db.Cluster.URL(),
		`UPDATE attempts SET id = $2, created_at = $3 WHERE id = $1`, newAttempt(t, u).ID,
		id.String(), at); err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// oldReport makes a reported attempt with a recording that ended at a time, and returns its id.
func oldReport(t *testing.T, u store.User, created, ended time.Time) string {
	t.Helper()
	id := oldAttempt(t, u, created)
	if _, err := db.StartAttempt(t.Context(), id, 0, created); err != nil {
		t.Fatal(err)
	}
	if _, err := db.FinishAttempt(t.Context(), id, 0, ended); err != nil {
		t.Fatal(err)
	}
	expect(t, db.SaveReport(t.Context(), store.Report{
		AttemptID: id, CreatedAt: ended, Speakers: []store.SpeakerReport{{
			Speaker: store.SpeakerCandidate,
			Recording: &store.Recording{
				Key: "attempts/" + id + "/candidate.ogg", Bytes: 100, DurationS: 5,
			},
		}},
	}), nil)
	return id
}

// afterQuery is a pgx.QueryTracer that calls a function once, after the next statement that
// contains a text.
type afterQuery struct {
	text string
	do   atomic.Pointer[func()]
}

func (a *afterQuery) TraceQueryStart(ctx context.Context, _ *pgx.Conn,
	data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, a, data.SQL)
}

func (a *afterQuery) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	sql, _ := ctx.Value(a).(string)
	if strings.Contains(sql, a.text) {
		if do := a.do.Swap(nil); do != nil {
			(*do)()
		}
	}
}

// An operator makes a failed attempt wait for its analysis after the query has found it.
func TestRetentionSparesWhatIsRetriedMeanwhile(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	day := time.Date(2000, 2, 3, 12, 0, 0, 0, time.UTC) // before all other tests' attempts
	var failed []string
	for range 2 {
		id := oldAttempt(t, u, day.Add(-time.Hour))
		if _, err := db.StartAttempt(t.Context(), id, 0, day.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.FinishAttempt(t.Context(), id, 0, day.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		expect(t, db.FailAttempt(t.Context(), id, "the worker crashed"), nil)
		failed = append(failed, id)
	}
	retry := &afterQuery{text: "'abandoned') AND a.id <"}
	again := func() {
		_, err := db.RetryAnalysis(t.Context(), failed[0], func(store.Attempt) store.Act {
			return store.Act{Action: store.ActRetry, Object: failed[0]}
		})
		if err != nil {
			t.Error(err)
		}
	}
	retry.do.Store(&again)
	other, err := postgres.Open(t.Context(), postgres.Config{
		URL: db.Cluster.URL(), Tracer: retry,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if n, err := other.ExpireReports(t.Context(), day); err != nil || n != 1 ||
		retry.do.Load() != nil {
		t.Errorf("%d attempts, %v; want one", n, err)
	}
	a, err := db.FindAttempt(t.Context(), failed[0])
	if err != nil || a.State != store.AttemptAnalysing {
		t.Errorf("the attempt that is analysed again: %+v, %v", a, err)
	}
	_, err = db.FindAttempt(t.Context(), failed[1])
	expect(t, err, store.ErrNotFound)
	for _, key := range store.RecordingKeys(failed[1]) {
		if n := removalJobs(t, key); n != 1 {
			t.Errorf("%d jobs remove %s", n, key)
		}
	}
}

func TestRetention(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	day := time.Date(2001, 2, 3, 12, 0, 0, 0, time.UTC) // before all other tests' attempts
	old := oldReport(t, u, day.Add(-time.Hour), day.Add(-time.Minute))
	lasting := oldReport(t, u, day.Add(-time.Hour), day.Add(time.Minute))
	recent := oldReport(t, u, day.Add(time.Second), day.Add(time.Hour))
	playing := oldAttempt(t, u, day.Add(-time.Hour))
	if _, err := db.StartAttempt(t.Context(), playing, 0, day.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	files := func(id string) int {
		t.Helper()
		return len(query(t, `SELECT id::text FROM river_job WHERE kind = 'remove-files'
			AND args->'keys' ? $1`, "attempts/"+id+"/candidate.ogg"))
	}
	for _, want := range []int64{1, 0} { // the second time it finds nothing
		if n, err := db.ExpireRecordings(t.Context(), day); err != nil || n != want {
			t.Fatalf("%d attempts, %v; want %d", n, err, want)
		}
	}
	for id, want := range map[string]store.RecordingState{
		old: store.RecordingDeleted, lasting: store.RecordingKept, recent: store.RecordingKept,
	} {
		r, err := db.Report(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		jobs := map[store.RecordingState]int{store.RecordingDeleted: 1}[want]
		if got := r.Speakers[0].Recording; got == nil || got.State != want || files(id) != jobs {
			t.Errorf("recording %+v, want it %s; %d jobs to remove its file", got, want,
				files(id))
		}
	}
	if n, err := db.ExpireReports(t.Context(), day); err != nil || n != 1 {
		t.Errorf("%d attempts, %v; want one", n, err)
	}
	for id, want := range map[string]error{
		old: store.ErrNotFound, lasting: nil, recent: nil, playing: nil,
	} {
		_, _, err := db.Attempt(t.Context(), id)
		expect(t, err, want)
	}
	if n, err := db.ExpireReports(t.Context(), day.Add(2*time.Minute)); err != nil || n != 1 ||
		files(lasting) != 1 {
		t.Errorf("%d attempts, %v, %d jobs to remove files; want one each", n, err,
			files(lasting))
	}
}

// The run that deleted something may be cut off before it enters that in the audit trail.
func TestRecordAfterTheEndOfItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	detail := "ended " + newUser(t, store.RoleCandidate).ID
	expect(t, db.Record(ctx, store.Act{Action: store.ActExpireReports, Detail: detail}), nil)
	if n := len(query(t, `SELECT id::text FROM acts WHERE detail = $1`, detail)); n != 1 {
		t.Errorf("%d acts, want one", n)
	}
}

func TestDeleteAttempt(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	at := time.Date(2002, 2, 3, 12, 0, 0, 0, time.UTC)
	id := oldReport(t, u, at, at.Add(time.Minute))
	refused := errors.New("refused")
	expect(t, db.DeleteAttempt(t.Context(), id, func(store.Attempt) (store.Act, error) {
		return store.Act{}, refused
	}), refused)
	if _, err := db.FindAttempt(t.Context(), id); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	allow := func(store.Attempt) (store.Act, error) {
		return store.Act{Action: store.ActDeleteAttempt, Object: id}, nil
	}
	expect(t, db.DeleteAttempt(t.Context(), id, allow), nil)
	_, err := db.FindAttempt(t.Context(), id)
	expect(t, err, store.ErrNotFound)
	if n := removalJobs(t, store.RecordingKeys(id)[0]); n != 1 {
		t.Errorf("%d jobs remove the recording", n)
	}
	expect(t, db.DeleteAttempt(t.Context(), id, allow), store.ErrNotFound)
	expect(t, db.DeleteAttempt(t.Context(), "x", allow), store.ErrNotFound)
}
