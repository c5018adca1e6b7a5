package postgres_test

import (
	"context"
	"testing"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// manyScenarios copies a scenario 5,000 times, with other titles, words, professions and levels.
const manyScenarios = `
	WITH s AS (SELECT gen_random_uuid() AS id, n, 'copy-' || n AS slug, 'Copy ' || md5(n::text)
			AS title, (ARRAY['dentistry', 'dietetics', 'medicine', 'nursing', 'optometry',
			'pharmacy', 'physiotherapy', 'podiatry'])[1 + n % 8] AS profession,
			1 + n / 8 % 3 AS difficulty, v.document
		FROM generate_series(1, 5000) n, scenario_versions v
		WHERE v.slug = 'nursing-insulin-at-home' AND v.version = 1),
	texts AS (SELECT id, n, slug, title, profession, difficulty, document || jsonb_build_object(
		'slug', slug, 'title', title, 'profession', profession, 'difficulty', difficulty) AS d
		FROM s),
	lists AS (INSERT INTO scenarios (id, slug, title, profession, summary, difficulty,
			prepare_seconds, play_seconds, state, version, published_version, setting,
			clinical_focus, criteria, tags, search, built_in, created_at, updated_at, published_at)
		SELECT t.id, t.slug, t.title, t.profession, d->>'summary', t.difficulty, 180, 300,
			'published', 1, 1, d->>'setting', 'focus-' || n % 50, '{giving}',
			ARRAY['tag-' || n % 200],
			c.search || scenario_words(t.title), false, now() - n * interval '1 hour', now(),
			now() - n * interval '1 hour'
		FROM texts t JOIN scenarios c ON c.slug = 'nursing-insulin-at-home' RETURNING id)
	INSERT INTO scenario_versions (scenario_id, version, slug, title, profession, document,
		created_at)
	SELECT texts.id, 1, slug, title, profession, d, now() FROM texts JOIN lists USING (id)`

// TestCatalogueReadsLittle looks at the plans of the catalogue's queries at 5,000 scenarios. Pages
// read about as many rows as they show. Counts read each scenario once, and so are cached.
func TestCatalogueReadsLittle(t *testing.T) {
	t.Parallel()
	var sent pgtest.Recorder
	db := pgtest.New(t, postgres.Config{Tracer: &sent})
	ctx := t.Context()
	if err := db.Seed(ctx, false); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, db.Cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, manyScenarios); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `VACUUM ANALYZE scenarios, scenario_versions`); err != nil {
		t.Fatal(err)
	}
	const page = 20
	list := func(f store.ScenarioFilter) func() error {
		f.State, f.Limit = store.ScenarioPublished, page
		if f.Sort == "" {
			f.Sort = store.SortProfession
		}
		return func() error { _, _, err := db.Scenarios(ctx, f); return err }
	}
	deep := func(by store.ScenarioSort) string {
		_, next, err := db.Scenarios(ctx, store.ScenarioFilter{
			State: store.ScenarioPublished, Sort: by, Limit: 2500,
		})
		if err != nil || next == "" {
			t.Fatal(next, err)
		}
		return next
	}
	one, err := db.PublishedScenario(ctx, "copy-77")
	if err != nil {
		t.Fatal(err)
	}
	queries := []boundedQuery{
		{"a scenario", 5, func() error {
			_, err := db.PublishedScenario(ctx, one.Slug)
			return err
		}},
		{"a scenario of the library", 5, func() error {
			_, _, err := db.LibraryScenario(ctx, one.ID, 0)
			return err
		}},
		{"the generation", 5, func() error {
			_, err := db.CatalogueGeneration(ctx)
			return err
		}},
		{"of a profession", page + 5, list(store.ScenarioFilter{
			Professions: []string{"nursing"},
		})},
		{"a word that one has", 5, list(store.ScenarioFilter{
			Text: one.Title, Sort: store.SortRelevance,
		})},
		{"a word that none has", 5, list(store.ScenarioFilter{
			Text: "zebrafish", Sort: store.SortRelevance,
		})},
		{"counts", 5100, func() error {
			_, err := db.CountScenarios(ctx, store.ScenarioFilter{
				State: store.ScenarioPublished, Professions: []string{"nursing"},
			})
			return err
		}},
	}
	for _, by := range []store.ScenarioSort{
		store.SortProfession, store.SortTitle, store.SortNewest, store.SortDifficulty,
	} {
		queries = append(queries,
			boundedQuery{"by " + string(by), page + 5, list(store.ScenarioFilter{Sort: by})},
			boundedQuery{"by " + string(by) + ", a later page", page + 5,
				list(store.ScenarioFilter{Sort: by, Before: deep(by)})})
	}
	for _, q := range queries {
		t.Run(q.name, func(t *testing.T) {
			sent.Take()
			if err := q.run(); err != nil {
				t.Fatal(err)
			}
			for _, s := range sent.Take() {
				for _, planning := range []pgtest.Planning{pgtest.Custom, pgtest.Generic} {
					p, err := pgtest.Explain(ctx, conn, s, planning)
					if err != nil {
						t.Fatal(err)
					}
					if p.Read > q.most {
						t.Errorf("%s: read %d rows, at most %d are expected:\n%s\n%s", planning,
							p.Read, q.most, s.SQL, p.Text)
					}
					t.Logf("%s: %d rows", planning, p.Read)
				}
			}
		})
	}
}
