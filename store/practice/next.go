package practice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bedside/store"
)

// Candidate is what is known of a candidate when a next step is chosen. The zero value is somebody
// new without a profession.
type Candidate struct {
	Profession string // empty: unknown
	TestDate   string // year-month-day; empty: unknown
	Zone       *time.Location
	Progress   []store.Progress
	Results    []store.Result // by criterion, oldest first
}

// Reason says why a scenario is proposed.
type Reason string

// The reasons.
const (
	ReasonFirst   Reason = "first"   // nothing was practised yet
	ReasonWeakest Reason = "weakest" // it trains the weakest criterion
	ReasonPoor    Reason = "poor"    // the latest result was poor
	ReasonNew     Reason = "new"     // not tried yet
	ReasonHarder  Reason = "harder"  // not tried yet, and harder than what was
	ReasonOld     Reason = "old"     // the latest attempt was long ago
	ReasonAgain   Reason = "again"   // everything else was practised more recently
)

// Step is a scenario to practise next.
type Step struct {
	Scenario store.Scenario
	Reason   Reason
	Words    string // the reason as a sentence for the candidate
}

// Next returns the scenario to practise next, and up to two alternatives. It returns nothing when
// there are no scenarios. The own profession comes first, whatever else speaks for a scenario.
// Within it count, in this order of weight: a poor latest result that is due for a repeat, the
// weakest criterion, not tried yet, due for a repeat, a bookmark, and a difficulty that suits the
// experience. What was practised a short time ago comes last.
func Next(c Candidate, scenarios []store.Scenario, now time.Time) []Step {
	p := plan{Candidate: c, now: now, done: map[string]store.Progress{}}
	if p.Zone == nil {
		p.Zone = time.UTC
	}
	for _, one := range c.Progress {
		p.done[one.Scenario.ID] = one
		p.reported += one.Reported
		p.played += one.Attempts
		if one.Attempts > 0 {
			p.hardest = max(p.hardest, one.Scenario.Difficulty)
		}
	}
	p.weakest = weakest(c.Results)
	p.days, p.hasDate = DaysTo(c.TestDate, now, p.Zone)
	p.hasDate = p.hasDate && p.days >= 0
	ranked := make([]choice, 0, len(scenarios))
	for _, s := range scenarios {
		ranked = append(ranked, p.weigh(s))
	}
	slices.SortFunc(ranked, func(a, b choice) int {
		return cmp.Or(cmp.Compare(b.points, a.points), cmp.Compare(a.scenario.Slug,
			b.scenario.Slug))
	})
	if c.Profession == "" {
		ranked = varied(ranked)
	}
	const most = 3
	steps := make([]Step, 0, most)
	for _, one := range ranked[:min(most, len(ranked))] {
		steps = append(steps, Step{
			Scenario: one.scenario, Reason: one.reason, Words: p.words(one),
		})
	}
	return steps
}

// Weights of what speaks for a scenario. Each is larger than all below it together.
const (
	ownProfession = 1000
	poorIsDue     = 160
	trainsWeakest = 80
	notTried      = 40
	isDue         = 20
	bookmarked    = 6
	tooFar        = 5 // against it, for each level of difficulty away from the right one
	notDue        = -400
)

// plan is a Candidate with what follows from it.
type plan struct {
	Candidate
	now              time.Time
	done             map[string]store.Progress // by the scenario's id
	played, reported int
	hardest          int    // the highest difficulty that was played
	weakest          string // a criterion; empty: unknown
	days             int    // to the test
	hasDate          bool   // the test is known and has not passed
}

// choice is a scenario with what speaks for it.
type choice struct {
	scenario store.Scenario
	points   int
	reason   Reason
	lastAt   time.Time
}

func (p plan) weigh(s store.Scenario) choice {
	c := choice{scenario: s, reason: ReasonAgain}
	add := func(points int, reason Reason) {
		c.points += points
		if reason != "" && c.reason == ReasonAgain {
			c.reason = reason
		}
	}
	done := p.done[s.ID]
	if p.Profession != "" && s.Profession == p.Profession {
		add(ownProfession, "")
	}
	if done.Marks.BookmarkedAt != nil {
		add(bookmarked, "")
	}
	if away := s.Difficulty - p.level(); away != 0 {
		add(-tooFar*max(away, -away), "")
	}
	trains := p.weakest != "" && slices.Contains(s.Criteria, p.weakest)
	switch {
	case done.Attempts == 0 || done.LastAt == nil:
		add(notTried, "")
		switch {
		case trains:
			add(trainsWeakest, ReasonWeakest)
		case p.played == 0:
			add(0, ReasonFirst)
		case s.Difficulty > p.hardest:
			add(0, ReasonHarder)
		default:
			add(0, ReasonNew)
		}
		return c
	case !p.due(done):
		c.lastAt = *done.LastAt
		// A day more counts more than the difficulty, but all are behind what is due.
		add(notDue+10*min(int(p.now.Sub(c.lastAt)/(24*time.Hour)), 30), "")
		return c
	}
	c.lastAt = *done.LastAt
	if poor(done.Latest) {
		add(poorIsDue, ReasonPoor)
	}
	if trains {
		add(trainsWeakest, ReasonWeakest)
	}
	add(isDue, ReasonOld)
	return c
}

// level is the difficulty that suits the candidate: it rises with the reports, and in the last two
// weeks before the test it is at least the middle one, as in the test.
func (p plan) level() int {
	level := 1
	switch {
	case p.reported >= 6:
		level = 3
	case p.reported >= 2:
		level = 2
	}
	if p.hasDate && p.days <= 14 && p.played > 0 {
		level = max(level, 2)
	}
	return level
}

// due reports whether a scenario should be practised again: the next day after a poor result, and
// otherwise after a time that grows with the number of attempts. When the test is near, the time
// is a third of what is left.
func (p plan) due(done store.Progress) bool {
	wait := 3 << min(done.Attempts, 4) // 6, 12, 24, 48 days
	if poor(done.Latest) {
		wait = 1
	}
	if p.hasDate {
		wait = min(wait, max(1, p.days/3))
	}
	return dayOf(*done.LastAt, p.Zone)+wait <= dayOf(p.now, p.Zone)
}

// poor reports whether a result is below grade B.
func poor(r *store.Result) bool {
	const gradeB = 350
	return r != nil && (r.Low+r.High)/2 < gradeB
}

// weakest returns the criterion with the lowest mean of its latest three results, relative to its
// highest score, or "".
func weakest(results []store.Result) (criterion string) {
	latest := map[string][]float64{}
	for _, r := range results {
		if top := highest(r.Criterion); top > 0 {
			latest[r.Criterion] = append(latest[r.Criterion], (r.Low+r.High)/2/top)
		}
	}
	lowest := 0.0
	for name, all := range latest {
		all = all[max(0, len(all)-3):]
		mean := 0.0
		for _, one := range all {
			mean += one / float64(len(all))
		}
		if criterion == "" || mean < lowest || mean == lowest && name < criterion {
			criterion, lowest = name, mean
		}
	}
	return criterion
}

// highest returns the highest score of a criterion: 6 of the linguistic ones, 3 of the clinical
// ones, and 0 of what is no criterion.
func highest(criterion string) float64 {
	switch i := slices.Index(store.Criteria(), criterion); {
	case i < 0:
		return 0
	case i < 4:
		return 6
	}
	return 3
}

// varied moves the best scenario of each profession to the front, for those whose profession is
// not known.
func varied(ranked []choice) []choice {
	var first, rest []choice
	seen := map[string]bool{}
	for _, c := range ranked {
		if seen[c.scenario.Profession] {
			rest = append(rest, c)
			continue
		}
		seen[c.scenario.Profession] = true
		first = append(first, c)
	}
	return append(first, rest...)
}

// words writes a reason as a sentence for the candidate.
func (p plan) words(c choice) string {
	title := "“" + c.scenario.Title + "”"
	var why string
	switch c.reason {
	case ReasonFirst:
		why = title + " is a good one to begin with"
		if p.Profession != "" && c.scenario.Profession == p.Profession {
			why += " in " + profession(p.Profession)
		}
	case ReasonWeakest:
		why = fmt.Sprintf("%s trains %s, where your results are lowest", title,
			criterionWords(p.weakest))
	case ReasonPoor:
		why = fmt.Sprintf("Your latest result in %s was below grade B. Try it once more", title)
	case ReasonHarder:
		why = title + " is harder than what you have practised so far"
	case ReasonNew:
		why = "You have not yet practised " + title
	case ReasonOld:
		why = fmt.Sprintf("You last practised %s %s", title, p.ago(c.lastAt))
	default:
		why = fmt.Sprintf("You practised %s %s, and everything else more recently", title,
			p.ago(c.lastAt))
		if p.ago(c.lastAt) == "today" {
			why = "You have practised all of your scenarios. " + title + " is worth another try"
		}
	}
	switch {
	case !p.hasDate:
		return why + "."
	case p.days == 0:
		return why + ". Your test is today."
	case p.days == 1:
		return why + ", and your test is tomorrow."
	}
	return fmt.Sprintf("%s, and your test is in %d days.", why, p.days)
}

// ago says how long ago a day was.
func (p plan) ago(at time.Time) string {
	switch days := dayOf(p.now, p.Zone) - dayOf(at, p.Zone); {
	case days <= 0:
		return "today"
	case days == 1:
		return "yesterday"
	default:
		return fmt.Sprintf("%d days ago", days)
	}
}

func profession(slug string) string { return strings.ReplaceAll(slug, "-", " ") }

// criterionWords names a criterion as candidates know it.
func criterionWords(criterion string) string {
	switch criterion {
	case "appropriateness":
		return "the choice of words for the patient"
	case "grammar":
		return "grammar and expression"
	case "relationship":
		return "building a relationship"
	case "perspective":
		return "the patient's perspective"
	case "structure":
		return "structure"
	case "gathering":
		return "gathering information"
	case "giving":
		return "giving information"
	}
	return criterion
}
