package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bedside/store"
)

// Lint returns what should be changed in a text of one or several scenarios, by line. Errors are
// what Parse refuses, and what would make the role play wrong; warnings are what it lacks, or what
// somebody should look at.
func Lint(data []byte) []Finding {
	documents, findings := read(data)
	slugs := map[string]int{}
	for _, d := range documents {
		found := d.check()
		findings = append(findings, found...)
		s, err := d.decode()
		if err != nil || d.tree == nil {
			continue // of a type so wrong that check has reported it
		}
		l := linter{document: d, Scenario: s}
		l.lint(len(found) == 0)
		if first := slugs[s.Slug]; first > 0 && s.Slug != "" {
			l.add("slug", Error, "duplicate-slug", "the document in line %d has the slug %s too",
				first, s.Slug)
		}
		slugs[s.Slug] = d.start.line
		findings = append(findings, l.findings...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings
}

// Locate returns findings about the n-th document of a text, counted from zero, at the places of
// their paths.
func Locate(data []byte, n int, findings []Finding) []Finding {
	documents, _ := read(data)
	if n >= len(documents) {
		return findings
	}
	for i, f := range findings {
		p := documents[n].at(f.Path)
		findings[i].Line, findings[i].Column = p.line, p.column
	}
	return findings
}

// LintScenario returns the findings for a scenario as Format would write it.
func LintScenario(s store.Scenario) ([]Finding, error) {
	data, err := Format(s)
	if err != nil {
		return nil, err
	}
	return Lint(data), nil
}

// linter collects what is wrong with one document beyond its format.
type linter struct {
	*document
	store.Scenario
	findings []Finding
}

func (l *linter) add(path string, severity Severity, rule, format string, args ...any) {
	l.findings = append(l.findings, l.finding(path, severity, rule, format, args...))
}

// lint runs every rule. What a document lacks is said only when its format is right, because a
// misspelled key would be reported twice otherwise.
func (l *linter) lint(complete bool) {
	l.indicators()
	l.model()
	// Only within the limits of the format, because secrets compares every text with every secret.
	if complete {
		l.secrets()
	}
	l.words()
	l.references()
	if complete {
		l.missing()
	}
}

// indicators checks that each indicator belongs to a criterion of the scenario.
func (l *linter) indicators() {
	criterion := map[string]string{}
	for _, i := range store.Indicators() {
		criterion[i.ID] = i.Criterion
	}
	for n, id := range l.Indicators {
		if c := criterion[id]; c != "" && !slices.Contains(l.Criteria, c) {
			l.add(fmt.Sprintf("indicators[%d]", n), Error, "indicator",
				"%s belongs to the criterion %s, which is not among the criteria", id, c)
		}
	}
}

// model checks the model performance.
func (l *linter) model() {
	turns := l.Model
	if len(turns) == 0 {
		return
	}
	if len(turns) < 20 {
		l.add("model", Error, "model-length",
			"model has %d turns; a model performance has 20 to 60", len(turns))
	}
	if turns[0].Who == "patient" {
		l.add("model[0].who", Error, "model-begin",
			"the patient begins; the candidate speaks first and leads")
	}
	for i := 1; i < len(turns); i++ {
		if turns[i].Who == turns[i-1].Who && turns[i].Who != "" {
			l.add(fmt.Sprintf("model[%d]", i), Warning, "model-turns",
				"the %s speaks twice in a row: make it one turn", turns[i].Who)
		}
	}
}

// missing says what a good role play has besides.
func (l *linter) missing() {
	warn := func(is bool, path, format string, args ...any) {
		if is {
			l.add(path, Warning, "incomplete", format, args...)
		}
	}
	warn(len(l.Patient.Hidden) == 0, "interlocutor_card.hidden",
		"there are no hidden facts: say what the patient keeps back, and what earns it")
	warn(len(l.Patient.Cues) == 0, "interlocutor_card.cues",
		"there are no cues: give the patient hints that a good candidate follows")
	warn(len(l.Strong) == 0, "strong",
		"strong is missing: say in four to eight sentences what a strong candidate does")
	warn(len(l.Strong) > 0 && len(l.Strong) < 4, "strong", "strong has %d sentences; write four "+
		"to eight", len(l.Strong))
	warn(len(l.Model) == 0, "model",
		"model is missing: write a model performance of 20 to 60 turns")
	warn(l.Picture == nil, "picture", "there is no picture, or no words for what it shows")
	seen := map[string]bool{}
	for i, t := range l.Candidate.Tasks {
		if t.ID != "" && seen[t.ID] {
			l.add(fmt.Sprintf("candidate_card.tasks[%d].id", i), Error, "duplicate-id",
				"another task is called %s too", t.ID)
		}
		seen[t.ID] = true
	}
}

// secrets checks that nothing that the candidate reads gives away what the patient hides.
func (l *linter) secrets() {
	shown := map[string]string{
		"title": l.Title, "summary": l.Summary, "candidate_card.role": l.Candidate.Role,
		"candidate_card.background": l.Candidate.Background,
	}
	if l.Picture != nil {
		shown["picture.alt"] = l.Picture.Alt
	}
	for i, t := range l.Candidate.Tasks {
		shown[fmt.Sprintf("candidate_card.tasks[%d]", i)] = t.Text
	}
	for _, path := range slices.Sorted(maps.Keys(shown)) {
		for i, h := range l.Patient.Hidden {
			if words := sharedWords(shown[path], h.Fact); words != "" {
				l.add(path, Error, "secret", "%s gives away hidden fact %d: “%s”", path, i+1,
					words)
			}
		}
	}
}

// run is how many words in a row two texts may not have in common.
const run = 6

// sharedWords returns the first run of words of the secret that the text has too. A shorter secret
// must be there as a whole.
func sharedWords(text, secret string) string {
	words := bareWords(secret)
	if len(words) < 2 {
		return ""
	}
	all := " " + strings.Join(bareWords(text), " ") + " "
	n := min(run, len(words))
	for i := 0; i+n <= len(words); i++ {
		if piece := strings.Join(words[i:i+n], " "); strings.Contains(all, " "+piece+" ") {
			return piece
		}
	}
	return ""
}
