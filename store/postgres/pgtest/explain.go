package pgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Statement is a statement as a postgres.DB has sent it.
type Statement struct {
	SQL  string
	Args []any
	// Custom means that PostgreSQL plans it for the arguments each time.
	Custom bool
}

// Recorder records the statements of a postgres.DB whose Config has it as Tracer.
type Recorder struct {
	mu         sync.Mutex
	statements []Statement // guarded by mu
}

// TraceQueryStart implements pgx.QueryTracer.
func (r *Recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn,
	data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Statement{SQL: data.SQL, Args: data.Args}
	if len(s.Args) > 0 {
		if mode, ok := s.Args[0].(pgx.QueryExecMode); ok {
			s.Args, s.Custom = s.Args[1:], mode == pgx.QueryExecModeCacheDescribe
		}
	}
	r.statements = append(r.statements, s)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *Recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Take returns the statements since the last call, without those that begin and end transactions.
func (r *Recorder) Take() (list []Statement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.statements {
		if word := strings.ToLower(s.SQL); word != "begin" && word != "commit" &&
			word != "rollback" {
			list = append(list, s)
		}
	}
	r.statements = nil
	return list
}

// Plan is what PostgreSQL did to run a statement.
type Plan struct {
	// Read is the number of rows that scans of tables and indexes have read, those that a filter
	// removed included.
	Read int
	// Scanned has the tables that were read from their beginning.
	Scanned []string
	Text    string // for a person
}

// Planning says how PostgreSQL plans a statement with parameters.
type Planning string

// The ways to plan. PostgreSQL itself chooses one after a statement has run five times on a
// connection: Generic when it seems no worse than Custom.
const (
	Custom  Planning = "force_custom_plan"  // for the parameters' values
	Generic Planning = "force_generic_plan" // once for any values
)

// Explain runs a statement in a transaction that it rolls back, and returns its plan.
func Explain(ctx context.Context, conn *pgx.Conn, s Statement,
	planning Planning) (p Plan, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	literals := make([]string, len(s.Args))
	for i, arg := range s.Args {
		if literals[i], err = literal(arg); err != nil {
			return p, err
		}
	}
	execute := "EXECUTE explained"
	if len(literals) > 0 {
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	for _, sql := range []string{
		"SET LOCAL plan_cache_mode = " + string(planning), "PREPARE explained AS " + s.SQL,
	} {
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return p, fmt.Errorf("%s: %w", sql, err)
		}
	}
	var body []byte
	if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+execute,
		pgx.QueryExecModeSimpleProtocol).Scan(&body); err != nil {
		return p, fmt.Errorf("%s of %s: %w", execute, s.SQL, err)
	}
	if _, err := tx.Exec(ctx, "DEALLOCATE explained"); err != nil {
		return p, err
	}
	var roots []struct{ Plan node }
	if err := json.Unmarshal(body, &roots); err != nil {
		return p, err
	}
	var text strings.Builder
	for _, root := range roots {
		root.Plan.add(&p, &text, 0)
	}
	p.Text = text.String()
	return p, nil
}

// node is a node of a plan, in the form of EXPLAIN's JSON.
type node struct {
	Type     string  `json:"Node Type"`
	Table    string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"` // for each loop
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Recheck  float64 `json:"Rows Removed by Index Recheck"`
	Hits     int     `json:"Shared Hit Blocks"`
	Reads    int     `json:"Shared Read Blocks"`
	Plans    []node
}

func (n node) add(p *Plan, text *strings.Builder, depth int) {
	read := int((n.Rows + n.Filtered + n.Recheck) * n.Loops)
	fmt.Fprintf(text, "%s%s %s%s: %.0f rows, %d read, %d blocks\n", strings.Repeat("  ", depth),
		n.Type, n.Table, n.Index, n.Rows*n.Loops, read, n.Hits+n.Reads)
	if strings.HasSuffix(n.Type, "Scan") && (n.Table != "" || n.Index != "") {
		p.Read += read
	}
	if n.Type == "Seq Scan" && n.Loops > 0 {
		p.Scanned = append(p.Scanned, n.Table)
	}
	for _, below := range n.Plans {
		below.add(p, text, depth+1)
	}
}

// literal writes an argument as SQL.
func literal(arg any) (string, error) {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	switch v := arg.(type) {
	case nil:
		return "NULL", nil
	case time.Time:
		return quote(v.Format(time.RFC3339Nano)), nil
	case []byte:
		return fmt.Sprintf(`'\x%x'`, v), nil
	case []string:
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = strconv.Quote(s)
		}
		return quote("{" + strings.Join(list, ",") + "}"), nil
	case *bool:
		if v == nil {
			return "NULL", nil
		}
		return fmt.Sprint(*v), nil
	case *time.Time:
		if v == nil {
			return "NULL", nil
		}
		return quote(v.Format(time.RFC3339Nano)), nil
	case int, int64, bool, float64:
		return fmt.Sprint(v), nil
	}
	s := fmt.Sprint(arg) // texts of any type
	return quote(s), nil
}
