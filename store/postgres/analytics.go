package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// everybody stands for the missing tutor of rows that count all attempts, in the key of
// practice_days.
const everybody = "00000000-0000-0000-0000-000000000000"

// stepColumns are the columns of practice_days and practice_changes that count.
func stepColumns() []string {
	return []string{
		"created", "prepared", "started", "ended", "reported", "waiting", "preparing", "playing",
		"analysing", "seconds", "unjoined",
	}
}

// eachStep returns the columns of stepColumns, each in a format, joined by commas.
func eachStep(format string) string {
	list := stepColumns()
	for i, column := range list {
		list[i] = strings.ReplaceAll(format, "%", column)
	}
	return strings.Join(list, ", ")
}

// stepsRow is a row of the sums of stepColumns.
type stepsRow struct {
	scenario store.Scenario
	day      time.Time
	steps    store.Steps
	seconds  int64
}

func stepTargets(r *stepsRow) []any {
	s := &r.steps
	return []any{
		&s.Created, &s.Prepared, &s.Started, &s.Ended, &s.Reported, &s.Waiting, &s.Preparing,
		&s.Playing, &s.Analysing, &r.seconds, &s.Unjoined,
	}
}

func (r stepsRow) total() store.Steps {
	s := r.steps
	s.Practice = time.Duration(r.seconds) * time.Second
	return s
}

// FoldPractice adds the changes since the last call to the days that they are of, and returns
// their number. Sums are the same before and after it. It may run in several processes at a time.
func (db *DB) FoldPractice(ctx context.Context) (n int, err error) {
	const batch = 10_000
	for {
		var folded int
		err := db.within(ctx, "practice", func(ctx context.Context, tx pgx.Tx) error {
			if err := scanOne(ctx, tx, `WITH gone AS (
					DELETE FROM practice_changes WHERE id = ANY (ARRAY(
						SELECT id FROM practice_changes ORDER BY id LIMIT $1
						FOR UPDATE SKIP LOCKED)) RETURNING *),
				added AS (INSERT INTO practice_days AS d
						(tutor_id, day, scenario_id, `+eachStep("%")+`)
					SELECT tutor_id, day, scenario_id, `+eachStep("sum(%)")+` FROM gone
					GROUP BY tutor_id, day, scenario_id ORDER BY tutor_id, day, scenario_id
					ON CONFLICT (coalesce(tutor_id, '`+everybody+`'), day, scenario_id)
					DO UPDATE SET `+eachStep("% = d.% + excluded.%")+`)
				SELECT count(*) FROM gone`, []any{batch}, []any{&folded}); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DELETE FROM practice_days
				WHERE created = 0 AND unjoined = 0 AND (`+eachStep("%")+`)
					= (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`)
			return err
		})
		if err != nil {
			return n, err
		}
		if n += folded; folded < batch {
			return n, nil
		}
	}
}

// practiceWhere returns the condition of a filter on practice_sum s and scenarios c, and its
// arguments.
func practiceWhere(f store.PracticeFilter) (where string, args []any, err error) {
	if f.TutorID != "" && !store.IsID(f.TutorID) {
		return "", nil, fmt.Errorf("practice: the tutor's id: %w", store.ErrInvalid)
	}
	args = []any{cmp.Or(f.TutorID, everybody), f.From, f.To}
	where = `coalesce(s.tutor_id, '` + everybody + `') = $1::uuid AND s.day >= $2::date
		AND s.day <= $3::date`
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	switch {
	case store.IsID(f.Scenario):
		add("s.scenario_id = $%d::uuid", f.Scenario)
	case f.Scenario != "":
		add("c.slug = $%d", f.Scenario)
	}
	if f.Profession != "" {
		add("c.profession = $%d", f.Profession)
	}
	if f.Difficulty != 0 {
		add("c.difficulty = $%d", f.Difficulty)
	}
	if f.Criterion != "" {
		add("c.criteria @> ARRAY[$%d::text]", f.Criterion)
	}
	return where, args, nil
}

// PracticeByScenario counts attempts by scenario, those with the most attempts first.
func (db *DB) PracticeByScenario(ctx context.Context,
	f store.PracticeFilter) (list []store.ScenarioPractice, err error) {
	where, args, err := practiceWhere(f)
	if err != nil {
		return nil, err
	}
	err = db.do(ctx, "practice", func(ctx context.Context, q querier) error {
		rows, err := collect(ctx, q, `SELECT `+practisedColumns+`, `+eachStep("n.%")+` FROM (
				SELECT s.scenario_id, `+eachStep("sum(s.%)::bigint AS %")+`
				FROM practice_sum s JOIN scenarios c ON c.id = s.scenario_id WHERE `+where+`
				GROUP BY s.scenario_id) n JOIN scenarios c ON c.id = n.scenario_id
			WHERE n.created + n.unjoined > 0 ORDER BY n.created + n.unjoined DESC, c.slug`, args,
			func(r *stepsRow) []any {
				return append(practisedTargets(&r.scenario), stepTargets(r)...)
			})
		for _, r := range rows {
			list = append(list, store.ScenarioPractice{Scenario: r.scenario, Steps: r.total()})
		}
		return err
	})
	return list, err
}

// PracticeByDay counts attempts by day, oldest first, without the days that have none.
func (db *DB) PracticeByDay(ctx context.Context,
	f store.PracticeFilter) (list []store.DayPractice, err error) {
	where, args, err := practiceWhere(f)
	if err != nil {
		return nil, err
	}
	err = db.do(ctx, "practice", func(ctx context.Context, q querier) error {
		rows, err := collect(ctx, q, `SELECT s.day, `+eachStep("sum(s.%)::bigint")+`
			FROM practice_sum s JOIN scenarios c ON c.id = s.scenario_id WHERE `+where+`
			GROUP BY s.day HAVING sum(s.created + s.unjoined) > 0 ORDER BY s.day`, args,
			func(r *stepsRow) []any { return append([]any{&r.day}, stepTargets(r)...) })
		for _, r := range rows {
			list = append(list, store.DayPractice{Day: r.day, Steps: r.total()})
		}
		return err
	})
	return list, err
}

// PracticeRows counts attempts by day and scenario: at most limit rows after the one given, whose
// zero value is before the first. It reads no more than it returns, so a caller can send any
// number of rows in pages.
func (db *DB) PracticeRows(ctx context.Context, f store.PracticeFilter, after store.DayPractice,
	limit int) (list []store.DayPractice, err error) {
	if after.Scenario.ID != "" {
		f.From = after.Day
	}
	where, args, err := practiceWhere(f)
	if err != nil {
		return nil, err
	}
	args = append(args, after.Day, cmp.Or(after.Scenario.ID, everybody), limit)
	key := fmt.Sprintf("(s.day, s.scenario_id) > ($%d::date, $%d::uuid)", len(args)-2, len(args)-1)
	err = db.do(ctx, "practice", func(ctx context.Context, q querier) error {
		rows, err := collect(ctx, q, `SELECT n.day, `+practisedColumns+`,
				`+eachStep("n.%")+` FROM (
				SELECT s.day, s.scenario_id, `+eachStep("sum(s.%)::bigint AS %")+`
				FROM practice_sum s JOIN scenarios c ON c.id = s.scenario_id
				WHERE `+where+` AND `+key+`
				GROUP BY s.day, s.scenario_id ORDER BY s.day, s.scenario_id
				LIMIT $`+fmt.Sprint(len(args))+`) n JOIN scenarios c ON c.id = n.scenario_id
			ORDER BY n.day, n.scenario_id`, args,
			func(r *stepsRow) []any {
				return append(append([]any{&r.day}, practisedTargets(&r.scenario)...),
					stepTargets(r)...)
			})
		for _, r := range rows {
			list = append(list, store.DayPractice{
				Day: r.day, Scenario: r.scenario, Steps: r.total(),
			})
		}
		return err
	})
	return list, err
}
