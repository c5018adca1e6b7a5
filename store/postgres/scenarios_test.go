package postgres_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"bedside/store"
)

// newScenario creates a draft of an author.
func newScenario(t *testing.T, author store.User) (store.ScenarioEntry, store.Scenario) {
	t.Helper()
	s, err := db.PublishedScenario(t.Context(), "nursing-insulin-at-home")
	if err != nil {
		t.Fatal(err)
	}
	s.Slug = "test-" + strings.ToLower(rand.Text())
	s.Title = "A test for " + s.Slug
	e, err := db.CreateScenario(t.Context(), s, author.ID, "first", actOf)
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

func actOf(e store.ScenarioEntry) store.Act {
	return store.Act{Action: store.ActCreateScenario, Object: "scenario " + e.ID}
}

// revise saves a text as a new version of a scenario.
func revise(t *testing.T, ref string, s store.Scenario) store.ScenarioEntry {
	t.Helper()
	return change(t, ref, func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
		return store.ScenarioChange{Text: &s}, e.Revise(0, s.Slug)
	})
}

func publish(t *testing.T, ref string) store.ScenarioEntry {
	t.Helper()
	return change(t, ref, func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
		return store.ScenarioChange{}, e.Publish(0, time.Now())
	})
}

func archive(t *testing.T, ref string) store.ScenarioEntry {
	t.Helper()
	return change(t, ref, func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
		return store.ScenarioChange{}, e.Archive()
	})
}

func change(t *testing.T, ref string,
	rule func(*store.ScenarioEntry) (store.ScenarioChange, error)) store.ScenarioEntry {
	t.Helper()
	e, err := db.ChangeScenario(t.Context(), ref, "", func(e *store.ScenarioEntry) (
		store.ScenarioChange, error) {
		c, err := rule(e)
		c.Act = store.Act{Action: store.ActUpdateScenario, Object: "scenario " + e.ID}
		return c, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAttemptKeepsItsVersion(t *testing.T) {
	tutor, candidate := newUser(t, store.RoleTutor), newUser(t, store.RoleCandidate)
	e, s := newScenario(t, tutor)
	_, err := db.CreateAttempt(t.Context(), store.NewAttempt{
		CandidateID: candidate.ID, ScenarioID: e.ID, Consent: true,
	})
	expect(t, err, store.ErrState)
	publish(t, e.ID)
	a, err := db.CreateAttempt(t.Context(), store.NewAttempt{
		CandidateID: candidate.ID, ScenarioID: e.ID, Consent: true,
	})
	if err != nil || a.ScenarioVersion != 1 {
		t.Fatal(a.ScenarioVersion, err)
	}
	for range 3 {
		s.Title += "!"
		s.Candidate.Background += "!"
		revise(t, e.ID, s)
		publish(t, e.ID)
	}
	_, played, err := db.Attempt(t.Context(), a.ID)
	if err != nil || played.Version != 1 || strings.Contains(played.Title, "!") ||
		strings.Contains(played.Candidate.Background, "!") || played.ID != e.ID {
		t.Errorf("the attempt's scenario: %+v, %v", played, err)
	}
	list, err := db.AttemptsOf(t.Context(), candidate.ID, "", 10)
	if err != nil || len(list) != 1 || strings.Contains(list[0].ScenarioTitle, "!") {
		t.Errorf("the list of attempts: %+v, %v", list, err)
	}
	archive(t, e.ID)
	if _, _, err := db.AttemptView(t.Context(), a.ID); err != nil {
		t.Error(err)
	}
	_, err = db.CreateAttempt(t.Context(), store.NewAttempt{
		CandidateID: candidate.ID, ScenarioID: e.ID, Consent: true,
	})
	expect(t, err, store.ErrState)
	_, err = db.PublishedScenario(t.Context(), e.Slug)
	expect(t, err, store.ErrState)
}

func TestDraftsAreNotInTheCatalogue(t *testing.T) {
	e, s := newScenario(t, newUser(t, store.RoleTutor))
	listed := func() string {
		i := slices.IndexFunc(catalogue(t), func(s store.ScenarioSummary) bool {
			return s.ID == e.ID
		})
		if i < 0 {
			return ""
		}
		return catalogue(t)[i].Title
	}
	if listed() != "" {
		t.Error("a draft is in the catalogue")
	}
	_, err := db.PublishedScenario(t.Context(), e.ID)
	expect(t, err, store.ErrNotFound)
	publish(t, e.ID)
	newer := s
	newer.Title = "Not yet"
	revise(t, e.ID, newer)
	if got := listed(); got != s.Title {
		t.Errorf("the catalogue has %q", got)
	}
	if one, err := db.PublishedScenario(t.Context(), e.ID); err != nil || one.Title != s.Title {
		t.Errorf("candidates get %q, %v", one.Title, err)
	}
	publish(t, e.ID)
	if got := listed(); got != newer.Title {
		t.Errorf("the catalogue has %q", got)
	}
	archive(t, e.ID)
	if listed() != "" {
		t.Error("an archived scenario is in the catalogue")
	}
}

func TestSeedsNeverOverwriteAnEdit(t *testing.T) {
	tutor := newUser(t, store.RoleTutor)
	const slug = "pharmacy-blood-thinner"
	s, err := db.PublishedScenario(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	edited := s
	edited.Title = "Edited by a tutor"
	if _, err := db.ChangeScenario(t.Context(), slug, tutor.ID, func(e *store.ScenarioEntry) (
		store.ScenarioChange, error) {
		return store.ScenarioChange{Text: &edited, Act: actOf(*e)}, e.Revise(0, slug)
	}); err != nil {
		t.Fatal(err)
	}
	publish(t, slug)
	if err := db.Seed(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if now, err := db.PublishedScenario(t.Context(), slug); err != nil ||
		now.Title != edited.Title || now.Version != s.Version+1 {
		t.Errorf("version %d, %q, %v", now.Version, now.Title, err)
	}
}

func TestSeedsRenewUntouchedTexts(t *testing.T) {
	older, err := db.PublishedScenario(t.Context(), "nursing-insulin-at-home")
	if err != nil {
		t.Fatal(err)
	}
	older.Slug, older.Title = "test-"+strings.ToLower(rand.Text()), "The older text"
	newer := older
	newer.Title = "The newer text"
	newer.Tags = []string{"renewed"}
	for _, step := range []struct {
		process string
		ships   store.Scenario
		title   string
		version int
	}{
		{"the first", older, older.Title, 1},
		{"a newer one", newer, newer.Title, 2},
		{"the older one again", older, newer.Title, 2},
		{"the newer one again", newer, newer.Title, 2},
	} {
		if err := db.SeedScenario(t.Context(), step.ships); err != nil {
			t.Fatal(step.process, err)
		}
		e, s, err := db.LibraryScenario(t.Context(), older.Slug, 0)
		if err != nil || !e.BuiltIn || e.Edited || e.Version != step.version ||
			e.Published != step.version || s.Title != step.title {
			t.Errorf("%s: %q, %+v, %v", step.process, s.Title, e, err)
		}
		i := slices.IndexFunc(catalogue(t), func(s store.ScenarioSummary) bool {
			return s.Slug == older.Slug
		})
		if i < 0 || catalogue(t)[i].Title != step.title {
			t.Errorf("%s: the catalogue has not %q", step.process, step.title)
		}
	}
	list, err := db.ScenarioVersions(t.Context(), older.Slug)
	if err != nil || len(list) != 2 || list[1].Title != older.Title {
		t.Errorf("versions: %+v, %v", list, err)
	}
}
