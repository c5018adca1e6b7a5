package postgres

import (
	"fmt"
	"strconv"
)

// lastID is the cursor of the first page: no id is greater.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// pageOf returns a query for the newest rows of a table that have $1 in a column, that are older
// than the row with the id $2, and that meet a condition. It reads a page's rows from the end of a
// part of an index on (column, id), and no others, in every plan:
//   - Written as column = $1, it would allow a plan that reads the whole table from its newest row
//     to find those rows.
//   - A subquery hides $1 from the planner, which for values that it takes to be rare would read
//     and sort all their rows.
//   - With the limit as a parameter, the planner would assume that a tenth of the rows is wanted.
func pageOf(table, column, condition string, limit int) string {
	return fmt.Sprintf(`SELECT * FROM %[1]s
		WHERE %[2]s >= (SELECT $1::%[5]s) AND (%[2]s, id) < ((SELECT $1::%[5]s), $2::uuid)
			AND %[3]s
		ORDER BY %[2]s DESC, id DESC LIMIT %[4]s`, table, column, condition, strconv.Itoa(limit),
		columnType(column))
}

func columnType(column string) string {
	if column == "action" {
		return "text"
	}
	return "uuid"
}
