package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/api/auth"
	"bedside/api/signin"
	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// benchFixture is a server on a filled database, and bare handlers on the same.
type benchFixture struct {
	db     *pgtest.Database
	server *apitest.Server
	bare   *bare
	people pgtest.People
	began  time.Time
}

func newBenchFixture(b *testing.B) *benchFixture {
	b.Helper()
	size, dir := pgtest.Size{Users: 2_000, Attempts: 20_000}, b.TempDir()
	if kept := os.Getenv("BEDSIDE_BENCH_DATA"); kept != "" {
		size, dir = pgtest.Size{Users: 100_000, Attempts: 1_000_000}, kept
	}
	db, err := pgtest.OpenFilled(dir, size, postgres.Config{})
	if err != nil {
		b.Fatal(err)
	}
	f := &benchFixture{db: db, began: time.Now()}
	b.Cleanup(func() {
		f.cleanUp(b)
		if err := db.Stop(); err != nil {
			b.Error(err)
		}
	})
	rate := api.Rate{PerIP: 10_000_000, PerAccount: 10_000_000} // counted, but never used up
	f.server = apitest.NewServerOn(b, db.DB, db.Cluster.URL(),
		func(c *api.Config, d *api.Deps) {
			c.Rates = api.Rates{Auth: rate, Read: rate, Write: rate, Expensive: rate,
				Attempts: rate, Joins: rate}
			c.Limits.RefreshPerIP = 10_000_000
			d.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		})
	f.server.Sessions.SetEventsLive(true) // as in a running server
	if f.people, err = db.People(b.Context(), size); err != nil {
		b.Fatal(err)
	}
	f.bare = newBare(b, db.Cluster.URL(), f.server.Presence)
	return f
}

// cleanUp removes what the benchmark has added, so that the next one finds the same.
func (f *benchFixture) cleanUp(b *testing.B) {
	if f.server == nil {
		return
	}
	for _, table := range []string{"attempts", "sessions"} {
		f.exec(b, "DELETE FROM "+table+" WHERE created_at >= $1", f.began)
	}
}

func (f *benchFixture) exec(b *testing.B, sql string, args ...any) {
	b.Helper()
	ctx := context.WithoutCancel(b.Context()) // which has ended at clean-up
	conn, err := pgx.Connect(ctx, f.db.Cluster.URL())
	if err != nil {
		b.Fatal(err)
	}
	_, err = conn.Exec(ctx, sql, args...)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		b.Fatal(err)
	}
}

// signIn returns tokens of a new session.
func (f *benchFixture) signIn(b *testing.B, user string) auth.Grant {
	b.Helper()
	u, err := f.db.User(b.Context(), user)
	if err != nil {
		b.Fatal(err)
	}
	g, err := f.server.Sessions.Start(b.Context(), u, auth.Device{
		UserAgent: apitest.Firefox, IP: "192.0.2.1",
	})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// reportSize is the number of bytes of the report that is read, as of a play of five minutes.
const reportSize = 100_000

// operation is one that both can do.
type operation struct {
	name       string
	ours, bare client
}

func (f *benchFixture) operations(b *testing.B) []operation {
	b.Helper()
	h := f.server.Config.Handler
	signedIn := map[string]auth.Grant{}
	read := func(name, user, path, barePath string) operation {
		g, ok := signedIn[user]
		if !ok {
			g = f.signIn(b, user)
			signedIn[user] = g
		}
		op := operation{
			name: name, ours: get(h, path, "Bearer "+g.Access),
			bare: get(f.bare, strings.Replace(barePath, "{session}", g.SessionID, 1),
				bareToken(user)),
		}
		sameJSON(b, name, op.ours, op.bare)
		return op
	}
	p := f.people
	deep, reported := f.attemptsOf(b, p.BusyCandidate)
	tutorsDeep, _ := f.attemptsOf(b, p.BusyTutor)
	f.exec(b, `UPDATE reports SET body = decode(repeat(md5('x'), $2), 'hex')
		WHERE attempt_id = $1`, reported, reportSize/16)
	f.openRooms(b)
	email := f.emailOf(b, p.Candidate)
	list := []operation{
		read("attempts", p.Candidate, "/api/attempts", "/attempts"),
		read("attempts-busy", p.BusyCandidate, "/api/attempts", "/attempts"),
		read("attempts-deep", p.BusyCandidate, "/api/attempts?before="+deep,
			"/attempts?before="+deep),
		read("attempts-tutor", p.BusyTutor, "/api/attempts", "/attempts"),
		read("attempts-tutor-deep", p.BusyTutor, "/api/attempts?before="+tutorsDeep,
			"/attempts?before="+tutorsDeep),
		read("attempt", p.BusyCandidate, "/api/attempts/"+reported, "/attempts/"+reported),
		read("report", p.BusyCandidate, "/api/attempts/"+reported+"/report",
			"/attempts/"+reported+"/report"),
		read("scenarios", p.Candidate, "/api/scenarios?limit=100", "/scenarios"),
		read("profile", p.Candidate, "/api/users/profile", "/profile"),
		read("sessions", p.Candidate, "/api/sessions", "/sessions?current={session}"),
		read("users-by-address", p.Admin, "/api/users?text="+email, "/users?text="+email),
		read("users-by-name", p.Admin, "/api/users?text=theo+marsh", "/users?text=theo+marsh"),
		read("users-beginning", p.Admin, "/api/users?text=fatima", "/users?text=fatima"),
		read("users-part", p.Admin, "/api/users?text=opesc", "/users?text=opesc"),
		read("users-nobody", p.Admin, "/api/users?text=zzqq", "/users?text=zzqq"),
		read("audit-own", p.BusyCandidate, "/api/audit", "/audit"),
		read("audit-all", p.Admin, "/api/audit?user=all", "/audit?user=all"),
		read("rooms", p.Tutor, "/api/rooms", "/rooms"),
	}
	return append(list, f.create(b), f.ticket(b), f.refresh(b))
}

// attemptsOf returns the cursor of a page deep in a user's list, and an attempt with a report.
func (f *benchFixture) attemptsOf(b *testing.B, user string) (cursor, reported string) {
	b.Helper()
	list, err := f.db.AttemptsOf(b.Context(), user, "", 1500)
	if err != nil || len(list) < 100 {
		b.Fatal(len(list), err)
	}
	for _, v := range list {
		if v.Attempt.State == store.AttemptReported {
			reported = v.Attempt.ID
		}
	}
	return list[len(list)*9/10].Attempt.ID, reported
}

func (f *benchFixture) emailOf(b *testing.B, user string) string {
	b.Helper()
	u, err := f.db.User(b.Context(), user)
	if err != nil {
		b.Fatal(err)
	}
	return u.Email
}

// openRooms opens some rooms in which candidates wait.
func (f *benchFixture) openRooms(b *testing.B) {
	b.Helper()
	for range 20 {
		s, err := f.db.PublishedScenario(b.Context(), apitest.ScenarioSlug)
		if err != nil {
			b.Fatal(err)
		}
		a, err := f.db.CreateAttempt(b.Context(), store.NewAttempt{
			CandidateID: f.people.Candidate, ScenarioID: s.ID, Consent: true,
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := f.server.Presence.RoomOpened(b.Context(), store.RoomInfo{
			ID: a.ID, Phase: "preparing", Remaining: 100, OpenedAt: time.Now(),
			People: []store.RoomPerson{{
				UserID: f.people.Candidate, Name: "Somebody", Role: store.ParticipantCandidate,
				Connected: true,
			}},
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// post returns clients that send the same body.
func (f *benchFixture) post(user, access, path, barePath, body string) (ours, bare client) {
	return client{handler: f.server.Config.Handler, request: func() *http.Request {
			return newRequest("POST", path, "Bearer "+access, strings.NewReader(body))
		}}, client{handler: f.bare, request: func() *http.Request {
			return newRequest("POST", barePath, bareToken(user), strings.NewReader(body))
		}}
}

func (f *benchFixture) create(b *testing.B) operation {
	b.Helper()
	user := f.people.Candidate
	ours, bare := f.post(user, f.signIn(b, user).Access, "/api/attempts", "/attempts",
		`{"scenario": "`+apitest.ScenarioSlug+`", "consent": true}`)
	return operation{"create-attempt", ours, bare}
}

func (f *benchFixture) ticket(b *testing.B) operation {
	b.Helper()
	user := f.people.Candidate
	g := f.signIn(b, user)
	create, _ := f.post(user, g.Access, "/api/attempts", "/attempts",
		`{"scenario": "`+apitest.ScenarioSlug+`", "consent": true}`)
	w := httptest.NewRecorder()
	create.handler.ServeHTTP(w, create.request())
	var a attempts.AttemptDetail
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		b.Fatal(err, w.Body)
	}
	if _, err := f.server.Media.Acquire(b.Context(), a.ID, store.Opener{}, func() {}); err != nil {
		b.Fatal(err)
	}
	ours, bare := f.post(user, g.Access, "/api/attempts/"+a.ID+"/ticket",
		"/attempts/"+a.ID+"/ticket", `{"role": "candidate"}`)
	return operation{"create-ticket", ours, bare}
}

func (f *benchFixture) refresh(b *testing.B) operation {
	b.Helper()
	user := f.people.Candidate
	g, other := f.signIn(b, user), f.signIn(b, user)
	ours, _ := f.post(user, "", "/auth/refresh", "", "")
	next := g.Refresh
	ours.request = func() *http.Request {
		return newRequest("POST", "/auth/refresh", "",
			strings.NewReader(`{"refresh_token": "`+next+`"}`))
	}
	ours.handle = func(w *httptest.ResponseRecorder) {
		var g signin.Grant
		if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil {
			b.Fatal(err, w.Body)
		}
		next = g.RefreshToken
	}
	_, bare := f.post(user, "", "", "/refresh", `{"refresh_token": "`+other.SessionID+`"}`)
	return operation{"refresh", ours, bare}
}
