package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bedside/store"

	"go.yaml.in/yaml/v4"
)

// references checks the names in a dialogue: that each fact, intent and state that something
// refers to is there, that every fact can be reached, and that every task can be covered. It takes
// the dialogue as it is written, because its keys are open, and says nothing when there is none.
func (l *linter) references() {
	tree, _ := l.tree.(map[string]any)
	dialogue, ok := tree["dialogue"].(map[string]any)
	if !ok || len(dialogue) == 0 {
		return
	}
	d := dialogueLinter{linter: l, dialogue: dialogue, term: term(), atLeast: atLeast()}
	if d.tooLong() {
		return
	}
	d.collect()
	d.checkFacts()
	d.checkCues()
	d.checkBeats()
	d.checkEffects("dialogue.effects", asMap(dialogue["effects"]))
	d.checkTimes()
	d.checkReachable()
	d.checkTasks()
}

// dialogueLinter knows the names that a dialogue defines.
type dialogueLinter struct {
	*linter
	dialogue map[string]any
	facts    []string
	intents  []string // with the names that cues open
	acts     []string
	states   []string
	effects  []map[string]any // of shared moves
	// unreached are the facts that nothing reveals.
	unreached     map[string]bool
	term, atLeast *regexp.Regexp
}

// maxItems is the number of facts, intents, cues or beats in a dialogue that are checked, because
// the checks compare each with all others. The longest shipped dialogue has a few dozen.
const maxItems = 200

// tooLong reports lists of the dialogue that are too long to be checked.
func (d *dialogueLinter) tooLong() (is bool) {
	for _, key := range []string{"facts", "intents", "cues", "beats"} {
		if list, _ := d.dialogue[key].([]any); len(list) > maxItems {
			is = true
			d.add("dialogue."+key, Error, "size", "there are %d %s; at most %d are possible",
				len(list), key, maxItems)
		}
	}
	for _, key := range []string{"state", "effects"} {
		if n := len(asMap(d.dialogue[key])); n > maxItems {
			is = true
			d.add("dialogue."+key, Error, "size", "%s has %d keys; at most %d are possible", key,
				n, maxItems)
		}
	}
	return is
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// each calls visit for every object of a list of the dialogue, with its path.
func (d *dialogueLinter) each(key string, visit func(path string, item map[string]any)) {
	list, _ := d.dialogue[key].([]any)
	for i, item := range list {
		if m := asMap(item); m != nil {
			visit(fmt.Sprintf("dialogue.%s[%d]", key, i), m)
		}
	}
}

// texts returns the texts of a value that may be one text or a list of them, with their paths.
func texts(path string, value any) (paths, list []string) {
	if s, ok := value.(string); ok {
		return []string{path}, []string{s}
	}
	items, _ := value.([]any)
	for i, item := range items {
		if s, ok := item.(string); ok {
			paths, list = append(paths, fmt.Sprintf("%s[%d]", path, i)), append(list, s)
		}
	}
	return paths, list
}

// collect reads the names of the dialogue, and reports those that are missing or there twice.
func (d *dialogueLinter) collect() {
	names := func(key string) (list []string) {
		d.each(key, func(path string, item map[string]any) {
			id, _ := item["id"].(string)
			switch {
			case id == "":
				d.add(path, Error, "dialogue-id", "%s has no id", path)
			case slices.Contains(list, id):
				d.add(path+".id", Error, "duplicate-id", "another of the %s is called %s too", key,
					id)
			default:
				list = append(list, id)
			}
		})
		return list
	}
	d.facts, d.intents = names("facts"), names("intents")
	names("cues")
	d.each("intents", func(_ string, item map[string]any) {
		if act, ok := item["act"].(string); ok {
			d.acts = append(d.acts, act)
		}
	})
	d.each("cues", func(path string, item map[string]any) {
		_, opens := texts(path, item["opens"])
		d.intents = append(d.intents, opens...)
	})
	for name := range asMap(d.dialogue["state"]) {
		d.states = append(d.states, name)
	}
	slices.Sort(d.states)
	d.collectMoves()
}

// collectMoves adds the intents of the shared moves that the dialogue uses.
func (d *dialogueLinter) collectMoves() {
	paths, used := texts("dialogue.use", d.dialogue["use"])
	for i, name := range used {
		var moves struct {
			Intents []struct{ ID, Act string }
			Effects map[string]any
		}
		data, err := Moves(name)
		if err == nil {
			err = yaml.Unmarshal(data, &moves)
		}
		if err != nil {
			d.add(paths[i], Error, "unknown-name", "%s", err)
		}
		for _, intent := range moves.Intents {
			d.intents, d.acts = append(d.intents, intent.ID), append(d.acts, intent.Act)
		}
		for _, change := range moves.Effects {
			d.effects = append(d.effects, asMap(change))
		}
	}
}

// unknown reports a name that is not in a list.
func (d *dialogueLinter) unknown(path, kind, name string, known []string) {
	if slices.Contains(known, name) {
		return
	}
	hint := ""
	if near := store.Nearest(name, known); near != "" {
		hint = "; did you mean " + near + "?"
	}
	d.add(path, Error, "unknown-name", "there is no %s called %s%s", kind, name, hint)
}

// intentName reports an intent that is not defined.
func (d *dialogueLinter) intentName(path, name string) {
	d.unknown(path, "intent", name, slices.Concat(d.intents, d.acts))
}

func (d *dialogueLinter) checkFacts() {
	d.each("facts", func(path string, fact map[string]any) {
		paths, names := texts(path+".on", fact["on"])
		for i, name := range names {
			d.intentName(paths[i], name)
		}
		d.condition(path+".need", fact["need"])
		if layer, ok := fact["layer"]; ok && layer != 1.0 && layer != 2.0 && layer != 3.0 {
			d.add(path+".layer", Error, "layer", "the layer of a fact is 1, 2 or 3")
		}
		if say, _ := fact["say"].(string); strings.TrimSpace(say) == "" {
			d.add(path, Error, "silent-fact", "%s has nothing to say", path)
		} else {
			d.spoken(path+".say", say, patientWords)
		}
	})
}

func (d *dialogueLinter) checkCues() {
	d.each("cues", func(path string, cue map[string]any) {
		d.condition(path+".unless", cue["unless"])
		if say, ok := cue["say"].(string); ok {
			d.spoken(path+".say", say, patientWords)
		}
	})
}

func (d *dialogueLinter) checkBeats() {
	d.each("beats", func(path string, beat map[string]any) {
		paths, names := texts(path+".on", beat["on"])
		for i, name := range names {
			d.intentName(paths[i], name)
		}
		d.condition(path+".if", beat["if"])
		d.changes(path+".effects", asMap(beat["effects"]))
	})
}

// checkEffects checks what intents and moves change.
func (d *dialogueLinter) checkEffects(path string, effects map[string]any) {
	for name, change := range effects {
		d.intentName(path+"."+name, name)
		d.changes(path+"."+name, asMap(change))
	}
}

func (d *dialogueLinter) changes(path string, change map[string]any) {
	for name := range change {
		d.unknown(path+"."+name, "state", name, d.states)
	}
}

// checkTimes checks that what comes after a time comes within the play.
func (d *dialogueLinter) checkTimes() {
	late := func(path string, value any) {
		if at, ok := value.(float64); ok && int(at) > d.PlaySeconds && d.PlaySeconds > 0 {
			d.add(path, Warning, "late", "%g s is after the end of the play, which lasts %d s", at,
				d.PlaySeconds)
		}
	}
	d.each("cues", func(path string, cue map[string]any) { late(path+".after_s", cue["after_s"]) })
	late("dialogue.close.at_s", asMap(d.dialogue["close"])["at_s"])
}

// term matches what a condition is made of: known.fact, asked.intent, names, numbers, comparisons.
func term() *regexp.Regexp {
	return regexp.MustCompile(`(known|asked|said)\.([a-z0-9_]+)|([a-z_][a-z0-9_]*)|([<>=!]+|\d+)`)
}

// atLeast matches a condition that a state has risen to a number.
func atLeast() *regexp.Regexp { return regexp.MustCompile(`([a-z_]+) *>=? *(\d+)`) }

// condition reports the names in a condition that are not defined.
func (d *dialogueLinter) condition(path string, value any) {
	text, ok := value.(string)
	if !ok {
		return
	}
	for _, m := range d.term.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] == "known":
			d.unknown(path, "fact", m[2], d.facts)
		case m[1] == "asked":
			d.intentName(path, m[2])
		case m[3] != "" && !slices.Contains([]string{"not", "and", "or", "true", "false"}, m[3]):
			d.unknown(path, "state", m[3], d.states)
		}
	}
}

// checkReachable reports facts that no intent reveals, that need each other, or that need a state
// which nothing raises so far.
func (d *dialogueLinter) checkReachable() {
	conditions, on := map[string]string{}, map[string][]string{}
	paths := map[string]string{}
	d.each("facts", func(path string, fact map[string]any) {
		id, _ := fact["id"].(string)
		paths[id] = path
		conditions[id], _ = fact["need"].(string)
		_, on[id] = texts("", fact["on"])
	})
	reached := map[string]bool{}
	for again := true; again; {
		again = false
		for _, id := range d.facts {
			if !reached[id] && d.reveals(on[id]) && d.attainable(conditions[id], reached) {
				reached[id], again = true, true
			}
		}
	}
	d.unreached = map[string]bool{}
	for _, id := range d.facts {
		if !reached[id] {
			d.unreached[id] = true
			d.add(paths[id], Error, "unreachable",
				"nothing reveals the fact %s: see its keys on and need", id)
		}
	}
}

// reveals reports whether one of the names is an intent.
func (d *dialogueLinter) reveals(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.Contains(d.intents, name) || slices.Contains(d.acts, name)
	})
}

// attainable reports whether a condition can come true when these facts can be known. It looks at
// each side of an "or"; a "not" is taken to hold.
func (d *dialogueLinter) attainable(condition string, reached map[string]bool) bool {
	if strings.TrimSpace(condition) == "" {
		return true
	}
	for _, side := range strings.Split(condition, " or ") {
		possible := true
		for _, part := range strings.Split(side, " and ") {
			part = strings.TrimSpace(strings.Trim(part, "() "))
			if name, ok := strings.CutPrefix(part, "known."); ok && !reached[name] {
				possible = false
			}
			if m := d.atLeast.FindStringSubmatch(part); m != nil {
				want, _ := strconv.ParseFloat(m[2], 64)
				start, _ := asMap(asMap(d.dialogue["state"])[m[1]])["start"].(float64)
				if start < want && !d.raised(m[1]) {
					possible = false
				}
			}
		}
		if possible {
			return true
		}
	}
	return false
}

// raised reports whether something raises a state.
func (d *dialogueLinter) raised(state string) (is bool) {
	raises := func(change map[string]any) bool {
		by, _ := change[state].(float64)
		return by > 0
	}
	for _, change := range asMap(d.dialogue["effects"]) {
		is = is || raises(asMap(change))
	}
	is = is || slices.ContainsFunc(d.effects, raises)
	d.each("beats", func(_ string, beat map[string]any) {
		is = is || raises(asMap(beat["effects"]))
	})
	return is
}

// checkTasks reports tasks that nothing in the dialogue can show to be done.
func (d *dialogueLinter) checkTasks() {
	for i, task := range d.Candidate.Tasks {
		path := fmt.Sprintf("candidate_card.tasks[%d]", i)
		possible := false
		for n, reference := range task.CoveredBy {
			at := fmt.Sprintf("%s.covered_by[%d]", path, n)
			kind, name, _ := strings.Cut(reference, ".")
			switch kind {
			case "fact":
				d.unknown(at, "fact", name, d.facts)
				possible = possible || slices.Contains(d.facts, name) && !d.unreached[name]
			case "intent":
				d.intentName(at, name)
				possible = possible || d.reveals([]string{name})
			}
		}
		if !possible {
			d.add(path, Warning, "uncoverable",
				"nothing in the dialogue shows that this task was done: see its key covered_by")
		}
	}
}
