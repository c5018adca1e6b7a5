package postgres

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"bedside/store"
)

const summaryColumns = entryColumns + `, c.title, c.profession, c.summary, c.difficulty,
	c.setting, c.clinical_focus, c.criteria, c.tags, c.picture, c.prepare_seconds, c.play_seconds,
	c.has_dialogue`

func summaryTargets(s *store.ScenarioSummary) []any {
	return append(entryTargets(&s.ScenarioEntry), &s.Title, &s.Profession, &s.Summary,
		&s.Difficulty, &s.Setting, &s.ClinicalFocus, &s.Criteria, &s.Tags, &s.Picture,
		&s.PrepareSeconds, &s.PlaySeconds, &s.HasDialogue)
}

// scenarioQuery collects the conditions of a filter on scenarios c, with their arguments. A filter
// that is not set has no condition, so that the plan is made for those that are.
type scenarioQuery struct {
	always []string // by state, text and account
	facets []facet  // by value
	args   []any
	text   string // the tsquery expression; empty: no search
}

// facet is a filter by the values of one column.
type facet struct {
	name, column string
	list         bool   // the column is an array
	condition    string // empty: any value
}

func (s *scenarioQuery) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

func newScenarioQuery(f store.ScenarioFilter) *scenarioQuery {
	s := &scenarioQuery{}
	s.always = append(s.always, "c.state = "+s.arg(string(f.State)))
	if f.Text != "" {
		s.text = s.search(f.Text)
		s.always = append(s.always, "c.search @@ "+s.text)
	}
	s.mine(f)
	for _, one := range []struct {
		facet
		values []string
	}{
		{facet{name: "profession", column: "profession"}, f.Professions},
		{facet{name: "setting", column: "setting"}, f.Settings},
		{facet{name: "difficulty", column: "difficulty"}, f.Difficulties},
		{facet{name: "clinical_focus", column: "clinical_focus"}, f.ClinicalFocus},
		{facet{name: "criterion", column: "criteria", list: true}, f.Criteria},
		{facet{name: "tag", column: "tags", list: true}, f.Tags},
	} {
		column, kind := "c."+one.column, "text"
		if one.column == "difficulty" {
			kind = "int"
		}
		switch {
		case len(one.values) == 0:
		case one.list:
			one.condition = column + " && " + s.arg(one.values) + "::text[]"
		case len(one.values) == 1:
			// Unlike a list, one value lets the planner read a part of an index in order.
			one.condition = column + " = " + s.arg(one.values[0]) + "::text::" + kind
		default:
			one.condition = column + " = ANY (" + s.arg(one.values) + "::text[]::" + kind + "[])"
		}
		s.facets = append(s.facets, one.facet)
	}
	return s
}

// search returns an expression for a query that finds scenarios with all words of a text. The last
// word may be the beginning of one, since people search while they type.
func (s *scenarioQuery) search(text string) string {
	words := searchWords(text)
	if len(words) == 0 {
		return "''::tsquery" // matches nothing
	}
	head := s.arg(strings.Join(words[:len(words)-1], " "))
	last := s.arg(words[len(words)-1])
	quoted := "quote_literal(unaccented(" + last + ")) || ':*'"
	return "(plainto_tsquery('english', unaccented(" + head + ")) && (to_tsquery('english', " +
		quoted + ") || to_tsquery('simple', " + quoted + ")))"
}

// searchWords returns the words of a text, without the accents that unaccented removes in SQL. A
// word has a letter or a number, so that something is left of it.
func searchWords(text string) []string {
	text = strings.Map(func(r rune) rune {
		if r >= '\u0300' && r <= '\u036f' {
			return -1
		}
		return r
	}, text)
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
	return slices.DeleteFunc(words, func(word string) bool {
		return !strings.ContainsFunc(word, func(r rune) bool {
			return unicode.IsLetter(r) || unicode.IsNumber(r)
		})
	})
}

// where returns the conditions, except those of one facet.
func (s *scenarioQuery) where(without string) string {
	conditions := slices.Clone(s.always)
	for _, f := range s.facets {
		if f.condition != "" && f.name != without {
			conditions = append(conditions, f.condition)
		}
	}
	return strings.Join(conditions, " AND ")
}

// order is a total order of scenarios: the columns that are compared, in one direction.
type order struct {
	columns []string
	types   []string
	down    bool
}

func (s *scenarioQuery) order(by store.ScenarioSort) (order, error) {
	switch {
	case by == store.SortProfession:
		return order{
			columns: []string{"c.profession", "c.difficulty", "lower(c.title)", "c.id"},
			types:   []string{"text", "int", "text", "uuid"},
		}, nil
	case by == store.SortTitle:
		return order{
			columns: []string{"lower(c.title)", "c.id"}, types: []string{"text", "uuid"},
		}, nil
	case by == store.SortDifficulty:
		return order{
			columns: []string{"c.difficulty", "lower(c.title)", "c.id"},
			types:   []string{"int", "text", "uuid"},
		}, nil
	case by == store.SortNewest:
		return order{
			columns: []string{"coalesce(c.published_at, c.created_at)", "c.id"},
			types:   []string{"timestamptz", "uuid"}, down: true,
		}, nil
	case by == store.SortRelevance && s.text != "":
		// Rounded, so that a page begins where the one before has ended.
		return order{
			columns: []string{"round(ts_rank(c.search, " + s.text + ")::numeric, 6)", "c.id"},
			types:   []string{"numeric", "uuid"}, down: true,
		}, nil
	}
	return order{}, fmt.Errorf("the order %q: %w", by, store.ErrInvalid)
}

// Scenarios returns at most f.Limit scenarios, in the order of f.Sort, and the cursor of the page
// after them, which is empty on the last page. It returns store.ErrInvalid when the order or the
// cursor is not valid.
func (db *DB) Scenarios(ctx context.Context, f store.ScenarioFilter) (
	list []store.ScenarioSummary, next string, err error) {
	s := newScenarioQuery(f)
	o, err := s.order(f.Sort)
	if err != nil {
		return nil, "", err
	}
	where, direction := s.where(""), " ASC"
	if o.down {
		direction = " DESC"
	}
	if f.Before != "" {
		values, err := parseCursor(f.Before, f.Sort, o.types)
		if err != nil {
			return nil, "", err
		}
		for i := range values {
			values[i] = s.arg(values[i]) + "::text::" + o.types[i]
		}
		where += " AND (" + strings.Join(o.columns, ", ") + ") " +
			map[bool]string{false: ">", true: "<"}[o.down] +
			" (" + strings.Join(values, ", ") + ")"
	}
	keys := make([]string, len(o.columns))
	for i, c := range o.columns {
		keys[i] = c + "::text"
	}
	type row struct {
		summary store.ScenarioSummary
		keys    []string
	}
	var rows []row
	err = db.do(ctx, "scenarios", func(ctx context.Context, q querier) (err error) {
		rows, err = collect(ctx, q, `SELECT `+summaryColumns+`,
				ARRAY[`+strings.Join(keys, ", ")+`] FROM scenarios c WHERE `+where+`
			ORDER BY `+strings.Join(o.columns, direction+", ")+direction+`
			LIMIT `+strconv.Itoa(f.Limit+1), s.args,
			func(r *row) []any { return append(summaryTargets(&r.summary), &r.keys) })
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		next = formatCursor(f.Sort, rows[f.Limit-1].keys)
	}
	list = make([]store.ScenarioSummary, len(rows))
	for i, r := range rows {
		list[i] = r.summary
	}
	return list, next, nil
}

// A cursor is the order and the keys of a page's last scenario.

func formatCursor(by store.ScenarioSort, keys []string) string {
	b, err := json.Marshal(append([]string{string(by)}, keys...))
	if err != nil {
		return "" // never: texts can always be written
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor returns the keys of a cursor, or store.ErrInvalid when it is not one of this order.
func parseCursor(cursor string, by store.ScenarioSort, types []string) ([]string,
	error) {
	var values []string
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &values)
	}
	if err != nil || len(values) != len(types)+1 || values[0] != string(by) {
		return nil, fmt.Errorf("page cursor: %w", store.ErrInvalid)
	}
	for i, kind := range types {
		if !isValue(values[i+1], kind) {
			return nil, fmt.Errorf("page cursor: a key is no %s: %w", kind, store.ErrInvalid)
		}
	}
	return values[1:], nil
}

// isValue reports whether PostgreSQL can read a text as a value of one of the types of an order.
func isValue(text, kind string) bool {
	switch kind {
	case "uuid":
		return store.IsID(text)
	case "int":
		_, err := strconv.ParseInt(text, 10, 32)
		return err == nil
	case "numeric":
		_, err := strconv.ParseFloat(text, 64)
		return err == nil && strings.Trim(text, "0123456789.") == ""
	case "timestamptz":
		for _, zone := range []string{"-07", "-07:00", "-07:00:00"} {
			if t, err := time.Parse("2006-01-02 15:04:05"+zone, text); err == nil {
				return t.Year() > 0
			}
		}
		return false
	}
	return !strings.ContainsRune(text, 0)
}

// maxFacetValues is the number of values of a facet that are counted, those of most scenarios.
const maxFacetValues = 60

// CountScenarios counts the scenarios that a filter selects, and those of each value.
func (db *DB) CountScenarios(ctx context.Context, f store.ScenarioFilter) (
	counts store.ScenarioCounts, err error) {
	s := newScenarioQuery(f)
	sql := &strings.Builder{}
	columns := []string{"c.profession", "c.setting", "c.difficulty", "c.clinical_focus",
		"c.criteria", "c.tags"}
	for _, one := range s.facets {
		columns = append(columns, cmp.Or(one.condition, "true")+" AS is_"+one.name)
	}
	fmt.Fprintf(sql, `WITH m AS MATERIALIZED (SELECT %s FROM scenarios c WHERE %s)
		SELECT 'total' AS facet, '' AS value, count(*) FROM m WHERE %s`,
		strings.Join(columns, ", "), strings.Join(s.always, " AND "), s.matches(""))
	for _, one := range s.facets {
		from, value := "m", "m."+one.column+"::text"
		if one.list {
			from, value = "m, unnest(m."+one.column+") x", "x"
		}
		fmt.Fprintf(sql, ` UNION ALL (SELECT '%s', %s, count(*) FROM %s
				WHERE %[4]s AND %[2]s <> '' GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT %[5]d)`,
			one.name, value, from, s.matches(one.name), maxFacetValues)
	}
	type row struct {
		facet, value string
		count        int
	}
	var rows []row
	err = db.do(ctx, "scenarios", func(ctx context.Context, q querier) (err error) {
		rows, err = collect(ctx, q, sql.String(), s.args,
			func(r *row) []any { return []any{&r.facet, &r.value, &r.count} })
		return err
	})
	facets := &counts.Facets
	lists := map[string]*[]store.FacetCount{
		"profession": &facets.Professions, "setting": &facets.Settings,
		"difficulty": &facets.Difficulties, "clinical_focus": &facets.ClinicalFocus,
		"criterion": &facets.Criteria, "tag": &facets.Tags,
	}
	for _, list := range lists {
		*list = []store.FacetCount{}
	}
	for _, r := range rows {
		if r.facet == "total" {
			counts.Total = r.count
			continue
		}
		list := lists[r.facet]
		*list = append(*list, store.FacetCount{Value: r.value, Count: r.count})
	}
	return counts, err
}

// matches returns the condition that a row of m meets every facet's filter, except one's.
func (s *scenarioQuery) matches(without string) string {
	conditions := []string{"true"}
	for _, f := range s.facets {
		if f.name != without {
			conditions = append(conditions, "is_"+f.name)
		}
	}
	return strings.Join(conditions, " AND ")
}
