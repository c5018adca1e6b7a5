package store

import (
	"fmt"
	"time"
)

// ScenarioState says who can find a scenario.
type ScenarioState string

// The states of a scenario. Only tutors and administrators see drafts and archived scenarios. A
// scenario is a draft until its first version is published; a published one may have newer
// versions that are not.
const (
	ScenarioDraft     ScenarioState = "draft"
	ScenarioPublished ScenarioState = "published"
	ScenarioArchived  ScenarioState = "archived"
)

// ScenarioEntry is what the library knows about a scenario besides its texts: its state, its
// versions, and who changed it. Each change of the text is a new version; versions never change.
type ScenarioEntry struct {
	ID          string
	Slug        string
	State       ScenarioState
	Version     int    // the latest
	Published   int    // the version that candidates get; 0: none was published yet
	BuiltIn     bool   // came with the program
	Edited      bool   // somebody changed it, so newer texts of the program do not replace it
	CreatedBy   string // empty: the program, or a deleted account
	UpdatedBy   string // likewise
	CreatedAt   time.Time
	UpdatedAt   time.Time
	PublishedAt *time.Time // when its first version was published
}

// Limits of the library.
const (
	MaxScenarios        = 10_000
	MaxScenarioVersions = 1000
	// MaxDrafts is the number of scenarios that one account has created and not published.
	MaxDrafts = 200
)

// Revise makes a new version the latest, with its slug. base is the version that it was made from,
// or 0 when any will do. Revise returns ErrStale when base is not the latest version, ErrInvalid
// when the slug of a scenario changes that was published, because pages have it as their address,
// and ErrLimit when there are too many versions.
func (e *ScenarioEntry) Revise(base int, slug string) error {
	if err := e.checkBase(base); err != nil {
		return err
	}
	if e.Published != 0 && slug != e.Slug {
		return fmt.Errorf("the slug of a scenario that was published stays %q: %w", e.Slug,
			ErrInvalid)
	}
	if e.Version >= MaxScenarioVersions {
		return fmt.Errorf("the scenario has %d versions: %w", e.Version, ErrLimit)
	}
	e.Slug, e.Edited = slug, true
	e.Version++
	return nil
}

// Publish makes the latest version the one that candidates get, also of an archived scenario. base
// is as in Revise. Publish changes nothing when candidates get the latest version already.
func (e *ScenarioEntry) Publish(base int, now time.Time) error {
	if err := e.checkBase(base); err != nil {
		return err
	}
	if e.State == ScenarioPublished && e.Published == e.Version {
		return nil
	}
	e.State, e.Published, e.Edited = ScenarioPublished, e.Version, true
	if e.PublishedAt == nil {
		e.PublishedAt = &now
	}
	return nil
}

// Archive takes the scenario out of the catalogue; attempts and reports of it stay. Archive
// changes nothing when it is archived, and returns ErrState when it was never published.
func (e *ScenarioEntry) Archive() error {
	if e.State == ScenarioDraft {
		return fmt.Errorf("a draft cannot be archived: %w", ErrState)
	}
	if e.State != ScenarioArchived {
		e.State, e.Edited = ScenarioArchived, true
	}
	return nil
}

// CheckRemovable returns ErrState unless the scenario may be deleted: one that was published may
// have been played.
func (e ScenarioEntry) CheckRemovable() error {
	if e.Published != 0 {
		return fmt.Errorf("a scenario that was published cannot be deleted: %w", ErrState)
	}
	return nil
}

func (e ScenarioEntry) checkBase(base int) error {
	if base != 0 && base != e.Version {
		return fmt.Errorf("version %d is not the latest, which is %d: %w", base, e.Version,
			ErrStale)
	}
	return nil
}

// ScenarioSummary is a scenario in a list. Its texts are those of the published version, or of the
// latest one while none was published.
type ScenarioSummary struct {
	ScenarioEntry
	Title          string
	Profession     string
	Summary        string
	Difficulty     int
	Setting        string
	ClinicalFocus  string
	Criteria       []string
	Tags           []string
	Picture        *ScenarioPicture // nil: none
	PrepareSeconds int
	PlaySeconds    int
	HasDialogue    bool // so that an automatic patient can play it
}

// ScenarioVersion is one version of a scenario without its text.
type ScenarioVersion struct {
	Version    int
	Title      string
	Note       string // what changed, in the words of who changed it
	AuthorID   string // empty: the program, or a deleted account
	AuthorName string
	CreatedAt  time.Time
}

// ScenarioFilter selects scenarios. Of each list of values a scenario needs one; an empty list
// means any.
type ScenarioFilter struct {
	State         ScenarioState
	Professions   []string
	Settings      []string
	Difficulties  []string // "1", "2", "3"
	ClinicalFocus []string
	Criteria      []string
	Tags          []string
	Text          string // words to search for; the last one may be a beginning; empty: any
	// UserID is the account that Tried and Bookmarked are about.
	UserID     string
	Tried      *bool // whether the account has played it; nil: either
	Bookmarked *bool
	Sort       ScenarioSort
	Before     string // the cursor of the page before; empty: the first page
	Limit      int
}

// ScenarioSort is an order of scenarios.
type ScenarioSort string

// The orders. Relevance needs a text to search for.
const (
	SortProfession ScenarioSort = "profession" // then by difficulty and title
	SortTitle      ScenarioSort = "title"
	SortNewest     ScenarioSort = "newest"
	SortDifficulty ScenarioSort = "difficulty" // then by title
	SortRelevance  ScenarioSort = "relevance"
)

// ScenarioCounts says how many scenarios a filter selects.
type ScenarioCounts struct {
	Total  int
	Facets ScenarioFacets
}

// ScenarioFacets says how many scenarios each value of a filter would select, with the other
// filters as they are. Values that no scenario has are left out.
type ScenarioFacets struct {
	Professions   []FacetCount `json:"profession"`
	Settings      []FacetCount `json:"setting"`
	Difficulties  []FacetCount `json:"difficulty"`
	ClinicalFocus []FacetCount `json:"clinical_focus"`
	Criteria      []FacetCount `json:"criterion"`
	Tags          []FacetCount `json:"tag"`
}

// FacetCount is the number of scenarios with a value.
type FacetCount struct {
	Value string `json:"value" example:"nursing"`
	Count int    `json:"count" example:"8"`
}

// ScenarioMine is what a list of scenarios says about the viewer's own practice.
type ScenarioMine struct {
	Tried      int // role plays of the scenario that the viewer has played
	Reported   int // those with a report
	Bookmarked bool
}

// ScenarioChange is what a rule decides about a scenario that it changes.
type ScenarioChange struct {
	Text *Scenario // the text of the new version; nil: there is none
	Note string    // about the new version
	Act  Act
}
