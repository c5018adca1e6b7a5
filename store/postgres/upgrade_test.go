package postgres_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bedside/store/postgres"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // for goose
	"github.com/pressly/goose/v3"
)

// TestRowsOfEarlierVersionsSurvive migrates a database from before scenarios had versions.
func TestRowsOfEarlierVersionsSurvive(t *testing.T) {
	url := olderDatabase(t)
	all := `SELECT concat_ws(' ', a.id, a.state, a.started_at, a.ended_at, c.id, c.slug, c.title,
			u.id, u.name, u.email, p.name, length(r.body)) AS row
		FROM attempts a JOIN scenarios c ON c.id = a.scenario_id
		JOIN users u ON u.id = a.candidate_id LEFT JOIN users p ON p.id = a.partner_id
		LEFT JOIN reports r ON r.attempt_id = a.id ORDER BY a.id`
	before := queryOf(t, url, all)
	newer, err := postgres.Open(t.Context(), postgres.Config{URL: url},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(newer.Close)
	if _, err := newer.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, queryOf(t, url, all)); diff != "" || len(before) != 5 {
		t.Errorf("%d attempts: %s", len(before), diff)
	}
	// A server of the earlier version may still create attempts.
	if err := execSQL(t, url, `INSERT INTO attempts
		(id, scenario_id, candidate_id, state, consent, created_at)
		SELECT replace(id::text, 'a1', 'a6')::uuid, scenario_id, candidate_id, 'created', true,
			created_at FROM attempts WHERE id::text LIKE '%a1'`); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for _, c := range []struct {
			name, sql string
			want      []string
		}{
			{"version 1", `SELECT concat_ws(' ', slug, title, document->>'schema',
					document#>>'{candidate_card,role}') AS row FROM scenario_versions
				WHERE version = 1 AND slug IN ('nursing-insulin-at-home', 'own-ward-round')
				ORDER BY slug`, []string{
				"nursing-insulin-at-home Insulin, the old text scenario/1 You are the nurse.",
				"own-ward-round A ward round scenario/1 You are the nurse.",
			}},
			{"versions of attempts", `SELECT scenario_version || ' ' || count(*) AS row
				FROM attempts GROUP BY scenario_version`, []string{"1 6"}},
			{"progress", `SELECT concat_ws(' ', u.name, c.slug, p.attempts, p.reported,
					p.practice_seconds, to_char(p.last_at, 'MM-DD HH24:MI')) AS row
				FROM progress p JOIN users u ON u.id = user_id
				JOIN scenarios c ON c.id = scenario_id ORDER BY 1`, []string{
				"Dana Kovač nursing-insulin-at-home 2 2 540 01-05 12:00",
				"Omar Farouk own-ward-round 1 0 1800 01-06 09:00", // its server was lost
			}},
			{"daily counts", `SELECT concat_ws(' ', to_char(day, 'MM-DD'),
					coalesce(u.name, 'all'), c.slug, sum(s.created), sum(started), sum(ended),
					sum(reported), sum(waiting), sum(seconds)) AS row
				FROM practice_sum s LEFT JOIN users u ON u.id = tutor_id
				JOIN (SELECT id, slug FROM scenarios) c ON c.id = scenario_id
				GROUP BY day, u.name, c.slug ORDER BY 1`, []string{
				"01-05 all nursing-insulin-at-home 4 2 2 2 2 540",
				"01-05 all own-ward-round 1 0 0 0 0 0",
				"01-05 Theo Marsh nursing-insulin-at-home 1 1 1 1 0 240",
				"01-06 all own-ward-round 1 1 1 0 0 1800",
			}},
			{"drift", driftSQL, nil},
		} {
			got := queryOf(t, url, c.sql)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" && len(c.want)+len(got) > 0 {
				t.Errorf("%s, %s: %s", when, c.name, diff)
			}
		}
	}
	check("after the migrations")

	// The program's newer text becomes version 2. What was played stays.
	if err := newer.Seed(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	check("after the seeds")
	for ref, version := range map[string]int{"nursing-insulin-at-home": 2, "own-ward-round": 1} {
		s, err := newer.PublishedScenario(t.Context(), ref)
		if err != nil || s.Version != version || s.Title == "Insulin, the old text" {
			t.Errorf("%s: version %d, %q, %v", ref, s.Version, s.Title, err)
		}
	}
	const reported = "01930000-0000-7000-8000-0000000000a1"
	v, s, err := newer.AttemptView(t.Context(), reported)
	if err != nil || v.ScenarioTitle != "Insulin, the old text" ||
		s.Title != v.ScenarioTitle || s.Patient.Name != "Dennis Hale, 63" ||
		!slices.Equal(s.Candidate.TaskTexts(), []string{"Listen.", "Explain.", "Agree."}) {
		t.Errorf("the scenario of an old attempt: %+v, %+v, %v", v, s, err)
	}
	if r, err := newer.Report(t.Context(), reported); err != nil || len(r.Speakers) != 2 {
		t.Errorf("an old report: %d speakers, %v", len(r.Speakers), err)
	}
}

// olderDatabase returns the URL of a database with rows and the tables of migration 54.
func olderDatabase(t *testing.T) string {
	t.Helper()
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS older WITH (FORCE)", "CREATE DATABASE older",
	} {
		if err := execSQL(t, db.Cluster.URL(), statement); err != nil {
			t.Fatal(err)
		}
	}
	url := strings.Replace(db.Cluster.URL(), "dbname=bedside", "dbname=older", 1)
	conns, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer conns.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, conns, migrationsBefore(t, "0055"),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile("../testdata/report-without-version.json")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(report); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, rows := range []string{olderUsers, olderScenarios, olderAttempts} {
		if err := execSQL(t, url, rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := execSQL(t, url, `INSERT INTO reports (attempt_id, created_at, body)
		SELECT id, ended_at, $1 FROM attempts WHERE state = 'reported'`,
		packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	return url
}

// migrationsBefore returns the SQL migrations whose names come before one.
func migrationsBefore(t *testing.T, name string) fs.FS {
	t.Helper()
	paths, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, path := range paths {
		if filepath.Base(path) >= name {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = &fstest.MapFile{Data: data}
	}
	return files
}

const (
	olderUsers = `INSERT INTO users
		(id, email, name, role, password_hash, created_at, updated_at)
	SELECT ('01930000-0000-7000-8000-00000000000' || n)::uuid, email, name, role, 'x',
		'2026-01-01', '2026-01-01'
	FROM (VALUES (1, 'dana@example.org', 'Dana Kovač', 'candidate'),
		(2, 'theo@example.org', 'Theo Marsh', 'tutor'),
		(3, 'omar@example.org', 'Omar Farouk', 'candidate')) x(n, email, name, role)`

	olderScenarios = `INSERT INTO scenarios (id, slug, title, profession, summary, difficulty,
		prepare_seconds, play_seconds, candidate_card, interlocutor_card)
	SELECT ('01930000-0000-7000-8000-0000000000c' || n)::uuid, slug, title, 'nursing',
		'A role play.', 2, 180, 300,
		'{"setting": "A ward", "role": "You are the nurse.", "background": "He goes home today.",
			"tasks": ["Listen.", "Explain.", "Agree."]}',
		'{"name": "Dennis Hale, 63", "setting": "A ward", "background": "You are afraid.",
			"mood": "Tense", "lines": ["Hello."], "softening": "Thank you.",
			"conditional": [{"when": "asked", "say": "Needles."}]}'
	FROM (VALUES (1, 'nursing-insulin-at-home', 'Insulin, the old text'),
		(2, 'own-ward-round', 'A ward round')) x(n, slug, title)`

	olderAttempts = `INSERT INTO attempts (id, scenario_id, candidate_id, partner_id, state,
		consent, created_at, prepared_at, started_at, ended_at)
	SELECT ('01930000-0000-7000-8000-0000000000a' || n)::uuid,
		('01930000-0000-7000-8000-0000000000c' || scenario)::uuid,
		('01930000-0000-7000-8000-00000000000' || candidate)::uuid,
		('01930000-0000-7000-8000-00000000000' || partner)::uuid, state, true,
		created::timestamptz, started::timestamptz, started::timestamptz, ended::timestamptz
	FROM (VALUES
		(1, 1, 1, 2, 'reported', '2026-01-05 10:00Z', '2026-01-05 10:00Z', '2026-01-05 10:04Z'),
		(2, 1, 1, NULL, 'reported', '2026-01-05 12:00Z', '2026-01-05 12:00Z', '2026-01-05 12:05Z'),
		(3, 2, 1, NULL, 'abandoned', '2026-01-05 13:00Z', NULL, '2026-01-05 14:00Z'),
		(4, 2, 3, NULL, 'failed', '2026-01-06 09:00Z', '2026-01-06 09:00Z', '2026-01-06 12:00Z'),
		(5, 1, 3, NULL, 'created', '2026-01-05 09:00Z', NULL, NULL))
		x(n, scenario, candidate, partner, state, created, started, ended)`
)
