package practice_test

import (
	"strings"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/practice"
)

// scenario returns a scenario whose id is its slug: PROFESSION-DIFFICULTY-REST.
func scenario(slug string) store.Scenario {
	profession, rest, _ := strings.Cut(slug, "-")
	return store.Scenario{
		ID: slug, Slug: slug, Title: slug, Profession: profession, Difficulty: int(rest[0] - '0'),
	}
}

// done is what a candidate did with a scenario: the days since the latest attempt, and its result.
type done struct {
	slug       string
	daysAgo    int
	attempts   int
	result     float64 // 0: none
	bookmarked bool
}

var library = []string{
	"nursing-1-a", "nursing-1-b", "nursing-2-c", "nursing-3-d", "medicine-1-e", "pharmacy-1-f",
}

func TestNext(t *testing.T) {
	now := at(t, "2026-03-09T12:00:00Z")
	nurse := practice.Candidate{Profession: "nursing"}
	for _, row := range []struct {
		name      string
		candidate practice.Candidate
		done      []done
		want      []string // the slugs
		reason    practice.Reason
		words     string // part of the sentence
	}{
		{
			"somebody new begins with an easy one of the own profession", nurse, nil,
			[]string{"nursing-1-a", "nursing-1-b", "nursing-2-c"}, practice.ReasonFirst,
			"is a good one to begin with in nursing.",
		},
		{
			"without a profession, one of each", practice.Candidate{}, nil,
			[]string{"medicine-1-e", "nursing-1-a", "pharmacy-1-f"}, practice.ReasonFirst,
			"is a good one to begin with.",
		},
		{
			"a profession without scenarios gets those of others",
			practice.Candidate{Profession: "podiatry"}, nil,
			[]string{"medicine-1-e", "nursing-1-a", "nursing-1-b"}, practice.ReasonFirst,
			"is a good one to begin with.",
		},
		{
			"not tried yet, and the days to the test",
			practice.Candidate{Profession: "nursing", TestDate: "2026-03-21"},
			[]done{{slug: "nursing-2-c", daysAgo: 1, attempts: 1}},
			[]string{"nursing-1-a", "nursing-1-b", "nursing-3-d"}, practice.ReasonNew,
			"You have not yet practised “nursing-1-a”, and your test is in 12 days.",
		},
		{
			"a test tomorrow", practice.Candidate{
				Profession: "nursing", TestDate: "2026-03-10",
			}, nil, []string{"nursing-1-a"}, practice.ReasonFirst, ", and your test is tomorrow.",
		},
		{
			"a test that is over is not mentioned",
			practice.Candidate{Profession: "nursing", TestDate: "2026-03-08"}, nil,
			[]string{"nursing-1-a"}, practice.ReasonFirst, "in nursing.",
		},
		{
			"a poor result is repeated the next day, before anything new", nurse,
			[]done{{slug: "nursing-1-b", daysAgo: 1, attempts: 1, result: 300}},
			[]string{"nursing-1-b", "nursing-1-a"}, practice.ReasonPoor,
			"Your latest result in “nursing-1-b” was below grade B.",
		},
		{
			"but not on the same day", nurse,
			[]done{{slug: "nursing-1-b", daysAgo: 0, attempts: 1, result: 300}},
			[]string{"nursing-1-a", "nursing-2-c", "nursing-3-d"}, practice.ReasonNew, "",
		},
		{
			"a good result comes after what is new", nurse,
			[]done{{slug: "nursing-1-a", daysAgo: 30, attempts: 1, result: 400}},
			[]string{"nursing-1-b"}, practice.ReasonNew, "",
		},
		{
			"when all was tried, what is due for a repeat", nurse, []done{
				{slug: "nursing-1-a", daysAgo: 2, attempts: 1},
				{slug: "nursing-1-b", daysAgo: 3, attempts: 1},
				{slug: "nursing-2-c", daysAgo: 2, attempts: 1},
				{slug: "nursing-3-d", daysAgo: 7, attempts: 1},
			}, []string{"nursing-3-d", "nursing-1-b"}, practice.ReasonOld,
			"You last practised “nursing-3-d” 7 days ago.",
		},
		{
			"repeats are farther apart the more there were", nurse, []done{
				{slug: "nursing-1-a", daysAgo: 13, attempts: 2},
				{slug: "nursing-1-b", daysAgo: 13, attempts: 3},
				{slug: "nursing-2-c", daysAgo: 2, attempts: 1},
				{slug: "nursing-3-d", daysAgo: 2, attempts: 1},
			}, []string{"nursing-1-a"}, practice.ReasonOld, "",
		},
		{
			"when all was practised a short time ago, the earliest", nurse, []done{
				{slug: "nursing-1-a", daysAgo: 1, attempts: 1},
				{slug: "nursing-1-b", daysAgo: 1, attempts: 1},
				{slug: "nursing-2-c", daysAgo: 2, attempts: 1},
				{slug: "nursing-3-d", daysAgo: 1, attempts: 1},
			}, []string{"nursing-2-c"}, practice.ReasonAgain, "2 days ago",
		},
		{
			"difficulty rises with experience", nurse, []done{
				{slug: "nursing-1-a", daysAgo: 1, attempts: 3},
			}, []string{"nursing-2-c"}, practice.ReasonHarder,
			"is harder than what you have practised so far.",
		},
		{
			"and with much of it to the hardest", nurse, []done{
				{slug: "nursing-1-a", daysAgo: 1, attempts: 6},
			}, []string{"nursing-3-d"}, practice.ReasonHarder, "",
		},
		{
			"the test is near: not below the middle level",
			practice.Candidate{Profession: "nursing", TestDate: "2026-03-19"}, []done{
				{slug: "nursing-1-a", daysAgo: 1, attempts: 1},
			}, []string{"nursing-2-c"}, practice.ReasonHarder, "",
		},
		{
			"a bookmark decides between equals", nurse,
			[]done{{slug: "nursing-1-b", bookmarked: true}},
			[]string{"nursing-1-b", "nursing-1-a"}, practice.ReasonFirst, "",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := row.candidate
			for _, d := range row.done {
				p := store.Progress{
					Scenario: scenario(d.slug), Attempts: d.attempts, Reported: d.attempts,
				}
				ago := now.AddDate(0, 0, -d.daysAgo)
				if d.attempts > 0 {
					p.LastAt = &ago
				}
				if d.result > 0 {
					p.Latest = &store.Result{Low: d.result - 10, High: d.result + 10}
				}
				if d.bookmarked {
					p.Marks.BookmarkedAt = &ago
				}
				c.Progress = append(c.Progress, p)
			}
			var all []store.Scenario
			for _, slug := range library {
				all = append(all, scenario(slug))
			}
			steps := practice.Next(c, all, now)
			if len(steps) != 3 {
				t.Fatalf("%d steps", len(steps))
			}
			for i, slug := range row.want {
				if steps[i].Scenario.Slug != slug {
					t.Errorf("step %d is %s (%s: %s), want %s", i, steps[i].Scenario.Slug,
						steps[i].Reason, steps[i].Words, slug)
				}
			}
			if steps[0].Reason != row.reason || !strings.Contains(steps[0].Words, row.words) ||
				!strings.HasSuffix(steps[0].Words, ".") {
				t.Errorf("because %s: %s", steps[0].Reason, steps[0].Words)
			}
		})
	}
}

// TestWeakestCriterion gives results of criteria, the latest of which count.
func TestWeakestCriterion(t *testing.T) {
	now := at(t, "2026-03-09T12:00:00Z")
	easy, other, weak := scenario("nursing-1-a"), scenario("nursing-1-b"), scenario("nursing-3-d")
	easy.Criteria, weak.Criteria = []string{"fluency"}, []string{"giving", "gathering"}
	results := func(criterion string, scores ...float64) (list []store.Result) {
		for _, s := range scores {
			list = append(list, store.Result{Criterion: criterion, Low: s - 0.2, High: s + 0.2})
		}
		return list
	}
	for _, row := range []struct {
		name    string
		results [][]store.Result
		want    string // the slug
		words   string
	}{
		{"none", nil, "nursing-1-a", "is a good one"},
		{
			// 4 of 6 is better than 1.5 of 3.
			"relative to the highest score", [][]store.Result{
				results("fluency", 4, 4, 4), results("giving", 1.5, 1.5, 1.5),
			}, "nursing-3-d", "trains giving information, where your results are lowest",
		},
		{
			"only the latest three count", [][]store.Result{
				results("fluency", 3, 3, 3), results("giving", 0.5, 0.5, 3, 3, 3),
			}, "nursing-1-a", "trains fluency, where your results are lowest",
		},
		{
			"the overall result is no criterion", [][]store.Result{
				results("fluency", 6), results(store.ResultOverall, 0),
			}, "nursing-1-a", "trains fluency",
		},
	} {
		c := practice.Candidate{Profession: "nursing"}
		for _, list := range row.results {
			c.Results = append(c.Results, list...)
		}
		steps := practice.Next(c, []store.Scenario{weak, other, easy}, now)
		if steps[0].Scenario.Slug != row.want || !strings.Contains(steps[0].Words, row.words) {
			t.Errorf("%s: %s: %s", row.name, steps[0].Scenario.Slug, steps[0].Words)
		}
	}
}

func TestNextWithoutScenarios(t *testing.T) {
	if steps := practice.Next(practice.Candidate{}, nil, time.Now()); len(steps) != 0 {
		t.Error(steps)
	}
	one := practice.Next(practice.Candidate{}, []store.Scenario{scenario("nursing-1-a")},
		time.Now())
	if len(one) != 1 {
		t.Error(one)
	}
}
